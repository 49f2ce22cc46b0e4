"""The page in headless Chromium: a file, the microphone, and what is drawn."""

import shutil

import numpy as np
import pytest

from src.service.limits import Limits
from tests import served
from tests.served import tone, wav_of


served.need_extra()
webdriver = pytest.importorskip("selenium.webdriver", reason="it drives Chromium")
BROWSER, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
if not BROWSER or not DRIVER:
    pytest.skip("Chromium is not installed", allow_module_level=True)

from selenium.webdriver.chrome.service import Service  # noqa: E402
from selenium.webdriver.support.wait import WebDriverWait  # noqa: E402


LONG = 30
"""Seconds of audio that get a picture: more than a slow browser records here."""
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run "
    "--disable-background-networking --disable-component-update --disable-sync "
    "--window-size=1100,1200 --use-fake-device-for-media-stream "
    "--use-fake-ui-for-media-stream"
)
COLOURS = """
const canvas = document.getElementById("cif");
const { width, height } = canvas;
const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
const seen = Array.from({ length: 8 }, () => new Set());
for (let i = 0; i < data.length; i += 4) {
  const [red, green, blue] = data.subarray(i, i + 3);
  seen[Math.floor((8 * i) / data.length)].add((red << 16) | (green << 8) | blue);
}
return seen.map((colours) => colours.size);
"""
"""How many colours there are in each eighth of the picture, from above."""


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "ein Töpfchen.wav"
    path.write_bytes(wav_of(np.concatenate([tone(0.5), 0 * tone(0.2), tone(0.8)])))
    return path


@pytest.fixture(scope="module")
def service():
    with served.running(Limits(inspect_seconds=LONG)) as one:
        yield one


@pytest.fixture
def browser(service, recording, tmp_path):
    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER
    for flag in (*FLAGS.split(), f"--user-data-dir={tmp_path}"):
        options.add_argument(flag)
    options.add_argument(f"--use-file-for-fake-audio-capture={recording}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    driver.set_page_load_timeout(60)
    driver.set_script_timeout(30)
    try:
        driver.get(service.url)
        yield driver
        assert errors(driver) == []
    finally:
        driver.quit()


def shown(browser, name: str) -> str:
    return browser.find_element("id", name).text


def wait(browser, condition) -> None:
    WebDriverWait(browser, 60, poll_frequency=0.1).until(condition)


def errors(browser) -> list[str]:
    """Faults that the console has told of since it was asked last."""
    rows = browser.get_log("browser")
    return [row["message"] for row in rows if row["level"] == "SEVERE"]


def drawn(browser) -> bool:
    return browser.find_element("id", "cif").is_displayed()


@pytest.mark.spec("ASR-144", "for a WAV file and for what is said into the microphone")
def test_a_file_and_the_microphone_are_shown(service, browser, recording, tmp_path):
    said = service.post(recording.read_bytes(), path="/v1/audio/inspect").json
    words = said["transcript"]["words"]
    wait(browser, lambda b: "model run" in shown(b, "model"))

    browser.find_element("id", "file").send_keys(str(recording))
    wait(browser, drawn)
    assert shown(browser, "transcript") == said["transcript"]["text"] != ""
    assert shown(browser, "name") == recording.name
    assert f"{len(words)} tokens" in shown(browser, "facts")
    assert "1.50 s of audio" in shown(browser, "facts")
    browser.execute_script("document.getElementById('times').open = true")
    rows = browser.find_elements("css selector", "#times tbody tr")
    cells = [row.text.split(" s ")[0].split(" ", 1)[1] for row in rows]
    assert cells == [f"{word['start']:.2f}" for word in words]
    mel, *_, alphas, sums, _, tokens = browser.execute_script(COLOURS)
    assert mel > 50 and min(alphas, sums, tokens) >= 3
    browser.save_screenshot(str(tmp_path / "file.png"))
    loaded = browser.execute_script(
        "return performance.getEntriesByType('resource').map((one) => one.name)"
    )
    assert all(name.startswith((service.url, "blob:")) for name in loaded), loaded

    browser.find_element("id", "record").click()
    wait(browser, lambda b: shown(b, "status").startswith("recording"))
    wait(browser, lambda b: shown(b, "transcript") not in ("", "…"))
    assert not drawn(browser)
    browser.find_element("id", "record").click()
    wait(browser, drawn)
    assert shown(browser, "transcript") and not shown(browser, "problem")

    bad = tmp_path / "bad.wav"
    bad.write_bytes(b"RIFF????WAVE")
    browser.find_element("id", "file").send_keys(str(bad))
    wait(browser, lambda b: "WAV file" in shown(b, "problem"))
    assert shown(browser, "problem").startswith("bad.wav: a WAV file")
    assert not browser.find_element("id", "result").is_displayed()
    assert not [error for error in errors(browser) if "400 (Bad" not in error]


@pytest.mark.spec("ASR-144", "for a file without a picture why")
def test_long_audio_is_shown_without_a_picture_and_says_why(browser, tmp_path):
    long = tmp_path / "long.wav"
    long.write_bytes(wav_of(tone(LONG + 0.5)))
    browser.find_element("id", "file").send_keys(str(long))
    wait(browser, lambda b: "no picture" in shown(b, "unpictured"))
    assert f"longer than {LONG} s, the limit" in shown(browser, "unpictured")
    assert (shown(browser, "name"), drawn(browser)) == ("long.wav", False)
    assert not [error for error in errors(browser) if "413 (" not in error]
