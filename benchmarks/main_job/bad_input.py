"""What a user can get wrong: each must give one clear line on stderr, exit code 2, and damage nothing."""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path

from common import ROOT, run, table


def fingerprint(folder: Path) -> str:
    """Return a hash over the names and contents of all files below ``folder``."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        digest.update(str(path.relative_to(folder)).encode())
        digest.update(path.read_bytes() if path.is_file() else b"")
    return digest.hexdigest()


def main() -> int:
    """Run every case and report it."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        digits = (ROOT / "configs" / "digits.yaml").read_text(encoding="utf-8")
        misspelt = folder / "misspelt.yaml"
        misspelt.write_text(digits.replace("generations:", "generatoins:", 1), encoding="utf-8")
        not_yaml = folder / "not.yaml"
        not_yaml.write_text("a: [1, 2\n\tb: {", encoding="utf-8")
        tagged = folder / "tagged.yaml"
        tagged.write_text(
            f"name: !!python/object/apply:os.system ['touch {folder}/executed']\n", encoding="utf-8"
        )
        not_a_run = folder / "empty"
        not_a_run.mkdir()
        finished = folder / "finished"
        small = ["--set", "generations=1", "--set", "training.epochs=1"]
        done = run("evolve", "configs/digits.yaml", *small, "--run-dir", finished)
        if done.code:
            print(done.err)
            return 1
        truncated = folder / "truncated"
        truncated.mkdir()
        for path in finished.iterdir():
            if path.is_file():
                content = path.read_bytes()
                (truncated / path.name).write_bytes(content[:5000] if path.suffix == ".sqlite" else content)
        hostile = f"__import__('os').system('touch {folder}/executed')"
        cases: list[tuple[str, list[str | Path]]] = [
            ("unknown config key", ["evolve", misspelt]),
            (
                "negative population",
                ["evolve", "configs/digits.yaml", "--set", "search.population.modules=-3"],
            ),
            ("unknown --set key", ["evolve", "configs/digits.yaml", "--set", "serach.kind=codeepneat"]),
            ("not YAML", ["evolve", not_yaml]),
            ("YAML that wants code run", ["evolve", tagged]),
            ("no such config", ["evolve", folder / "none.yaml"]),
            ("hostile graph text", ["activations", "show", hostile]),
            ("10,000 nested calls", ["activations", "show", "relu(" * 10_000 + "x" + ")" * 10_000]),
            ("10,000 nested parentheses", ["activations", "show", "(" * 10_000 + "x" + ")" * 10_000]),
            ("not a run folder", ["resume", not_a_run]),
            ("truncated database", ["resume", truncated]),
            ("run folder taken", ["evolve", "configs/digits.yaml", "--run-dir", finished]),
            ("MNIST without files", ["evolve", "configs/mnist-small.yaml", "--data-dir", not_a_run]),
        ]
        before = {path: fingerprint(path) for path in (finished, truncated, not_a_run)}
        rows: list[tuple[str, object, str, bool]] = []
        for what, arguments in cases:
            arguments = (
                [*arguments, "--run-dir", folder / "new"]
                if "evolve" in arguments[:1] and finished not in arguments
                else arguments
            )
            got = run(*arguments)
            lines = [line for line in got.err.splitlines() if line.strip()]
            good = got.code == 2 and len(lines) == 1 and "Traceback" not in got.err + got.out
            print(f"{what}: {lines[-1][:300] if lines else '(nothing)'}")
            rows.append((what, f"exit {got.code}, {len(lines)} line(s)", "exit 2, 1 line", good))
        rows.append(
            ("code executed", (folder / "executed").exists(), "False", not (folder / "executed").exists())
        )
        whole = all(fingerprint(path) == old for path, old in before.items())
        rows.append(("run folders untouched", whole, "True", whole))
        rows.append(
            (
                "folder of a refused run left behind",
                (folder / "new").exists(),
                "False",
                not (folder / "new").exists(),
            )
        )
    print()
    return table(rows)


if __name__ == "__main__":
    raise SystemExit(main())
