"""Sample 1,000 activation functions twice in two processes: same bytes, and how long it takes."""

from __future__ import annotations

import tempfile
from pathlib import Path

from common import run, table


def main() -> int:
    """Run the command twice and compare the files."""
    with tempfile.TemporaryDirectory() as scratch:
        files = [Path(scratch, name) for name in ("first.jsonl", "second.jsonl")]
        done = [
            run("activations", "sample", "--count", "1000", "--seed", "0", "--out", file) for file in files
        ]
        if any(d.code for d in done):
            print("\n".join(d.err for d in done))
            return 1
        same = files[0].read_bytes() == files[1].read_bytes()
        lines = len(files[0].read_text(encoding="utf-8").splitlines())
    return table(
        [
            ("functions in the file", lines, "1000", lines == 1000),
            ("two files byte-identical", same, "True", same),
            *[
                (f"seconds, process {i + 1}", f"{d.seconds:.1f}", "under 30", d.seconds < 30)
                for i, d in enumerate(done)
            ],
        ]
    )


if __name__ == "__main__":
    raise SystemExit(main())
