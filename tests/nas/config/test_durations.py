from __future__ import annotations

import pytest

from gondwana.nas.config.durations import seconds_of


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90", 90),
        ("90s", 90),
        ("20m", 1200),
        ("20 min", 1200),
        ("1h30m", 5400),
        ("1.5h", 5400),
        ("2d", 172800),
    ],
)
def test_durations_are_read_as_people_write_them(text, seconds):
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["", "soon", "20 apples", "m", "1h30", "3,5m"])
def test_what_is_no_duration_is_refused(text):
    with pytest.raises(ValueError, match="seconds, or a duration such as 90s, 20m or 1h30m"):
        seconds_of(text)


def test_numbers_stay_as_they_are():
    assert seconds_of(12.5) == 12.5 and seconds_of(None) is None
