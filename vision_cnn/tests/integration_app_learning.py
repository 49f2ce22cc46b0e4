"""Clicks through `mistakes`, `augment`, `training` and `runs`, served and saved."""

import math
import re
from dataclasses import replace

import numpy as np
import pytest
import yaml

from src.app import training
from src.app.build import build
from src.app.page import Page
from src.metrics import calibration_bins, ece
from src.training.progress import TrainConfig
from src.utils.config import to_dict
from tests.browser import (  # noqa: F401
    launched,
    number,
    saved,
    serving,
    sideways,
    tabs,
    wait_for,
)
from tests.checkpoints import CONFIG, logits_of, make_checkpoint


PANELS = ("mistakes", "augment", "training", "runs")
CURVE = (0.3, 0.5, 0.502, 0.503, 0.6, 0.601)
FRAMES = 4


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """Of an untrained network, which makes many mistakes, beside another one."""
    folder = tmp_path_factory.mktemp("runs")
    path = make_checkpoint(folder / "one")
    make_checkpoint(folder / "two", seed=5)
    config = replace(CONFIG, train=TrainConfig(epochs=6, patience=3, min_gain=0.01))
    text = yaml.safe_dump(to_dict(config))
    (folder / "one/config.yaml").write_text(text, "utf-8")
    rows = [f"{i},{i},val,{value}\n" for i, value in enumerate(CURVE, 1)]
    table = "step,epoch,split,accuracy\n" + "".join(rows)
    (folder / "one/metrics.csv").write_text(table, "utf-8")
    return build(path)


@pytest.fixture(scope="module")
def url(page):
    with serving(page) as address:
        yield address


@pytest.fixture(scope="module")
def file(page, tmp_path_factory):
    """The same page as a file, with a short training."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "RECORDED", FRAMES)
        mine = [q for q in page.exported() if q[0].split("/")[0] in PANELS]
        only = Page(page.title, page.subtitle, page.calls, page.streams, lambda: mine)
        return saved(only, tmp_path_factory.mktemp("saved") / "page.html")


@pytest.fixture(params=["served", "saved"])
def address(request):
    return request.getfixturevalue({"served": "url", "saved": "file"}[request.param])


def opened(browser, address: str, panel: str, **options):
    tab = browser.open(f"{address}#{panel}", **options)
    tab.wait_for_selector(f"#panel-{panel}[data-ready]", state="attached")
    return tab


def slide(tab, name: str, value: float) -> None:
    tab.locator(f"#{name}").evaluate(
        "(n, v) => { n.value = v; n.dispatchEvent(new Event('input')); }", value
    )


def cells(tab, name: str) -> list[list[int]]:
    rows = tab.locator(f"#{name} tbody tr").all()
    return [[int(c) for c in row.locator("td").all_inner_texts()] for row in rows]


def pictures(tab, name: str) -> list[np.ndarray]:
    found = tab.locator(f"#{name} canvas").evaluate_all(
        "all => all.map(c => [c.height, c.width, Array.from("
        "c.getContext('2d').getImageData(0, 0, c.width, c.height).data)])"
    )
    return [np.array(v, np.uint8).reshape(h, w, 4)[..., :3] for h, w, v in found]


def same(shown: list, wanted: list) -> bool:
    return len(shown) == len(wanted) and all(map(np.array_equal, shown, wanted))


@pytest.mark.spec("CNN-189", "behind each cell its images")
@pytest.mark.spec("CNN-190", "the points of `calibration_bins` and the error of `ece`")
@pytest.mark.spec("CNN-197", "the gallery is filtered and sorted, bins are counted")
def test_the_gallery_is_filtered_and_bins_are_counted(page, address, browser):
    tab = opened(browser, address, "mistakes")
    check_reliability(tab, page.subtitle.split(" · ")[-1])
    *_, found = page.streams["mistakes/score"](split="test", images=500)
    matrix = found["confusion"].tolist()
    assert cells(tab, "mistakes-confusion") == matrix
    wrong = [t for t in found["tiles"] if t["true"] != t["predicted"]]
    assert tab.inner_text("#mistakes-title") == f"{len(wrong)} mistakes"
    most = max(wrong, key=lambda t: matrix[t["true"]][t["predicted"]])
    row, column = most["true"], most["predicted"]
    behind = [t for t in wrong if (t["true"], t["predicted"]) == (row, column)]
    assert 1 < len(behind) < len(wrong)
    tab.locator("#mistakes-confusion td button").first.focus()
    for key, times in (("ArrowDown", row), ("ArrowRight", column)):
        for _ in range(times):
            tab.keyboard.press(key)
    tab.keyboard.press("Enter")
    images = [t["image"].numpy() for t in behind]
    for order in ("sure", "unsure"):
        tab.locator("#mistakes-order").select_option(order)
        assert same(pictures(tab, "mistakes-gallery"), images)
        images = images[::-1]
    assert tab.inner_text("#mistakes-title").endswith(
        f": {len(behind)} of {sum(matrix[row])}"
    )
    tab.click("#mistakes-all")
    assert tab.locator("#mistakes-gallery button").count() == len(wrong)


def check_reliability(tab, path: str) -> None:
    """The bins that the page counts are those of the library."""
    logits, target, _ = logits_of(path)
    shares = logits.double().softmax(1)
    for bins in (15, 5, 30):
        slide(tab, "mistakes-bins", bins)
        sums = calibration_bins(shares, target, bins)
        error = number(tab.inner_text("#mistakes-ece"))
        assert error == pytest.approx(100 * ece(sums), abs=0.0051)
        counts, sure, right = (row[sums[0] > 0].tolist() for row in sums)
        lines = tab.locator("#mistakes-crowd li")
        assert lines.count() == len(counts)
        for i, line in enumerate(lines.all()):
            count, rest = line.locator(".value").inner_text().split(" says ")
            said, hit = rest.split(", is right in ")
            assert int(count) == counts[i]
            assert number(said) == pytest.approx(100 * sure[i] / counts[i], abs=0.051)
            assert number(hit) == pytest.approx(100 * right[i] / counts[i], abs=0.051)


@pytest.mark.spec("CNN-191", "what a training shows of an image")
def test_knobs_of_the_laboratory_change_the_draws(page, url, browser):
    tab = opened(browser, url, "augment")
    tab.locator("#augment-images button").nth(2).click()
    tab.locator("#augment-preset").select_option("as it is")
    slide(tab, "augment-hue", 0.3)
    tab.locator("#augment-flip").select_option("random")
    slide(tab, "augment-seed", 5)
    given = {"image": "train:2", "config": {"hue": 0.3, "flip": "random"}, "seed": 5}
    wanted = [d["image"].numpy() for d in page.calls["augment/draws"](**given)["draws"]]
    wait_for(tab, lambda: same(pictures(tab, "augment-draws"), wanted))
    assert tab.locator("#augment-preset").input_value() == "own"
    assert tab.inner_text("#augment-command").endswith(
        "augment.flip=random augment.hue=0.3"
    )
    text = {"name": "<i>.png", "mimeType": "image/png", "buffer": b"no image"}
    tab.set_input_files("#augment-file", text)
    tab.wait_for_selector("#problem:has-text('<i>.png: is not a PNG, JPEG')")
    slide(tab, "augment-seed", 6)
    tab.wait_for_selector("#problem", state="hidden")


@pytest.mark.spec("CNN-197", "draws of each augmentation")
def test_a_saved_laboratory_shows_each_preset(page, file, browser):
    tab = opened(browser, file, "augment")
    presets = page.calls["augment/start"]()["presets"]
    assert tab.locator("#augment-preset option").count() == len(presets)
    for name, config in presets[-2:]:
        tab.locator("#augment-preset").select_option(name)
        given = {"image": "train:0", "config": config}
        found = page.calls["augment/draws"](**given)
        shown = [draw["image"].numpy() for draw in found["draws"]]
        wait_for(tab, lambda: same(pictures(tab, "augment-draws"), shown))  # noqa: B023


def check_frame(tab, frame: dict) -> None:
    """What the page shows at the moment is this frame."""
    line = tab.inner_text("#training-line")
    assert number(line) == frame["step"]
    loss, right = line.split("validation loss ")[1].split(", ")
    assert number(loss) == pytest.approx(frame["val_loss"], rel=6e-3)
    assert number(right) == pytest.approx(100 * frame["accuracy"], abs=0.051)
    assert cells(tab, "training-confusion") == frame["confusion"].tolist()
    tab.locator("#training-kernels").focus()
    tab.keyboard.press("ArrowRight")
    kernel = tab.inner_text("output[for='training-kernels']")
    assert kernel.startswith("kernel 0, red, row 0, column 0: ")
    weight = float(frame["kernels"][0, 0, 0, 0])
    assert number(kernel.split(": ")[1]) == pytest.approx(weight, rel=1e-3)
    tab.locator("#training-maps-0").focus()
    for _ in range(3):
        tab.keyboard.press("ArrowRight")
    said, value = tab.inner_text("output[for='training-maps-0']").split(": ")
    channel, row, column = map(int, re.findall(r"\d+", said))
    wanted = float(frame["maps"][0]["maps"][channel, row, column])
    assert number(value) == pytest.approx(wanted, rel=1e-3)
    shown = tab.locator("#training-classes .value").all_inner_texts()
    wanted = [100 * share for share in frame["probabilities"]]
    assert [number(text) for text in shown] == pytest.approx(wanted, abs=0.051)


def count(tab) -> int:
    return int(tab.locator("#training-player-time").get_attribute("max"))


@pytest.mark.spec("CNN-193", "is shown again as it was")
def test_a_training_is_stepped_gone_back_in_and_gone_on_with(page, url, browser):
    tab = opened(browser, url, "training")
    settings = page.calls["training/start"]()["settings"]
    beside = training.Training(None)  # that of the page may be at work in its thread

    def frame(n: int, *rates: tuple[int, float], image: int = 0) -> dict:
        given = {"settings": settings, "number": n, "rates": rates, "image": image}
        return beside.frame(**given)

    tab.locator("#training-rate").select_option("0.02")
    for n in (1, 2, 3):
        tab.locator("#training-player-step").press("Enter")
        wait_for(tab, lambda: count(tab) == n)  # noqa: B023
    check_frame(tab, frame(3, (0, 0.02)))
    slide(tab, "training-player-time", 1)
    check_frame(tab, frame(1, (0, 0.02)))
    tab.locator("#training-images button").nth(3).click()
    said = 100 * frame(1, (0, 0.02), image=3)["probabilities"][0]
    first = tab.locator("#training-classes .value").first
    wait_for(tab, lambda: abs(number(first.inner_text()) - said) < 0.051)
    tab.locator("#training-rate").select_option("0.001")
    tab.click("#training-player-step")
    wait_for(tab, lambda: count(tab) == 2)
    check_frame(tab, frame(2, (0, 0.02), (1, 0.001), image=3))
    tab.click("#training-player-back")
    check_frame(tab, frame(1, (0, 0.02), image=3))
    tab.click("#training-player-play")
    wait_for(tab, lambda: count(tab) >= 4)
    tab.click("#training-player-play")
    wait_for(tab, lambda: tab.inner_text("#training-player-play") == "▶ play")
    wait_for(tab, lambda: count(tab) >= 4)
    check_frame(tab, frame(count(tab), (0, 0.02), (1, 0.001), image=3))


@pytest.mark.spec("CNN-197", "frames replayed")
def test_a_saved_training_is_replayed(page, file, browser):
    tab = opened(browser, file, "training")
    settings = page.calls["training/start"]()["settings"]
    assert count(tab) == FRAMES
    for n in (0, FRAMES, 2):
        slide(tab, "training-player-time", n)
        given = {"settings": settings, "number": n, "rates": [(0, 0.05)]}
        check_frame(tab, page.calls["training/frame"](**given))
    tab.click("#training-player-play")
    wait_for(tab, lambda: number(tab.inner_text("#training-line")) == 3 * FRAMES)


@pytest.mark.spec("CNN-195", "where another `patience` or `min_gain` would have ended")
@pytest.mark.spec("CNN-196", "McNemar's p")
@pytest.mark.spec("CNN-197", "the stopping rule for other settings and a comparison")
def test_runs_say_why_and_which(page, address, browser):
    tab = opened(browser, address, "runs")
    found = page.calls["runs/stopping"](run="one")
    assert tab.inner_text("#runs-sentence") == found["sentence"]
    assert found["stop"] == 6
    tab.locator("#runs-patience").select_option("2")
    asked = page.calls["runs/stopping"](run="one", patience=2, min_gain=0.01)
    assert asked["stop"] == 4
    tab.wait_for_selector(f"#runs-sentence:has-text({asked['sentence']!r})")
    assert "to 0.601 at best" in tab.inner_text("#runs-note")
    assert tab.locator("#runs-curve .upright text").text_content() == "it stops"
    tab.click("#runs-own")
    tab.wait_for_selector(f"#runs-sentence:has-text({found['sentence']!r})")
    tab.wait_for_selector("#runs-table td")
    given = {"a": "one/best", "b": "two/best", "split": "test", "images": 500}
    *_, both = page.streams["runs/compare"](**given)
    verdict = tab.inner_text("#runs-verdict")
    p = number(verdict.split("McNemar p = ")[1])
    assert p == pytest.approx(both["mcnemar_p"], rel=6e-3)
    shown = tab.locator("#runs-table td").all_inner_texts()
    names = ("both_right", "only_this_right", "only_other_right", "both_wrong")
    assert [int(text) for text in shown] == [both[name] for name in names]
    for one in "ab":
        wanted = [t["image"].numpy() for t in both[f"tiles_{one}"]]
        assert same(pictures(tab, f"runs-only-{one}"), wanted)
    points = [
        number(text) for text in tab.locator("#runs-classes .value").all_inner_texts()
    ]
    changes = [100 * c["difference"] for c in both["classes"]]
    assert points == pytest.approx(changes, rel=6e-3)
    assert not any(map(math.isnan, points))


def test_without_a_checkpoint_a_training_still_runs(browser, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with serving(build(None)) as address:
        tab = opened(browser, address, "training")
        tab.click("#training-player-step")
        wait_for(tab, lambda: count(tab) == 1)
        tab.click("#tab-runs")
        tab.wait_for_selector("#panel-runs:has-text('has no run yet')")
        tab.click("#tab-mistakes")
        tab.wait_for_selector("#problem:has-text('there is no trained network yet')")


@pytest.mark.spec("CNN-188", "never need to be scrolled sideways at 390 pixels")
def test_nothing_is_cut_off_on_a_telephone(address, page, browser):
    tab = browser.open(address, width=390, dark=True)
    inside = ("look", "attribution", "surgery") if address.startswith("http") else ()
    for panel in (*inside, *PANELS):
        tab.click(f"#tab-{panel}")
        tab.wait_for_selector(f"#panel-{panel}[data-ready]")
        assert sideways(tab) == 0, panel
        shown = tab.inner_text(f"#panel-{panel}")
        assert not re.search("null|undefined|NaN", shown), panel
