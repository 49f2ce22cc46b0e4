"""python -m tests.screenshots: the pictures of the page in README.md.

Needs Chromium, playwright, the demo's checkpoint and one beside it:

    python scripts/train.py --config configs/toy_tones.yaml --name demo
    python scripts/train.py --config configs/toy_tones.yaml --name ar \
        model.name=transformer train.epochs=16
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from src.app.choice import Extras
from src.service.state import load_served
from tests import served
from tests.browser import wait_for
from tests.photographs import take


ROOT = Path(__file__).parents[1]
BEST = "checkpoints/best.pt"


@contextmanager
def serving(runs: Path) -> Iterator[str]:
    """The service with both checkpoints."""
    load = load_served(runs / "demo" / BEST)
    with served.running(load=load, extras=Extras(runs / "ar" / BEST)) as service:
        yield service.url


def clean(tab) -> None:
    """An utterance, and a moment of it."""
    choose(tab, "none")
    look(tab)


def noise(tab) -> None:
    """The same in noise."""
    choose(tab, "10")
    look(tab)


def methods(tab) -> None:
    """What the three methods make of the noise."""
    choose(tab, "10")
    tab.locator("#listen-methods").evaluate("node => node.scrollIntoView()")


def look(tab) -> None:
    tab.focus("#listen-cursor")
    for _ in range(19):
        tab.keyboard.press("ArrowRight")
    tab.locator("#listen-result").evaluate("node => node.scrollIntoView()")


def choose(tab, db: str) -> None:
    tab.click("[id='listen-example-test-000001']")
    tab.select_option("#listen-noise", db)
    tab.locator("#listen-name:has-text('test-000001')").wait_for()
    tab.locator("[data-family=spoken]").wait_for()
    differ = tab.locator("#listen-texts [data-family=nar] .differs")
    wait_for(tab, lambda: (differ.count() > 0) == (db != "none"))


if __name__ == "__main__":
    take(
        ROOT / "runs",
        {
            "listen": ("listen", clean, 740),
            "noise": ("listen", noise, 740),
            "methods": ("listen", methods, 540),
        },
        ROOT / "docs" / "pictures",
        serving,
    )
