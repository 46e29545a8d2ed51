"""The data folder: where files of a dataset lie, and how they get there.

One root holds a folder per dataset. It is the ``data_dir`` argument, else ``$GONDWANA_DATA``, else the user's cache.
Files that are already there are used as they are; missing ones are downloaded by pooch into a temporary file beside
their destination, checked, and only then renamed, so that no partial or altered file is ever left under a valid name.
"""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pooch

ENVIRONMENT_VARIABLE = "GONDWANA_DATA"
TIMEOUT_SECONDS = 30


class MissingDataError(ValueError):
    """A file of a dataset is neither in the data folder nor to be had from the network."""


class DamagedDataError(ValueError):
    """A file of a dataset is there, but its content is not that of the dataset."""


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """One file of a dataset.

    Attributes:
        name: path inside the dataset's folder, with forward slashes.
        checksum: ``"md5:..."`` or ``"sha256:..."`` of the file as downloaded; empty when ``urls`` is.
        urls: places to download it from, tried in order; none if it has to be put there by hand.
    """

    name: str
    checksum: str = ""
    urls: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if bool(self.urls) != bool(self.checksum):
            raise ValueError(f"a downloadable file has a checksum, and only such a file. Received: {self!r}")


def data_root(data_dir: Path | str | None = None) -> Path:
    """Return the root of the data folder; it need not exist."""
    if data_dir is not None:
        return Path(data_dir).expanduser()
    named = os.environ.get(ENVIRONMENT_VARIABLE)
    if named:
        return Path(named).expanduser()
    return Path(pooch.os_cache("gondwana"))


def find(dataset: str, names: Sequence[str], data_dir: Path | str | None = None) -> Path | None:
    """Return the first of ``names`` that exists in the dataset's folder, None if none does."""
    folder = data_root(data_dir) / dataset
    return next((folder / name for name in names if (folder / name).exists()), None)


def require(dataset: str, file: RemoteFile, data_dir: Path | str | None = None) -> Path:
    """Return the path of a file, downloading it if it is not there.

    Raises:
        MissingDataError: if it is not there and could not be downloaded.
    """
    path = data_root(data_dir) / dataset / file.name
    if path.is_file():
        return path
    reason = "it is not offered for download"
    for url in file.urls:
        try:
            return _download(url, file.checksum, path)
        except (OSError, ValueError) as error:  # no network, refused, no space, not writable; wrong checksum
            reason = f"downloading {url} failed: {_reason(error)}"
    raise missing(dataset, file.name, reason, data_dir)


def missing(dataset: str, what: str, reason: str, data_dir: Path | str | None = None) -> MissingDataError:
    """Return the error for something that is not in the dataset's folder: what, where it was looked for, what to do."""
    folder = data_root(data_dir) / dataset
    return MissingDataError(
        f"{dataset}: {what} is missing in {folder} and {reason}. Put it there, or name the folder that holds "
        f"{dataset}/ with --data-dir or {ENVIRONMENT_VARIABLE}, or connect to the network"
    )


def _download(url: str, checksum: str, path: Path) -> Path:
    created = [folder for folder in path.parents if not folder.exists()]  # innermost first
    logger = pooch.get_logger()
    level = logger.level
    logger.setLevel(logging.WARNING)  # its progress notes would stand beside our one line
    try:
        fetch = pooch.HTTPDownloader(timeout=TIMEOUT_SECONDS)
        return Path(pooch.retrieve(url, checksum, fname=path.name, path=path.parent, downloader=fetch))
    except (OSError, ValueError):
        for folder in created:  # a mistyped folder shall leave nothing behind
            with contextlib.suppress(OSError):
                folder.rmdir()
        raise
    finally:
        logger.setLevel(level)


def _reason(error: Exception) -> str:
    if type(error).__module__.startswith("requests"):  # their texts are internals of urllib3
        return type(error).__name__
    text = str(error).splitlines()[0] if str(error) else type(error).__name__
    return text if len(text) <= 160 else f"{text[:157]}..."
