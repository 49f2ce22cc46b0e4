"""python -m tests.screenshots: the pictures of the pages in README.md.

Needs Chromium, playwright, and the runs demo, demo_hybrid and demo_plain: README.md has
the commands that train them.
"""

from pathlib import Path

from src.app.build import build
from tests.app_pages import asked, settled
from tests.photographs import take


FOLDER = Path(__file__).parents[1] / "docs" / "pictures"


def best(run: str) -> Path:
    return Path("runs") / run / "checkpoints" / "best.pt"


def show_errors(tab, page, name="test-00004") -> None:
    """Of an example, with the cursor on the first of them."""
    tab.locator(f"#segment-examples button:has-text('{name}')").click()
    settled(tab, "segment")
    tab.locator("#segment-view").select_option("errors")
    _, found, target = asked(page, name)
    row, column = (found.argmax(0) != target).nonzero()[0].tolist()
    point(tab, "segment-overlay", row, column)


def point(tab, canvas, row, column, side=64) -> None:
    """Bring the pointer over a pixel."""
    width = tab.locator(f"#{canvas}").bounding_box()["width"]
    where = {"x": width * (column + 0.5) / side, "y": width * (row + 0.5) / side}
    tab.locator(f"#{canvas}").hover(position=where)


def click_a_shape(tab) -> None:
    settled(tab, "attention")
    point(tab, "attention-image", 25, 45)
    tab.mouse.down()
    tab.mouse.up()


def compare(tab) -> None:
    settled(tab, "compare")


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    demo = build(best("demo"))
    take(
        lambda: demo,
        {"segment": ("segment", lambda tab: show_errors(tab, demo), 1130)},
        FOLDER,
    )
    take(
        lambda: build(best("demo_hybrid"), best("demo_plain")),
        {
            "attention": ("attention", click_a_shape, 1040),
            "compare": ("compare", compare, 1330),
        },
        FOLDER,
    )
