"""Headless Chromium with a report in it, for tests: what a reader does, by name."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest


playwright = pytest.importorskip(
    "playwright.sync_api", reason="playwright, which drives Chromium, is not installed"
)
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
if CHROMIUM is None:
    pytest.skip("Chromium is not installed", allow_module_level=True)

FLAGS = (
    "--no-sandbox --disable-gpu --disable-dev-shm-usage --no-first-run --disable-sync "
    "--disable-background-networking --disable-component-update"
)


@contextmanager
def chromium() -> Iterator:
    """A browser, as long as the block."""
    with playwright.sync_playwright() as driver:
        one = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS.split())
        yield one
        one.close()


class Page:
    """A report in a tab of its own; `said` is what the console was told."""

    def __init__(self, browser, file):
        self.tab = browser.new_page(viewport={"width": 1300, "height": 900})
        self.said = []
        self.tab.on("console", lambda message: self.said.append(message.text))
        self.tab.on("pageerror", lambda error: self.said.append(str(error)))
        self.tab.goto(file.as_uri())
        self.tab.wait_for_selector("#table tbody tr", state="attached")

    def all(self, selector):
        return self.tab.locator(selector).all()

    def texts(self, selector):
        """What is read there, spaces made one; an SVG's text has no innerText."""
        read = "all => all.map((one) => one.innerText ?? one.textContent)"
        found = self.tab.locator(selector).evaluate_all(read)
        return [" ".join(text.split()) for text in found]

    def run(self, script, *given):
        """What a function of JavaScript gives."""
        return self.tab.evaluate(script, *given)

    def click(self, selector):
        self.tab.click(selector)

    def choose(self, name, text):
        self.tab.select_option(f"#{name}", label=text)

    def type(self, text):
        self.tab.fill("#text", text)

    def press(self, key):
        self.tab.keyboard.press(key)

    def hear(self, count):
        """What the console was told, once it is that much."""
        for _ in range(1000):
            if len(self.said) >= count:
                break
            self.tab.wait_for_timeout(30)
        return self.said

    def runs(self):
        return self.texts("#table tbody th")

    def alone(self, *names):
        """Choose these runs and no other."""
        self.click("#none")
        for name in names:
            self.click(f"input[aria-label='Choose {name}']")

    def head(self, title):
        """The head of a column of the table."""
        return self.tab.locator("table thead th", has_text=title).first
