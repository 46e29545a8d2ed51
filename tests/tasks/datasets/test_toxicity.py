"""Toxicity, on a few lines in both layouts."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from gondwana import tasks
from gondwana.tasks.datasets.readers.text import PADDING, UNKNOWN, encode, tokens, vocabulary

LINES = [
    ("thank you, thank you", 0, "train", 1),
    ("you are bad! bad!NEWLINE_TOKENgo away", 1, "train", 1),
    ("thank the editor", 0, "train", 0),
    ("go away you", 1, "train", 1),
    ("unseen words only", 0, "dev", 1),
    ("bad", 1, "test", 0),
    ("thank you", 0, "test", 1),
]


@pytest.fixture
def packed(tmp_path):
    (tmp_path / "wiki_toxicity").mkdir()
    frame = pd.DataFrame(LINES, columns=["comment", "toxicity", "split", "natural"])
    frame.to_csv(tmp_path / "wiki_toxicity" / "toxicity_comments.tsv.gz", sep="\t", index=False)
    return tmp_path


@pytest.fixture
def published(tmp_path):
    folder = tmp_path / "wiki_toxicity"
    folder.mkdir()
    comments = pd.DataFrame(
        {
            "rev_id": range(len(LINES)),
            "comment": [line[0] for line in LINES],
            "split": [line[2] for line in LINES],
        }
    )
    comments.to_csv(folder / "toxicity_annotated_comments.tsv", sep="\t", index=False)
    votes = [(i, worker, vote) for i in range(len(LINES)) for worker, vote in enumerate(VOTES[i])]
    frame = pd.DataFrame(votes, columns=["rev_id", "worker_id", "toxicity"])
    frame.to_csv(folder / "toxicity_annotations.tsv", sep="\t", index=False)
    return tmp_path


VOTES = [(0, 0, 0), (1, 1, 0), (0, 1, 0), (1, 1, 1), (0, 0, 1), (1, 0), (0, 0)]


def small(source: str = "packed", **options: object) -> tasks.Task:
    return tasks.get("toxicity", source=source, vocabulary=6, length=4, **options)


def test_tokens_are_lower_case_words_and_marks_of_tone():
    assert tokens("Don't SHOUT, you f**k!") == ["don't", "shout", "you", "f", "*", "*", "k", "!"]


def test_the_vocabulary_holds_the_most_frequent_words_ties_in_alphabetical_order():
    assert vocabulary([["b", "a", "c"], ["c"]], 4) == {"c": 2, "a": 3}


def test_texts_are_cut_padded_and_unknown_words_marked():
    ids = encode([["a", "x", "b"], ["a"], []], {"a": 2, "b": 3}, 2)
    assert ids.tolist() == [[2, UNKNOWN], [2, PADDING], [PADDING, PADDING]]


def test_splits_come_from_the_file_and_the_vocabulary_from_the_training_split(packed):
    data, test = small().search_data(packed), small().test_data(packed)
    assert data.train.x.shape == (4, 4) and data.train.x.dtype == np.int32
    assert data.train.y.tolist() == [0, 1, 0, 1]
    assert data.validation.x.tolist() == [[UNKNOWN, UNKNOWN, UNKNOWN, PADDING]]
    assert test.y.tolist() == [1, 0]
    # "you" occurs four times, "thank" three times
    assert test.x[1].tolist() == [3, 2, PADDING, PADDING]


def test_the_natural_subset_drops_the_other_lines(packed):
    assert len(small("packed_natural").search_data(packed).train) == 3
    assert len(small("packed_natural").test_data(packed)) == 1


def test_ids_stay_below_the_size_of_the_vocabulary(packed):
    assert small().search_data(packed).train.x.max() < small().info.vocabulary


def test_markers_of_line_breaks_are_no_words(packed):
    wide = tasks.get("toxicity", source="packed", vocabulary=50, length=12).search_data(packed).train
    narrow = tokens("you are bad! bad! go away")
    assert (wide.x[1] != PADDING).sum() == len(narrow)


def test_the_published_files_are_labelled_by_majority(published):
    task = small("published")
    assert task.search_data(published).train.y.tolist() == [0, 1, 0, 1]
    assert task.test_data(published).y.tolist() == [0, 0], "half of the votes is no majority"


def test_a_subset_is_stratified(packed):
    assert small(train_size=2).search_data(packed).train.y.tolist() == [0, 1]
    with pytest.raises(ValueError, match=r"'train_size' must be at most 4. Received: 5"):
        small(train_size=5).search_data(packed)


def test_missing_files_are_named_with_their_home(tmp_path):
    with pytest.raises(
        tasks.MissingDataError, match=r"toxicity_annotated_comments.tsv is missing .*figshare"
    ):
        small("published").search_data(tmp_path)
    with pytest.raises(tasks.MissingDataError, match=r"toxicity_comments.tsv.gz is missing"):
        small("packed").search_data(tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("comment\tsplit\nx\ttrain\n", r"lacks the columns \['toxicity', 'natural'\]"),
        ("comment\ttoxicity\tsplit\tnatural\nx\t2\ttrain\t1\n", "'toxicity' 0 or 1"),
        ("comment\ttoxicity\tsplit\tnatural\nx\t1\ttrian\t1\n", "must be train, dev or test"),
        ("", "is not a tab-separated table"),
    ],
)
def test_a_table_of_another_kind_is_refused(tmp_path, content, message):
    (tmp_path / "wiki_toxicity").mkdir()
    path = tmp_path / "wiki_toxicity" / "toxicity_comments.tsv.gz"
    import gzip

    path.write_bytes(gzip.compress(content.encode()))
    with pytest.raises(tasks.DamagedDataError, match=message):
        small().search_data(tmp_path)


def test_an_unknown_source_is_refused():
    with pytest.raises(ValueError, match=r"unknown source of toxicity 'packd'. Did you mean 'packed'\?"):
        small("packd")
