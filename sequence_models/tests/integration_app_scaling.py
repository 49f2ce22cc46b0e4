"""Test-time scaling in Chromium: curves, and the vote of the first n answers."""

import pytest

from src.app.page import Page
from src.app.scaling import Scaling
from src.inference.reason_solve import solve
from src.reasoning.test_time import majority
from tests.app_reasoners import run
from tests.browser import (  # noqa: F401
    NARROW,
    launched,
    saved,
    serving,
    sideways,
    tabs,
    wait_for,
)


@pytest.fixture(scope="module")
def panel(tmp_path_factory):
    runs = tmp_path_factory.mktemp("runs")
    run(runs)
    return Scaling(None, runs)


@pytest.fixture(scope="module")
def url(panel):
    with serving(page(panel)) as address:
        yield address + "#scaling"


def page(panel) -> Page:
    calls = {
        "scaling/start": panel.start,
        "scaling/result": panel.result,
        "scaling/problems": panel.problems,
        "scaling/answers": panel.answers,
    }
    streams = {"scaling/measure": panel.measure}
    return Page("t", "s", calls, streams, panel.exported)


def move(tab, name, value):
    put = "(n, value) => { n.value = value; n.dispatchEvent(new Event('input')); }"
    tab.eval_on_selector(f"#{name}", put, value)


def tally(tab):
    """[answer, votes] of the bars."""
    return tab.eval_on_selector_all(
        "#scaling-tally li",
        "all => all.map(li => [li.querySelector('.name').textContent,"
        " parseInt(li.querySelector('.value').textContent)])",
    )


def votes_agree(tab, attempts):
    """The slider from 1 to the last answer, against the library's majority."""
    answers = [one["answer"] for one in attempts]
    for n in range(1, len(answers) + 1):
        move(tab, "scaling-count", n)
        vote = majority(answers[:n])
        assert f"the vote of {n} is {vote or 'none'}" in tab.inner_text(
            "#scaling-verdict"
        )
        shown = tally(tab)
        known = {one: answers[:n].count(one) for one in answers[:n] if one is not None}
        assert dict(map(tuple, shown)) == known
        if shown:
            assert shown[0][0] == vote
    return {majority(answers[: n + 1]) for n in range(len(answers))}


@pytest.mark.spec("SEQ-253", "that of `majority`")
def test_the_vote_of_the_first_n_is_that_of_the_library(browser, url, panel):
    tab = browser.open(url)
    best = panel.runs / "sums" / "checkpoints" / "supervised.pt"
    questions = panel.problems("sums, supervised")["questions"]
    seen = set()
    for question in questions[:4]:
        tab.select_option("#scaling-problem", question)
        wait_for(
            tab, lambda q=question: tab.inner_text("#scaling-verdict").startswith(q)
        )
        known = solve(best, question, 16, 0, device="cpu")
        seen |= votes_agree(tab, known["attempts"])
        listed = tab.inner_text("#scaling-answers")
        assert all(one["response"] in listed for one in known["attempts"])
    assert len(seen) > 2


def test_a_visitors_own_problem_is_answered_or_refused(browser, url):
    tab = browser.open(url)
    tab.fill("#scaling-own", "<b>two</b>")
    tab.click("#scaling-ask")
    wait_for(tab, lambda: tab.is_visible("#problem"))
    assert "<b>two</b>" in tab.inner_text("#problem")
    tab.fill("#scaling-own", "4+3")
    tab.click("#scaling-ask")
    wait_for(tab, lambda: tab.inner_text("#scaling-verdict").startswith("4+3"))
    assert not tab.is_visible("#problem")


@pytest.mark.spec("SEQ-252", "while the visitor waits")
def test_a_measurement_fills_the_curves(browser, url, panel):
    tab = browser.open(url)
    move(tab, "scaling-problems", 10)
    tab.click("#scaling-measure")
    wait_for(tab, lambda: "10 test problems" in tab.inner_text("#scaling-title"))
    (*_, last) = panel.measure("sums, supervised", problems=10)
    rows = tab.eval_on_selector_all(
        "#scaling-table tbody tr", "all => all.map(tr => tr.innerText.split('\\t'))"
    )
    assert len(rows) == len(last["points"])
    for row, point in zip(rows, last["points"], strict=True):
        assert row[:3] == [
            point["method"],
            str(point["budget"]),
            f"{point['accuracy']:.3f}",
        ]
    label = tab.get_attribute("#scaling-chart", "aria-label")
    assert label.count("ends at") == 3
    tab.click("label:has(#scaling-intervals)")
    label = tab.get_attribute("#scaling-chart", "aria-label")
    assert label.count("ends at") == 9


@pytest.mark.spec("SEQ-254", "also in a saved page")
def test_a_saved_page_keeps_the_votes_and_one_without_a_model_the_command(
    browser, panel, tmp_path
):
    address = saved(page(panel), tmp_path / "page.html") + "#scaling"
    tab = browser.open(address, NARROW)
    assert sideways(tab) == 0
    question = tab.input_value("#scaling-problem")
    votes_agree(tab, panel.answers("sums, supervised", question)["attempts"])
    tab.click("#scaling-measure")
    wait_for(tab, lambda: "test problems" in tab.inner_text("#scaling-title"))
    nothing = page(Scaling(None, tmp_path / "nothing"))
    tab = browser.open(saved(nothing, tmp_path / "bare.html") + "#scaling")
    said = tab.inner_text("#scaling-missing")
    assert "scripts/train.py --config configs/reason_addition.yaml" in said
