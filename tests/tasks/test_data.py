from __future__ import annotations

import hashlib
from pathlib import Path

import pooch
import pytest

from gondwana import tasks
from gondwana.tasks.data import RemoteFile, data_root, find, require

CONTENT = b"the file as published"
FILE = RemoteFile(
    "x.bin", f"md5:{hashlib.md5(CONTENT).hexdigest()}", ("https://one.example/x", "https://two.example/x")
)


class Network:
    """Stands in for pooch's downloader; answers by URL and remembers what was asked."""

    def __init__(self, answers: dict[str, bytes]) -> None:
        self.answers, self.asked = answers, []

    def __call__(self, timeout: float):
        def download(url: str, output: str, source: object) -> None:
            self.asked.append(url)
            if url not in self.answers:
                raise OSError("no network")
            Path(output).write_bytes(self.answers[url])

        return download


@pytest.fixture
def network(monkeypatch):
    fake = Network({})
    monkeypatch.setattr(pooch, "HTTPDownloader", fake)
    return fake


def test_the_argument_wins_over_the_environment_and_that_over_the_cache(monkeypatch):
    monkeypatch.setenv("GONDWANA_DATA", "/from/environment")
    assert data_root("/from/argument") == Path("/from/argument")
    assert data_root() == Path("/from/environment")
    monkeypatch.delenv("GONDWANA_DATA")
    assert data_root() == Path(pooch.os_cache("gondwana"))


def test_a_file_that_is_there_is_used_without_the_network(tmp_path, network):
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "x.bin").write_bytes(b"anything")
    assert require("set", FILE, tmp_path).read_bytes() == b"anything"
    assert network.asked == []


def test_a_missing_file_is_downloaded_from_the_first_place_that_has_it(tmp_path, network):
    network.answers["https://two.example/x"] = CONTENT
    assert require("set", FILE, tmp_path) == tmp_path / "set" / "x.bin"
    assert (tmp_path / "set" / "x.bin").read_bytes() == CONTENT
    assert network.asked == list(FILE.urls)


def test_a_download_with_the_wrong_checksum_leaves_nothing_behind(tmp_path, network):
    network.answers = dict.fromkeys(FILE.urls, b"something else")
    with pytest.raises(tasks.MissingDataError, match="failed"):
        require("set", FILE, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_without_file_and_network_one_line_says_what_where_and_what_to_do(tmp_path, network):
    with pytest.raises(tasks.MissingDataError) as caught:
        require("set", FILE, tmp_path / "typo")
    message = str(caught.value)
    assert "\n" not in message
    for part in ("x.bin", str(tmp_path / "typo" / "set"), "no network", "--data-dir", "GONDWANA_DATA"):
        assert part in message
    assert isinstance(caught.value, ValueError)
    assert not (tmp_path / "typo").exists()


def test_a_file_that_is_not_offered_is_said_to_be_so(tmp_path, network):
    with pytest.raises(tasks.MissingDataError, match="not offered for download"):
        require("set", RemoteFile("y.bin"), tmp_path)


def test_a_download_without_checksum_cannot_be_declared():
    with pytest.raises(ValueError, match="has a checksum"):
        RemoteFile("x", urls=("https://one.example/x",))


def test_find_returns_the_first_that_exists(tmp_path):
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "b").touch()
    assert find("set", ("a", "b"), tmp_path) == tmp_path / "set" / "b"
    assert find("set", ("a",), tmp_path) is None
