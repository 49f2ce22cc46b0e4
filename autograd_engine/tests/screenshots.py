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
    tab.locator("#digits-classes .chosen .name", has_text="7").wait_for()


def learn_the_spiral(tab) -> None:
    """Train on the engine until all points are right."""
    tab.select_option("#playground-points", "spiral")
    tab.wait_for_selector("#playground-weights-3")
    tab.locator("#playground-now", has_text="50.0 % right").wait_for()
    tab.click("#playground-player-play")
    tab.locator("#playground-now", has_text="100.0 % right").wait_for()
    tab.click("#playground-player-play")


def visit_d(tab) -> None:
    """The node that waited for both parts of its gradient."""
    tab.click("#stepper-turn")
    tab.click("#stepper-graph .title:text('+ d')")
    tab.locator("#stepper-head", has_text="Visit d").wait_for()


def copy_a_transposed(tab) -> None:
    """A copy, and the cell that one of its elements came from."""
    for n, text in enumerate(("transpose(0, 1)", "contiguous()"), 2):
        tab.click(f"#sandbox-next button:text-is('{text}')")
        tab.locator(f"#sandbox-trail li:nth-child({n})").wait_for()
    tab.hover("#sandbox-tensor [data-at='7']")


if __name__ == "__main__":
    take(
        build,
        {
            "digits": ("digits", draw_seven, 760),
            "playground": ("playground", learn_the_spiral, 900),
            "stepper": ("stepper", visit_d, 850),
            "sandbox": ("sandbox", copy_a_transposed, 720),
        },
        Path(__file__).parents[1] / "docs" / "pictures",
    )
