"""What a user can get wrong: each must give one clear line on stderr, exit code 2, and damage nothing."""

from __future__ import annotations

import hashlib
import tempfile
from dataclasses import dataclass
from pathlib import Path

from common import ROOT, run, table

DIGITS = "configs/digits.yaml"
NAMES = ("misspelt.yaml", "not.yaml", "tagged.yaml", "empty", "finished", "truncated")
"""Names in the folder of a :class:`Scene`, in the order of its fields."""


def fingerprint(folder: Path) -> str:
    """Return a hash over the names and contents of all files below ``folder``."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        digest.update(str(path.relative_to(folder)).encode())
        digest.update(path.read_bytes() if path.is_file() else b"")
    return digest.hexdigest()


@dataclass(frozen=True)
class Scene:
    """A folder with everything that the cases need: configs that are wrong, and runs that are whole or damaged."""

    folder: Path
    misspelt: Path
    not_yaml: Path
    tagged: Path
    not_a_run: Path
    finished: Path
    truncated: Path

    @property
    def executed(self) -> Path:
        """The file that hostile input would make if it were executed."""
        return self.folder / "executed"

    @property
    def new_run(self) -> Path:
        """The run folder that refused commands are given."""
        return self.folder / "new"


def prepare(folder: Path) -> Scene:
    """Write the configs, make a small finished run and a damaged copy of it.

    Raises:
        SystemExit: if the small run fails.
    """
    scene = Scene(folder, *(folder / name for name in NAMES))
    digits = (ROOT / "configs" / "digits.yaml").read_text(encoding="utf-8")
    scene.misspelt.write_text(digits.replace("generations:", "generatoins:", 1), encoding="utf-8")
    scene.not_yaml.write_text("a: [1, 2\n\tb: {", encoding="utf-8")
    command = f"touch {scene.executed}"
    scene.tagged.write_text(f"name: !!python/object/apply:os.system ['{command}']\n", encoding="utf-8")
    scene.not_a_run.mkdir()
    small = ["--set", "generations=1", "--set", "training.epochs=1"]
    done = run("evolve", DIGITS, *small, "--run-dir", scene.finished)
    if done.code:
        raise SystemExit(done.err)
    scene.truncated.mkdir()
    for path in scene.finished.iterdir():
        if path.is_file():
            content = path.read_bytes()
            kept = content[:5000] if path.suffix == ".sqlite" else content
            (scene.truncated / path.name).write_bytes(kept)
    return scene


def cases(scene: Scene) -> list[tuple[str, list[str | Path]]]:
    """Return what is wrong in each case, and the arguments of the command."""
    new = ["--run-dir", scene.new_run]
    hostile = f"__import__('os').system('touch {scene.executed}')"
    return [
        ("unknown config key", ["evolve", scene.misspelt, *new]),
        ("negative population", ["evolve", DIGITS, "--set", "search.population.modules=-3", *new]),
        ("unknown --set key", ["evolve", DIGITS, "--set", "serach.kind=codeepneat", *new]),
        ("not YAML", ["evolve", scene.not_yaml, *new]),
        ("YAML that wants code run", ["evolve", scene.tagged, *new]),
        ("no such config", ["evolve", scene.folder / "none.yaml", *new]),
        ("hostile graph text", ["activations", "show", hostile]),
        ("10,000 nested calls", ["activations", "show", "relu(" * 10_000 + "x" + ")" * 10_000]),
        ("10,000 nested parentheses", ["activations", "show", "(" * 10_000 + "x" + ")" * 10_000]),
        ("not a run folder", ["resume", scene.not_a_run]),
        ("truncated database", ["resume", scene.truncated]),
        ("run folder taken", ["evolve", DIGITS, "--run-dir", scene.finished]),
        (
            "MNIST without files",
            ["evolve", "configs/mnist-small.yaml", "--data-dir", scene.not_a_run, *new],
        ),
    ]


def judged(what: str, arguments: list[str | Path]) -> tuple[str, object, str, bool]:
    """Run a case, print its message, and return its row of the table."""
    got = run(*arguments)
    lines = [line for line in got.err.splitlines() if line.strip()]
    good = got.code == 2 and len(lines) == 1 and "Traceback" not in got.err + got.out
    print(f"{what}: {lines[-1][:300] if lines else '(nothing)'}")
    return what, f"exit {got.code}, {len(lines)} line(s)", "exit 2, 1 line", good


def main() -> int:
    """Run every case and report it."""
    with tempfile.TemporaryDirectory() as scratch:
        scene = prepare(Path(scratch))
        untouchable = (scene.finished, scene.truncated, scene.not_a_run)
        before = {path: fingerprint(path) for path in untouchable}
        rows = [judged(what, arguments) for what, arguments in cases(scene)]
        executed, left = scene.executed.exists(), scene.new_run.exists()
        whole = all(fingerprint(path) == old for path, old in before.items())
        rows.append(("code executed", executed, "False", not executed))
        rows.append(("run folders untouched", whole, "True", whole))
        rows.append(("folder of a refused run left behind", left, "False", not left))
    print()
    return table(rows)


if __name__ == "__main__":
    raise SystemExit(main())
