# pattern: tests/photographs.py -- the same in every sub-project; edit one, then: python -m tools.copies sync tests/photographs.py --from <sub-project>
"""Pictures of the pages for the README, taken in the browser that the tests use."""

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from src.app.page import Page
from tests.browser import CHROMIUM, FLAGS, WIDE, Browser, playwright, serving


Shot = tuple[str, Callable[[Any], None], int]
"""A panel, what is done in it before the picture is taken, the picture's height."""


def take(
    load: Callable[[], Page],
    shots: dict[str, Shot],
    folder: Path,
    serving: Callable[..., AbstractContextManager[str]] = serving,
) -> None:
    """Write `app_<name>.png` for each shot; SystemExit if a page complains."""
    if len(sys.argv) > 1:
        raise SystemExit(f"{Path(sys.argv[0]).stem} takes no arguments")
    with playwright.sync_playwright() as driver, serving(load) as url:
        chromium = driver.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        browser = Browser(chromium)
        for name, (panel, prepare, height) in shots.items():
            tab = browser.open(f"{url}#{panel}")
            tab.set_viewport_size({"width": WIDE, "height": height})
            prepare(tab)
            if tab.is_visible("#problem"):
                raise SystemExit(f"{panel}: {tab.inner_text('#problem')}")
            if browser.said:
                raise SystemExit(f"{panel}: {browser.said}")
            path = folder / f"app_{name}.png"
            tab.screenshot(path=path)
            print(path)
        browser.close()
        chromium.close()
