"""python -m tests.screenshots: the pictures of the pages in README.md.

Needs Chromium, playwright and the demo's checkpoint (scripts/train.py --config
configs/digits_mlp.yaml).
"""

from pathlib import Path

from src.app.build import build
from tests.photographs import take


def draw_seven(tab) -> None:
    """The example, and a unit that sees it."""
    tab.click("#digits-examples button >> text='7'")
    tab.wait_for_function(
        "document.querySelector('#digits-classes .chosen')?.innerText.startsWith('7')"
    )


if __name__ == "__main__":
    take(
        build,
        {"digits": ("digits", draw_seven, 760)},
        Path(__file__).parents[1] / "docs" / "pictures",
    )
