"""The page of tools.report in headless Chromium: what a reader clicks."""

import math

import pytest

from tools import report
from tools.tests.clicking import Page, chromium
from tools.tests.fake import project, write
from tools.tests.made_up_runs import EVIL, make_run


@pytest.fixture(scope="module")
def browser():
    with chromium() as one:
        yield one


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    root = tmp_path_factory.mktemp("a page")
    alpha = project(root, "alpha") / "runs"
    for seed in range(3):
        settings = {"seed": seed, "note": EVIL}
        pictures = ["plots/curves.png", "plots/other.png"]
        losses = [2 - seed / 2 - n / 20 for n in range(20)]
        make_run(alpha, f"lr-s{seed}", settings, losses, minute=seed, pictures=pictures)
    make_run(alpha, EVIL.replace("/", "|"), {"optim": {"lr": 0.5}}, minute=4)
    make_run(alpha, "cut", status="running", minute=3)
    beta = project(root, "beta") / "runs"
    make_run(beta, "bad", {"seed": 7}, [1, 0.5, math.nan, math.inf, -0.2], minute=9)
    write(make_run(beta, "torn", minute=8) / "config.yaml", "a: [")
    write(make_run(beta, "empty", minute=7) / "metrics.csv", "step,epoch,split,loss\n")
    return write(root / "page.html", report.build([alpha, beta], root)[0].decode())


@pytest.fixture
def page(browser, file):
    one = Page(browser, file)
    yield one
    assert one.said == []
    names = one.run("performance.getEntriesByType('resource').map((one) => one.name)")
    assert [name for name in names if not name.startswith("data:")] == []
    one.tab.close()


@pytest.mark.spec("WSP-141", "and never acts")
def test_what_a_run_is_called_is_only_text(page):
    name = EVIL.replace("/", "|")
    assert name in page.runs()
    page.click(f"button[title$='{name}']")
    assert page.texts("#settings h3") == [name]
    assert page.run("typeof window.owned") == "undefined"
    assert len(page.all("body script:not([type])")) == 1


def test_of_a_long_name_the_middle_gives_way(page):
    name = EVIL.replace("/", "|")
    (button,) = page.all(f"button[title$='{name}']")
    cut = "node => node.scrollWidth > node.clientWidth"
    assert button.locator(".head").evaluate(cut)
    assert not button.evaluate(cut)
    assert button.inner_text() == name  # and of that the end is seen


@pytest.mark.spec("WSP-140", "policy")
def test_even_a_script_that_got_in_would_not_run(browser, file):
    page = Page(browser, file)
    page.run(
        "() => { const evil = document.createElement('script');"
        "evil.textContent = 'owned = 1';"
        "const image = Object.assign(new Image(), {src: 'https://a.b/'});"
        "document.body.append(evil, image); }"
    )
    assert page.run("typeof window.owned") == "undefined"
    refused = page.hear(2)
    assert len(refused) == 2 and all("Content Security" in text for text in refused)
    page.tab.close()


@pytest.mark.spec("WSP-146", "The table sorts")
def test_a_click_on_a_head_sorts_and_a_second_turns_it_round(page):
    assert page.runs()[:3] == ["bad", "torn", "empty"]  # the newest first
    page.click("#project")
    page.choose("project", "alpha (5)")
    head = page.head("Seed")
    head.locator("button").press("Enter")
    assert head.get_attribute("aria-sort") == "ascending"
    assert page.runs()[-2:] == ["lr-s1", "lr-s2"]
    head.locator("button").click()
    assert head.get_attribute("aria-sort") == "descending"
    assert page.runs()[:2] == ["lr-s2", "lr-s1"]
    page.head("Result").locator("button").click()
    assert head.get_attribute("aria-sort") == "none"
    assert page.runs()[:2] == ["lr-s2", "lr-s1"] and page.runs()[-1] == "cut"


@pytest.mark.spec("WSP-146", "filters by text, sub-project, status and setting")
def test_the_filters_hold_together(page):
    page.type("ALPHA optim.lr=0")
    assert page.runs() == []
    page.type("ALPHA lr=0.1 seed=1")
    assert page.runs() == ["lr-s1"] and page.texts("#shown") == ["1 of 8 runs"]
    page.type("nothing like it")
    assert page.texts("#nothing") == ["No run has all of that."]
    page.type("")
    page.choose("status", "killed (1)")
    assert page.runs() == ["cut"]
    page.choose("status", "all")
    page.choose("project", "alpha (5)")
    page.choose("setting", "optim.lr")
    page.choose("value", "0.5")
    assert page.runs() == [EVIL.replace("/", "|")]
    page.choose("value", "0.1")
    assert len(page.runs()) == 4


@pytest.mark.spec("WSP-146", "lie over each other")
def test_curves_of_the_chosen_runs_lie_over_each_other(page):
    page.alone("lr-s0", "lr-s2")
    page.choose("split", "val")
    paths = page.all("#chart g.curve > path:first-child")
    first, second = (path.get_attribute("d") for path in paths)
    assert first.count("L") == second.count("L") == 19 and first != second
    assert page.texts("#legend tbody th") == ["lr-s0", "lr-s2"]
    assert page.texts("#legend tbody tr:first-child .number") == [
        "1.05",
        "1.05",
        "2",
        "20",
    ]
    assert page.texts("#chart .title") == ["step", "loss"]
    page.click("#log")
    assert page.texts("#chart .title") == ["step", "loss (log)"]
    assert page.all("#chart g.curve > path:first-child")[0].get_attribute("d") != first
    for along, last in [("epoch", "20"), ("seconds", "40")]:
        page.choose("along", along)
        ticks = page.texts("#chart text[text-anchor='middle']:not(.title)")
        assert ticks[-1] == last
    page.choose("metric", "accuracy")
    assert page.texts("#chart .title") == ["seconds", "accuracy (log)"]


@pytest.mark.spec("WSP-145", "damaged")
def test_what_is_damaged_or_not_finite_is_shown_beside_the_rest(page):
    assert page.texts(".status.damaged") == ["damaged"]
    page.alone("torn")
    page.click("#tab-settings")
    (problem,) = page.texts(".problem")
    assert problem.startswith("config.yaml cannot be read: ")
    page.click("#tab-curves")
    page.alone("bad", "empty")
    page.choose("split", "val")
    assert len(page.all("#chart .bad")) == 2
    assert page.texts("#remarks li") == [
        "bad, val: nan, inf at 2 points (a cross on the upper edge).",
        "empty has no row in metrics.csv.",
    ]
    page.click("#log")
    assert "bad, val: 1 point not above 0" in page.texts("#remarks")[0]


@pytest.mark.spec("WSP-146", "only the settings that differ")
def test_the_settings_that_differ_stand_side_by_side(page):
    page.click("#tab-settings")
    page.alone("lr-s0", "cut")
    rows = page.texts("#settings .grid tbody tr")
    assert len(rows) == 1 and rows[0].startswith("note </script>")
    assert rows[0].endswith("absent")
    page.click("#tab-settings")
    page.alone("lr-s0", "lr-s2")
    assert page.texts("#settings .grid tbody tr") == ["seed 0 2"]


@pytest.mark.spec("WSP-144", "can be opened from the page")
def test_a_picture_opens_and_the_keys_lead_to_the_next(page):
    page.click("#tab-curves")
    page.press("ArrowRight")
    page.press("ArrowRight")
    page.alone("lr-s0")
    assert len(page.all("#gallery img")) == 2
    page.click("#gallery figure button")
    assert page.texts("#large-name") == ["lr-s0: plots/curves.png"]
    assert page.run("document.getElementById('large-image').naturalWidth") == 60
    page.press("ArrowRight")
    assert page.texts("#large-name") == ["lr-s0: plots/other.png"]
    page.press("ArrowLeft")
    assert page.texts("#large-name") == ["lr-s0: plots/curves.png"]
    page.press("Escape")
    assert page.tab.is_hidden("#large-name")


@pytest.mark.spec("WSP-147", "one row with their mean and standard deviation")
def test_seeds_become_one_row_and_one_curve_with_a_band(page):
    page.click("#grouped")
    assert "lr × 3" in page.runs() and len(page.runs()) == 5
    page.alone("lr × 3")
    (row,) = page.texts("#table tr.chosen")
    assert "0.91 ± 0.01 accuracy" in row and "0–2" in row
    assert len(page.all("#chart g.curve")) == 2 == len(page.all("#chart .band"))
    page.choose("split", "val")
    last = page.texts("#legend tbody tr .number")[0]
    assert last == "0.55"  # of 1.05, 0.55, 0.05
    page.click("input[aria-label='Choose cut']")
    assert len(page.all("#chart .curve.s0")) == len(page.all("#chart .curve.s1")) == 1


@pytest.mark.spec("WSP-149", "With 500 runs")
def test_five_hundred_runs_are_shown_and_fifty_curves_lie_over_each_other(
    browser, tmp_path
):
    runs = project(tmp_path, "many") / "runs"
    for n in range(500):
        settings = {"seed": n % 5, "optim": {"lr": n // 5}}
        make_run(runs, f"run-{n:03}", settings, minute=n)
    content = report.build([runs], tmp_path)[0].decode()
    page = Page(browser, write(tmp_path / "page.html", content))
    assert page.tab.locator("#table tbody tr").count() == 500
    page.head("Run").locator("button").click()
    assert page.tab.locator("#table tbody th").first.inner_text() == "run-000"
    page.click("#none")
    page.type("run-04")
    page.click("#all")
    page.type("run-1 seed=1")
    page.click("#all")
    page.type("run-2 seed=3")
    page.click("#all")
    page.choose("split", "val")
    assert page.texts("#chosen") == ["50 runs chosen"]
    assert page.tab.locator("#chart g.curve").count() == 50
    assert page.said == []
    page.tab.close()
