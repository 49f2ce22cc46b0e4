# pattern: tests/browser.py -- the same in every sub-project; edit one, then: python -m tools.copies sync tests/browser.py --from <sub-project>
"""Pages in headless Chromium, for tests: served or saved, never with a foreign request.

    from tests.browser import launched, serving, tabs  # noqa: F401  (fixtures)

    def test_...(browser):
        with serving(page) as url:
            tab = browser.open(url + "#sampler")

A tab is playwright's page. At the end of a test no tab may have had an error or a
warning in its console, or have asked anybody but the server, or file, it came from.
"""

import re
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from src.app.page import Page
from tests.app_serving import serving as serving


playwright = pytest.importorskip(
    "playwright.sync_api", reason="playwright, which drives Chromium, is not installed"
)
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
if CHROMIUM is None:
    pytest.skip("Chromium is not installed", allow_module_level=True)
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-dev-shm-usage",  # containers have little of it
    "--disable-sync", "--disable-background-networking", "--disable-component-update",
    "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream",
)  # fmt: skip
WIDE, NARROW = 1280, 390
PATIENCE = 30_000
"""Milliseconds: a page that has not done it by then does not do it."""


class Browser:
    """Opens tabs and keeps what each has written to its console and asked for."""

    def __init__(self, chromium) -> None:
        self.chromium = chromium
        self.contexts, self.said, self.asked = [], [], []

    def open(self, address: str, width: int = WIDE, dark: bool = False, **options):
        """A new tab in which the page has built its first panel, or said why not."""
        context = self.chromium.new_context(
            viewport={"width": width, "height": 900},
            color_scheme="dark" if dark else "light",
            **options,
        )
        context.set_default_timeout(PATIENCE)
        self.contexts.append(context)
        tab = context.new_page()
        tab.on("console", self._hear)
        tab.on("pageerror", lambda error: self.said.append(str(error)))
        tab.on("request", lambda request: self.asked.append((address, request.url)))
        tab.goto(address)
        tab.wait_for_selector("body[data-ready]", state="attached")
        return tab

    def _hear(self, message) -> None:
        if message.type in ("error", "warning"):
            self.said.append(message.text)

    def foreign(self) -> list[str]:
        """What was asked of anyone but the server, or the file, that was opened."""
        own = ("data:", "blob:")
        return [
            url
            for address, url in self.asked
            if not url.startswith((*own, address.split("#")[0].split("?")[0]))
        ]

    def close(self) -> None:
        for context in self.contexts:
            context.close()


@pytest.fixture(scope="module", name="chromium")
def launched():
    """One Chromium for the tests of a module."""
    with playwright.sync_playwright() as driver:
        one = driver.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield one
        one.close()


@pytest.fixture(name="browser")
def tabs(chromium) -> Iterator[Browser]:
    """Tabs for one test; red if any wrote an error or asked another host."""
    one = Browser(chromium)
    try:
        yield one
        assert one.said == []
        assert one.foreign() == []
    finally:
        one.close()


def saved(page: Page, path: Path) -> str:
    """The address of the page as a file."""
    from src.app.export import export

    export(page, path)
    return path.as_uri()


def wait_for(tab, fact: Callable[[], bool]) -> None:
    """Until `fact` holds; red if it never does."""
    until = time.monotonic() + PATIENCE / 1000
    while not fact():
        assert time.monotonic() < until, "it did not come true"
        tab.wait_for_timeout(30)


def number(text: str) -> float:
    """The first number of a text as the page shows it."""
    found = re.search(r"-?[\d.]+(e[+-]?\d+)?", text.replace("−", "-").replace(",", ""))
    assert found, f"no number in {text!r}"
    return float(found[0])


def sideways(tab) -> int:
    """By how many pixels the page is wider than its window."""
    return tab.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
