"""Screenshots of a report in a real browser, on a desk and on a phone in the dark.

Needs ``pip install playwright`` and Chromium (Debian: ``apt-get install chromium``).

    python benchmarks/paper/screenshots.py RUN/report.html --out docs/results/report
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path
from typing import Any

VIEWS: dict[str, dict[str, Any]] = {
    "desk": {"viewport": {"width": 1100, "height": 1500}},
    "phone-dark": {"viewport": {"width": 390, "height": 1500}, "color_scheme": "dark", "is_mobile": True},
}


def main() -> None:
    """Open the page in every view and keep what the browser shows first."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("report", type=Path)
    parser.add_argument("--out", type=Path, required=True, help="beginning of the files' names")
    parser.add_argument("--chromium", default=shutil.which("chromium"))
    options = parser.parse_args()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=options.chromium, args=["--no-sandbox"])
        for name, view in VIEWS.items():
            context = browser.new_context(offline=True, **view)
            page = context.new_page()
            page.goto(options.report.resolve().as_uri())
            page.wait_for_selector(".figure .main-svg")
            page.screenshot(path=f"{options.out}-{name}.png")
            context.close()
        browser.close()


if __name__ == "__main__":
    main()
