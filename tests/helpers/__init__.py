"""What tests share: made-up runs, fakes of the engine, simulations, examples."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
"""The root of the repository."""
