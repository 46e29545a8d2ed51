"""Run the shell commands of README.md, word for word.

The README's ``bash`` blocks are the commands a newcomer types. ``--block test`` runs the block that calls pytest,
``--block run`` all the others, in their order, each block as one shell script that stops at the first error.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import time
from pathlib import Path

FENCE = re.compile(r"^```bash\n(.*?)^```", re.MULTILINE | re.DOTALL)


def blocks(readme: Path) -> list[str]:
    """Return the text of every bash block of the README, in order."""
    return FENCE.findall(readme.read_text(encoding="utf-8"))


def main() -> int:
    """Run the chosen blocks; return the first exit code that is not 0."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--block", choices=["test", "run"], required=True)
    want_test = parser.parse_args().block == "test"
    chosen = [block for block in blocks(Path("README.md")) if ("pytest" in block) == want_test]
    if not chosen:
        print("README.md has no such bash block", file=sys.stderr)
        return 1
    for block in chosen:
        print(f"--- README.md\n{block}", flush=True)
        start = time.monotonic()
        code = subprocess.run(["bash", "-euo", "pipefail", "-c", block]).returncode
        print(f"--- exit code {code} after {time.monotonic() - start:.0f} s", flush=True)
        if code:
            return code
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
