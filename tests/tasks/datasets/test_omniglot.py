"""Omniglot, on archives of tiny drawings made here."""

from __future__ import annotations

import io
import zipfile

import numpy as np
import pytest
from PIL import Image

from gondwana import tasks
from gondwana.tasks.datasets.readers.omniglot_alphabets import ALPHABETS, head_name


def drawing(value: int, size: int = 12) -> bytes:
    pixels = np.full((size, size), 255, np.uint8)
    pixels.reshape(-1)[: value + 1] = 0
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def write(folder, alphabets, drawings: int = 20) -> None:
    (folder / "omniglot").mkdir(exist_ok=True)
    for part in ("background", "evaluation"):
        with zipfile.ZipFile(folder / "omniglot" / f"images_{part}.zip", "w") as archive:
            for name in alphabets:
                if ALPHABETS[name].part != part:
                    continue
                for character in range(ALPHABETS[name].characters):
                    for number in range(1, drawings + 1):
                        member = f"images_{part}/{name}/character{character + 1:02d}/0001_{number:02d}.png"
                        archive.writestr(member, drawing(character))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("omniglot")
    write(path, tasks.get("omniglot", alphabets=3, size=12).chosen)
    return path


def test_there_are_50_alphabets_with_1623_characters_and_distinct_head_names():
    assert len(ALPHABETS) == 50
    assert sum(a.characters for a in ALPHABETS.values()) == 1623
    assert len({head_name(name) for name in ALPHABETS}) == 50


def test_the_paper_setting_has_20_heads_known_without_data():
    info = tasks.get("omniglot").info
    assert len(info.heads) == 20 and info.input_shape == (105, 105, 1)
    assert info.chance == pytest.approx(np.mean([1 / head.units for head in info.heads]))


def test_the_seed_chooses_the_alphabets():
    assert tasks.get("omniglot", seed=1).chosen == tasks.get("omniglot", seed=1).chosen
    assert tasks.get("omniglot", seed=1).chosen != tasks.get("omniglot", seed=2).chosen


def test_every_character_has_10_4_and_6_drawings_in_the_splits(folder):
    task = tasks.get("omniglot", alphabets=3, size=12)
    data = task.search_data(folder)
    for split, each in ((data.train, 10), (data.validation, 4), (task.test_data(folder), 6)):
        for head in task.info.heads:
            labels = split.y[head.name]
            assert np.bincount(labels[labels >= 0], minlength=head.units).tolist() == [each] * head.units
        labelled = sum((labels >= 0).astype(int) for labels in split.y.values())
        assert (labelled == 1).all(), "every image belongs to one alphabet"


def test_labels_belong_to_their_images(folder):
    task = tasks.get("omniglot", alphabets=3, size=12)
    train = task.search_data(folder).train
    ink = (train.x > 0).sum(axis=(1, 2, 3))  # the drawing of character k has k + 1 black pixels
    for labels in train.y.values():
        known = labels >= 0
        assert np.array_equal(ink[known], labels[known] + 1)


def test_a_single_alphabet_has_flat_targets(folder):
    name = tasks.get("omniglot", alphabets=3, size=12).chosen
    seed = next(s for s in range(1000) if tasks.get("omniglot", alphabets=1, seed=s).chosen[0] in name)
    assert isinstance(
        tasks.get("omniglot", alphabets=1, size=12, seed=seed).search_data(folder).train.y, np.ndarray
    )


def test_missing_drawings_and_damaged_archives_are_named(tmp_path):
    task = tasks.get("omniglot", alphabets=3, size=12)
    write(tmp_path, task.chosen, drawings=19)
    with pytest.raises(tasks.DamagedDataError, match=r"images_.*zip: expected \d+ images under"):
        task.search_data(tmp_path)
    for part in ("background", "evaluation"):
        (tmp_path / "omniglot" / f"images_{part}.zip").write_bytes(b"no archive")
    with pytest.raises(tasks.DamagedDataError, match=r"images_.*zip is damaged"):
        task.search_data(tmp_path)


@pytest.mark.parametrize("options", [{"alphabets": 0}, {"alphabets": 51}, {"size": 7}, {"size": 106}])
def test_options_out_of_range_are_refused(options):
    with pytest.raises(ValueError, match=rf"omniglot: option '{next(iter(options))}' must be"):
        tasks.get("omniglot", **options)
