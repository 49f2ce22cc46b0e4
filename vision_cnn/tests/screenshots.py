"""python -m tests.screenshots: the pictures of the pages in README.md.

Needs Chromium, playwright and a trained network (scripts/train.py --config
configs/toy_patterns.yaml).
"""

from pathlib import Path

from src.app.build import build
from tests.browser import number, wait_for
from tests.photographs import take


def take_a_number_apart(tab) -> None:
    """Of the second convolution, on rings."""
    tab.locator("#look-examples button").nth(7).click()
    tab.locator("#look-layer").select_option("groups.0.conv2")
    tab.wait_for_selector("#look-facts:has-text('groups.0.conv2:')")


def explain_rings(tab) -> None:
    tab.locator("#attribution-examples button").nth(7).click()
    tab.wait_for_selector("#attribution-range-grad_cam_plus_plus:has-text('rings')")


def train_a_little(tab) -> None:
    """Forty frames, of which the picture shows the last."""
    tab.click("#training-player-play")
    wait_for(tab, lambda: number(tab.inner_text("#training-line")) >= 120)
    tab.click("#training-player-play")


if __name__ == "__main__":
    take(
        build,
        {
            "look": ("look", take_a_number_apart, 1240),
            "attribution": ("attribution", explain_rings, 1240),
            "training": ("training", train_a_little, 1040),
        },
        Path(__file__).parents[1] / "docs" / "pictures",
    )
