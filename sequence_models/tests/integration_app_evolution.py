"""The tables of the evolution in Chromium: sorted, chosen, drawn; live and saved."""

import statistics

import pytest

from src.app.evolution import Evolution
from src.app.page import Page
from tests.app_results import bench
from tests.browser import (  # noqa: F401
    NARROW,
    launched,
    number,
    saved,
    serving,
    sideways,
    tabs,
    wait_for,
)


ENDS = """all => all.map(one => one.dataset.name)"""
READ = """() => document.getElementById("evolution-chart").getAttribute("aria-label")"""


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The panel and the results of its bench."""
    folder = tmp_path_factory.mktemp("evolution")
    results = bench(folder, folder / "runs")
    return Evolution(folder / "runs"), results


@pytest.fixture(scope="module")
def url(made):
    with serving(page(made[0])) as address:
        yield address + "#evolution"


def page(panel) -> Page:
    calls = {"evolution/start": panel.start, "evolution/table": panel.table}
    return Page("t", "s", calls, exported=panel.exported)


def column(tab, title):
    heads = tab.eval_on_selector_all(
        "#evolution-table th", "all => all.map(th => th.textContent)"
    )
    (at,) = [i for i, head in enumerate(heads) if head.startswith(title)]
    cells = tab.eval_on_selector_all(
        f"#evolution-table tbody td:nth-child({at + 1})",
        "all => all.map(td => td.textContent)",
    )
    return [number(cell) for cell in cells]


@pytest.mark.spec("SEQ-250", "sorted by any column")
def test_a_bench_is_sorted_and_drawn(browser, url, made):
    _, results = made
    tab = browser.open(url)
    means = sorted(row.bpb for row in results.rows)
    assert column(tab, "bits per byte") == [round(mean, 3) for mean in means]
    assert tab.get_attribute("th:has([data-column='bpb'])", "aria-sort") == "ascending"
    tab.click("[data-column='bpb']")
    falling = [round(mean, 3) for mean in reversed(means)]
    assert column(tab, "bits per byte") == falling
    tab.click("[data-column='accuracy']")
    tab.keyboard.press("Enter")  # the heading is still where the focus is
    assert tab.get_attribute("th:has([data-column='accuracy'])", "aria-sort") == (
        "ascending"
    )
    said = tab.evaluate(READ)
    for row in results.rows:
        assert f"{row.entry}, {row.recipe} ends at {row.bpb:.4g}".rstrip("0") in said
    tab.click("label:has(#evolution-seeds)")
    for run in results.runs:
        assert f"{run.entry}, {run.recipe}, seed {run.seed} ends at" in tab.evaluate(
            READ
        )


@pytest.mark.spec("SEQ-250", "the rows that are ticked")
def test_rows_metrics_and_axes_are_chosen(browser, url, made):
    _, results = made
    tab = browser.open(url)
    tab.click("#evolution-none")
    assert "nothing yet" in tab.text_content("#evolution-chart")
    tab.click("label:has(#evolution-row-1)")
    assert tab.eval_on_selector_all("#evolution-chart .curve", ENDS) == ["rnn, modern"]
    tab.select_option("#evolution-axis", "seconds")
    mine = [r for r in results.runs if (r.entry, r.recipe) == ("rnn", "modern")]
    ends = [r.curve[-1][0] / r.tokens_per_cpu_second for r in mine]
    right = float(tab.get_attribute("#evolution-chart", "data-right"))
    assert right == pytest.approx(statistics.fmean(ends))
    tab.select_option("#evolution-metric", "loss, validation")
    loss = statistics.fmean(r.loss for r in mine)
    assert f"rnn, modern ends at {loss:.4g}" in tab.evaluate(READ)
    assert "<b>best</b>" in tab.inner_text("#evolution-about")  # text, not HTML


def test_a_damaged_result_is_a_sentence_on_the_page(browser, url, made):
    broken = made[0].runs / "broken"
    broken.mkdir()
    (broken / "results.json").write_text('{"bench": "<b>"}')
    tab = browser.open(url)
    tab.select_option("#evolution-source", "broken")
    wait_for(tab, lambda: tab.is_visible("#problem"))
    assert "broken/results.json is not what" in tab.inner_text("#problem")
    tab.select_option("#evolution-source", "bench")
    wait_for(tab, lambda: not tab.is_visible("#problem"))
    (broken / "results.json").unlink()


@pytest.mark.spec("SEQ-251", "also in a saved page")
def test_a_saved_page_has_the_published_table(browser, made, tmp_path):
    panel, _ = made
    address = saved(page(panel), tmp_path / "page.html") + "#evolution"
    tab = browser.open(address, NARROW)
    tab.select_option("#evolution-source", "published")
    wait_for(tab, lambda: "GRU 2014" in tab.inner_text("#evolution-table"))
    assert sideways(tab) == 0
    table = panel.table("published")
    known = sorted(row["values"]["bpb"] for row in table["rows"])
    assert column(tab, "bits per byte") == known
    assert tab.input_value("#evolution-axis") == "rate"
    tab.click("#evolution-all")
    lines = tab.eval_on_selector_all("#evolution-chart .curve", ENDS)
    assert len(lines) == len(table["rows"])
