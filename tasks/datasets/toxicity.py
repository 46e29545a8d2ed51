"""Wikipedia Toxicity (Wulczyn, Thain and Dixon, 2017): is a comment toxic? (the paper's language task, Appendix C)."""

from __future__ import annotations

import zlib
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from gondwana.tasks.base import Head, SearchData, Split, Task, TaskInfo
from gondwana.tasks.data import DamagedDataError, find, missing
from gondwana.tasks.datasets.readers.text import encode, tokens, vocabulary
from gondwana.tasks.options import check_choice, check_int
from gondwana.tasks.registry import register
from gondwana.tasks.splits import draw

FOLDER = "wiki_toxicity"
COMMENTS, ANNOTATIONS = "toxicity_annotated_comments.tsv", "toxicity_annotations.tsv"
PACKED = "toxicity_comments.tsv.gz"
HOME = "https://figshare.com/articles/dataset/Wikipedia_Talk_Labels_Toxicity/4563973"
SPLITS = ("train", "dev", "test")

HEALTHY = {"published": 0.904, "packed": 0.633, "packed_natural": 0.904}
"""Share of comments that are not toxic, by source: the accuracy of the constant answer."""


@register("toxicity")
@dataclass(frozen=True)
class Toxicity(Task):
    """Comments as rows of token ids, and one output: the probability of being toxic.

    The splits are the published ones (92,835 / 31,227 / 30,953 comments with the published files). A comment is toxic
    if more than half of its annotators said so. Words are numbered by their frequency in the training split in use;
    ids 0 and 1 are padding and unknown words. ``TaskInfo`` has input mean 0 and variance 1 because moments of ids mean
    nothing: what counts comes out of the embedding.

    Attributes:
        source: ``"published"`` reads ``toxicity_annotated_comments.tsv`` and ``toxicity_annotations.tsv``;
            ``"packed"`` reads ``toxicity_comments.tsv.gz``, one line per comment with the columns comment, toxicity
            (0 or 1), split and natural; ``"packed_natural"`` only its lines with natural = 1.
        vocabulary: number of ids.
        length: tokens per comment; longer ones are cut, shorter ones padded at the end.
        train_size: number of training comments, a stratified part; None for all.
        seed: seed of that part.
    """

    source: str = "published"
    vocabulary: int = 10_000
    length: int = 200
    train_size: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        check_choice("source of toxicity", self.source, HEALTHY)
        check_int("toxicity: option 'vocabulary'", self.vocabulary, least=3)
        check_int("toxicity: option 'length'", self.length, least=1)
        check_int("toxicity: option 'seed'", self.seed, least=0)
        if self.train_size is not None:
            check_int("toxicity: option 'train_size'", self.train_size, least=2)

    @property
    def info(self) -> TaskInfo:
        head = Head("output", 1, "sigmoid", "binary_crossentropy", "binary_accuracy", HEALTHY[self.source])
        return TaskInfo(
            "toxicity",
            (self.length,),
            (head,),
            input_dtype="int32",
            vocabulary=self.vocabulary,
            options=asdict(self),
        )

    def search_data(self, data_dir: Path | None = None) -> SearchData:
        splits = self._splits(data_dir)
        return SearchData(splits["train"], splits["dev"])

    def test_data(self, data_dir: Path | None = None) -> Split:
        return self._splits(data_dir)["test"]

    def _splits(self, data_dir: Path | None) -> dict[str, Split]:
        table = _published(data_dir) if self.source == "published" else _packed(data_dir)
        if self.source == "packed_natural":
            table = table[table["natural"] == 1]
        parts = {name: table[table["split"] == name] for name in SPLITS}
        if self.train_size is not None:
            train = parts["train"]
            if self.train_size > len(train):
                raise ValueError(
                    f"toxicity: option 'train_size' must be at most {len(train)}. Received: {self.train_size}"
                )
            (rows,) = draw(train["toxicity"].to_numpy(), (self.train_size,), self.seed)
            parts["train"] = train.iloc[rows]
        texts = {name: [tokens(text) for text in part["comment"]] for name, part in parts.items()}
        ids = vocabulary(texts["train"], self.vocabulary)
        return {
            name: Split(encode(texts[name], ids, self.length), part["toxicity"].to_numpy(np.int32))
            for name, part in parts.items()
        }


def _published(data_dir: Path | None) -> pd.DataFrame:
    comments = _table(_path(COMMENTS, data_dir), ("rev_id", "comment", "split"))
    annotations = _table(_path(ANNOTATIONS, data_dir), ("rev_id", "toxicity"))
    share = annotations.groupby("rev_id")["toxicity"].mean().rename("share")
    table = comments.join(share, on="rev_id")
    if table["share"].isna().any():
        raise DamagedDataError(
            f"{ANNOTATIONS} lacks annotations for {int(table['share'].isna().sum())} comments"
        )
    return _cleaned(table.assign(toxicity=(table["share"] > 0.5).astype(int)), COMMENTS)


def _packed(data_dir: Path | None) -> pd.DataFrame:
    return _cleaned(_table(_path(PACKED, data_dir), ("comment", "toxicity", "split", "natural")), PACKED)


def _path(name: str, data_dir: Path | None) -> Path:
    path = find(FOLDER, (name, f"{name}.gz"), data_dir)
    if path is None:
        where = f" (its home is {HOME})" if name != PACKED else ""
        raise missing(FOLDER, name, f"it is not offered for download here{where}", data_dir)
    return path


def _table(path: Path, columns: tuple[str, ...]) -> pd.DataFrame:
    try:
        table = pd.read_csv(path, sep="\t", keep_default_na=False)
    except (ValueError, OSError, EOFError, zlib.error) as error:
        raise DamagedDataError(f"{path} is not a tab-separated table: {error}") from error
    absent = [column for column in columns if column not in table.columns]
    if absent:
        raise DamagedDataError(f"{path} lacks the columns {absent}. Received: {list(table.columns)}")
    return table


def _cleaned(table: pd.DataFrame, name: str) -> pd.DataFrame:
    """Check labels and splits; line breaks and tabs, which tell the source of a comment, become blanks."""
    if not table["split"].isin(SPLITS).all() or not table["toxicity"].isin((0, 1)).all():
        raise DamagedDataError(
            f"{name}: 'split' must be train, dev or test, and 'toxicity' 0 or 1, in every line"
        )
    comment = table["comment"].astype(str).str.replace("NEWLINE_TOKEN|TAB_TOKEN", " ", regex=True)
    return table.assign(comment=comment)
