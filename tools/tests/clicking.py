"""Headless Chromium with a report in it, for tests: what a reader does, by name."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest


webdriver = pytest.importorskip("selenium.webdriver", reason="it drives Chromium")
BROWSER, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
if not BROWSER or not DRIVER:
    pytest.skip("Chromium is not installed", allow_module_level=True)

from selenium.webdriver.chrome.service import Service  # noqa: E402
from selenium.webdriver.common.keys import Keys  # noqa: E402
from selenium.webdriver.support.select import Select  # noqa: E402
from selenium.webdriver.support.wait import WebDriverWait  # noqa: E402


FLAGS = (
    "--headless --no-sandbox --disable-gpu --no-first-run --disable-sync "
    "--disable-background-networking --disable-component-update --window-size=1300,900"
)


@contextmanager
def chromium(folder) -> Iterator[webdriver.Chrome]:
    """A browser of its own, with its files in the folder."""
    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER
    for flag in (*FLAGS.split(), f"--user-data-dir={folder}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    driver.set_page_load_timeout(120)
    try:
        yield driver
    finally:
        driver.quit()


def visit(browser, file):
    """Open the file; Chromium may say that it is loaded before its script has run."""
    browser.get(file.as_uri())
    ready = "return document.querySelector('#table tbody tr') !== null"
    WebDriverWait(browser, 60, 0.1).until(lambda b: b.execute_script(ready))


class Page:
    """What a reader does, by name."""

    def __init__(self, browser):
        self.browser = browser

    def all(self, selector):
        return self.browser.find_elements("css selector", selector)

    def texts(self, selector):
        return [one.text for one in self.all(selector)]

    def click(self, selector):
        self.browser.find_element("css selector", selector).click()

    def choose(self, name, text):
        Select(self.browser.find_element("id", name)).select_by_visible_text(text)

    def type(self, text):
        box = self.browser.find_element("id", "text")
        box.send_keys(Keys.CONTROL, "a")
        box.send_keys(Keys.BACKSPACE, text)

    def runs(self):
        return self.texts("#table tbody th")

    def alone(self, *names):
        """Choose these runs and no other."""
        self.click("#none")
        for name in names:
            self.click(f"input[aria-label='Choose {name}']")

    def head(self, title):
        return self.browser.find_element("xpath", f"//table/thead//th[.='{title}']")
