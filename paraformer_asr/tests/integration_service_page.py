"""The page in headless Chromium: a file, the microphone, the methods, a saved page."""

import numpy as np
import pytest

from src.app.build import build, load_usable
from src.service.limits import Limits
from tests import browser as shared
from tests import served
from tests.browser import NARROW, saved, sideways, tabs, wait_for  # noqa: F401
from tests.served import tone, wav_of


served.need_extra()
LONG = 30
"""Seconds of audio that get a picture: more than a slow browser records here."""
COLOURS = """() => {
const canvas = document.getElementById("listen-cif");
const { width, height } = canvas;
const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
const seen = Array.from({ length: 8 }, () => new Set());
for (let i = 0; i < data.length; i += 4) {
  const [red, green, blue] = data.subarray(i, i + 3);
  seen[Math.floor((8 * i) / data.length)].add((red << 16) | (green << 8) | blue);
}
return seen.map((colours) => colours.size);
}"""
"""How many colours there are in each eighth of the picture, from above."""


MARKED = """() => [...document.querySelectorAll("#listen-texts tr")].map((row) =>
  [...row.querySelectorAll("td")].map((cell) => cell.classList.contains("differs")))"""
"""Which cells of each text are marked as different."""
WATCH = """() => {
const cursor = document.getElementById("listen-cursor");
const audio = document.getElementById("listen-player");
cursor.moved = new Set();
new MutationObserver(() => audio.paused || cursor.moved.add(cursor.dataset.time))
  .observe(cursor, { attributeFilter: ["data-time"] });
}"""
"""Note where the cursor stands while the sound plays."""
MOVED = "() => document.getElementById('listen-cursor').moved.size"


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "ein <b>Töpfchen.wav"
    path.write_bytes(wav_of(np.concatenate([tone(0.5), 0 * tone(0.2), tone(0.8)])))
    return path


@pytest.fixture(scope="module", name="chromium")
def launched(recording):
    """With the recording instead of a microphone."""
    flags = [*shared.FLAGS, f"--use-file-for-fake-audio-capture={recording}"]
    with shared.playwright.sync_playwright() as driver:
        one = driver.chromium.launch(executable_path=shared.CHROMIUM, args=flags)
        yield one
        one.close()


@pytest.fixture(scope="module")
def service():
    with served.running(Limits(inspect_seconds=LONG)) as one:
        yield one


def shown(tab, name: str) -> str:
    return tab.inner_text(f"#listen-{name}")


def heard(tab, name: str) -> None:
    """Wait until the sound of this name, and its methods, are on the page."""
    tab.wait_for_selector(f"#listen-name:has-text('{name}')")
    tab.wait_for_selector("#status:text-is('')", state="attached")


def texts(tab) -> dict[str, str]:
    """The texts of the methods as they stand there, without gaps."""
    rows = tab.locator("#listen-texts tr").all()
    return {
        row.get_attribute("data-family"): "".join(
            cell.replace("·", "").replace("␣", " ")
            for cell in row.locator("td").all_inner_texts()
        )
        for row in rows
    }


@pytest.mark.spec("ASR-144", "for a WAV file and for what is said into the microphone")
@pytest.mark.spec("ASR-204", "a name is never taken as HTML")
def test_a_file_and_the_microphone_are_shown(service, browser, recording, tmp_path):
    said = service.post(recording.read_bytes(), path="/v1/audio/inspect").json
    words = said["transcript"]["words"]
    tab = browser.open(service.url)
    assert "model run" in tab.inner_text("#subtitle")

    tab.set_input_files("#listen-file", recording)
    heard(tab, "Töpfchen")
    assert shown(tab, "transcript") == said["transcript"]["text"] != ""
    assert shown(tab, "name") == recording.name
    assert f"{len(words)} tokens" in shown(tab, "facts")
    assert "1.50 s of audio" in shown(tab, "facts")
    tab.click("#listen-times summary")
    rows = tab.locator("#listen-times tbody tr").all_inner_texts()
    starts = [row.split("\t")[1] for row in rows]
    assert starts == [f"{word['start']:.2f} s" for word in words]
    mel, *_, alphas, sums, _, tokens = tab.evaluate(COLOURS)
    assert mel > 50 and min(alphas, sums, tokens) >= 3

    tab.click("#listen-record")
    tab.wait_for_selector("#status:has-text('recording')")
    tab.wait_for_selector("#listen-transcript.draft:not(:text-is('…'))")
    assert tab.is_hidden("#listen-cif")
    tab.click("#listen-record")
    heard(tab, "recording.wav")
    tab.wait_for_selector("#listen-cif")
    assert shown(tab, "transcript") and tab.is_hidden("#problem")

    for name, content, says in [
        ("bad.wav", b"RIFF????WAVE", "bad.wav: a WAV file"),
        ("no <i>.wav", b"no sound", "no <i>.wav: this is no audio file"),
        ("none.wav", b"", "none.wav: is empty"),
        ("short.wav", wav_of(tone(0)), "short.wav: the audio is empty"),
    ]:
        (tmp_path / name).write_bytes(content)
        tab.set_input_files("#listen-file", tmp_path / name)
        tab.wait_for_selector(f"#problem:has-text('{says}')")
        assert tab.is_hidden("#listen-result")
    assert tab.locator("main b:text('Töpfchen'), #problem i").count() == 0


@pytest.mark.spec("ASR-144", "for a file without a picture why")
def test_long_audio_is_shown_without_a_picture_and_says_why(service, browser, tmp_path):
    long = tmp_path / "long.wav"
    long.write_bytes(wav_of(tone(LONG + 0.5)))
    tab = browser.open(service.url)
    tab.set_input_files("#listen-file", long)
    heard(tab, "long.wav")
    assert f"longer than {LONG} s, the limit" in shown(tab, "unpictured")
    assert shown(tab, "unpictured").startswith("Only text and times, no picture")
    assert tab.is_hidden("#listen-cif") and tab.is_hidden("#listen-methods")


@pytest.mark.spec("ASR-197", "Side by side stand what CTC, NAR and AR")
@pytest.mark.spec("ASR-206", "Noise of a chosen loudness")
def test_the_methods_stand_side_by_side(service, browser):
    recognizer = service.service.served.recognizer
    panel = service.service.page
    tab = browser.open(service.url)
    assert "AR: This checkpoint has no decoder" in shown(tab, "missing")
    for noise, width in [("none", 0), ("5", 0), ("5", 5)]:
        tab.select_option("#listen-noise", noise)
        tab.select_option("#listen-width", str(width))
        given = {"example": "tones.wav", "noise": noise, "width": width}
        rows = panel.ask("listen/methods", given)["rows"]
        said = {row["family"]: row for row in rows}
        wanted = {family: row["text"] for family, row in said.items()}
        tab.wait_for_selector(f"#listen-numbers:has-text('{said['nar']['method']} of')")
        wait_for(tab, lambda wanted=wanted: texts(tab) == wanted)
        differ = [[not cell["same"] for cell in row["cells"]] for row in rows]
        assert tab.evaluate(MARKED) == differ
        for family, row in said.items():
            cell = f"[data-family={family}] [data-name=confidence]"
            sure = "–" if row["confidence"] is None else f"{row['confidence']:.1%}"
            assert tab.inner_text(cell).replace(" ", "") == sure
    assert recognizer.methods == ("nar", "nar_beam", "ctc", "ctc_beam")
    tab.fill("#listen-hotwords", "zz")
    tab.wait_for_selector("#problem:has-text(\"hot words: the character 'z'\")")
    tab.click("[id='listen-example-tones_2.wav']")  # its transcript, and the sentence
    heard(tab, "tones_2.wav")
    tab.wait_for_selector("#problem:has-text(\"hot words: the character 'z'\")")
    assert tab.is_visible("#listen-transcript") and tab.is_hidden("#listen-texts")
    tab.fill("#listen-hotwords", "a")
    tab.wait_for_selector("#problem", state="hidden")
    said = panel.ask("listen/methods", given | {"example": "tones_2.wav"})["rows"]
    wait_for(tab, lambda: set(texts(tab)) == {row["family"] for row in said})
    tab.wait_for_selector("#listen-texts")


@pytest.mark.spec("ASR-202", "a cursor runs through the picture")
@pytest.mark.spec("ASR-202", "and Enter after the arrow keys")
def test_the_cursor_follows_the_sound(service, browser):
    tab = browser.open(service.url)
    tab.focus("#listen-cursor")
    for _ in range(3):
        tab.keyboard.press("ArrowRight")
    loaded = service.service.served.recognizer.loaded
    seconds = loaded.front_end.frame_seconds * loaded.model.encoder.subsampling
    assert shown(tab, "readout").startswith(f"{3 * seconds:.2f} s · α ")
    tab.evaluate(WATCH)
    tab.keyboard.press("Enter")
    tab.wait_for_selector("#listen-transcript span.now")
    assert drawn_at(tab) >= 3 * seconds - 1e-3
    wait_for(tab, lambda: tab.evaluate(MOVED) > 3)
    tab.evaluate("() => document.getElementById('listen-player').pause()")
    token = tab.locator("#listen-transcript span").last
    token.click()
    start = float(token.get_attribute("title").split()[0])
    wait_for(tab, lambda: drawn_at(tab) >= start)


@pytest.mark.spec("ASR-202", "a cursor runs through the picture")
def test_a_picture_wider_than_the_page_follows_its_cursor(service, browser, tmp_path):
    path = tmp_path / "wide.wav"
    path.write_bytes(wav_of(tone(20)))
    tab = browser.open(service.url, NARROW)
    tab.set_input_files("#listen-file", path)
    heard(tab, "wide.wav")
    moved = "() => document.querySelector('.scroll.over').scrollLeft"
    assert tab.evaluate(moved) == 0
    tab.evaluate("() => (document.getElementById('listen-player').currentTime = 15)")
    wait_for(tab, lambda: drawn_at(tab) == 15 and tab.evaluate(moved) > 400)


def drawn_at(tab) -> float:
    """Seconds at which the cursor of the sound stands."""
    return float(tab.get_attribute("#listen-cursor", "data-time"))


@pytest.mark.spec("ASR-203", "one file that opens from disk without a server")
@pytest.mark.spec("ASR-203", "for each noise and for greedy and beam search")
def test_a_saved_page_needs_no_server(browser, tmp_path):
    page = build(load_usable(served.checkpoint()), "run", "0" * 12)
    path = tmp_path / "page.html"
    tab = browser.open(saved(page, path), NARROW, dark=True)
    assert path.stat().st_size < 15e6
    assert "a saved page" in tab.inner_text("#subtitle")
    assert tab.locator("#listen-file, #listen-record, #listen-hotwords").count() == 0
    tab.click("[id='listen-example-tones_2.wav']")
    tab.select_option("#listen-noise", "10")
    tab.select_option("#listen-width", "10")
    heard(tab, "tones_2.wav")
    asked = {"example": "tones_2.wav", "noise": "10"}
    said = page.ask("listen/hear", asked)["transcript"]
    text = said["text"] or "Nothing was recognised."
    wait_for(tab, lambda: shown(tab, "transcript") == text)
    rows = page.ask("listen/methods", asked | {"width": 10})["rows"]
    wanted = {row["family"]: row.get("text") for row in rows}
    wait_for(tab, lambda: texts(tab) == wanted)
    length = "() => document.getElementById('listen-player').duration"
    wait_for(tab, lambda: abs(tab.evaluate(length) - said["duration"]) < 0.01)
    mel, *_ = tab.evaluate(COLOURS)
    assert mel > 50 and sideways(tab) == 0


@pytest.mark.parametrize("width", [1280, NARROW])
def test_nothing_is_cut_off_and_the_terminal_has_its_tab(service, browser, width):
    tab = browser.open(service.url, width)
    assert sideways(tab) == 0
    tab.focus("#tab-listen")
    tab.keyboard.press("ArrowRight")
    tab.wait_for_selector("#service-curl")
    assert f"{service.url}/v1/audio/transcriptions" in tab.inner_text("#service-curl")
    assert sideways(tab) == 0
