"""The sampler in Chromium: its arithmetic against the library, clicks, a saved page."""

import math
from dataclasses import replace

import pytest
import torch

from src.app.build import build
from src.app.choices import Choices
from src.app.sampler import PROMPTS, Sampler
from src.generation.generate import window_start
from src.generation.sampling import Sampling, draw, filtered, penalise, shares
from tests.app_checkpoints import make
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


PROMPT = PROMPTS[0]
NAMES = (
    "temperature", "top_k", "top_p", "min_p", "repetition_penalty", "no_repeat_ngram",
)  # fmt: skip
SETTINGS = [
    {},
    {"temperature": 0.0},
    {"temperature": 0.5},
    {"temperature": 2.5, "top_p": 0.6},
    {"top_k": 5},
    {"top_k": 1000},
    {"top_p": 0.9},
    {"top_p": 0.01},
    {"min_p": 0.1},
    {"min_p": 1.0},
    {"repetition_penalty": 1.8},
    {"no_repeat_ngram": 1},
    {"no_repeat_ngram": 3, "temperature": 0.0},
    {"temperature": 0.7, "top_k": 12, "top_p": 0.8, "min_p": 0.05,
     "repetition_penalty": 1.3, "no_repeat_ngram": 2},
]  # fmt: skip


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return make(tmp_path_factory.mktemp("runs"), "gpt")


@pytest.fixture(scope="module")
def sampler(checkpoint):
    return Sampler(Choices(checkpoint))


@pytest.fixture(scope="module")
def url(checkpoint):
    with serving(lambda: build(checkpoint)) as address:
        yield address + "#sampler"


def asked(sampler, prompt, appended=()):
    name = sampler.choices.first
    return sampler.next(name, prompt, [*appended])


def expected(sampler, prompt, appended=(), **settings):
    """The shares that the library makes of the logits, in double precision."""
    found = asked(sampler, prompt, appended)
    history = torch.tensor([found["ids"]])
    return shares(found["logits"].double()[None], history, Sampling(**settings))[0]


@pytest.mark.spec("SEQ-239", "equals `src/generation/sampling.py`")
def test_the_arithmetic_of_the_page_is_the_librarys(browser, url):
    g = torch.Generator().manual_seed(0)
    cases, wanted = [], []
    for given in SETTINGS * 3:
        vocab = int(torch.randint(3, 80, (), generator=g))
        logits = torch.randn(1, vocab, generator=g) * 3
        history = torch.randint(0, min(vocab, 6), (1, 14), generator=g)
        uniform = torch.rand(1, generator=g, dtype=torch.float64)
        found = shares(logits.double(), history, Sampling(**given))
        cases.append([logits[0].tolist(), history[0].tolist(), given, uniform.item()])
        wanted.append((found[0], int(draw(found, uniform)[0])))
    tab = browser.open(url)
    results = tab.evaluate(
        """async (cases) => {
          const { sample, draw } = await import("filters");
          return cases.map(([logits, history, settings, uniform]) => {
            const { shares } = sample(logits, history, settings);
            return [Array.from(shares), draw(shares, uniform)];
          });
        }""",
        cases,
    )
    for (page, drawn), (library, token), case in zip(
        results, wanted, cases, strict=True
    ):
        assert torch.allclose(torch.tensor(page).double(), library, atol=1e-12), case[2]
        assert drawn == token


@pytest.mark.spec("SEQ-239", "the last token that it keeps and the first that it cuts")
def test_each_cut_is_told_with_its_tokens(browser, url, sampler):
    tab = browser.open(url)
    names = sampler.vocabulary(sampler.choices.first)["names"]
    found = asked(sampler, PROMPT)
    logits = found["logits"].double()[None]
    history = torch.tensor([found["ids"]])
    stages = {
        "top_k": {"top_k": 30},
        "top_p": {"top_p": 0.75},
        "min_p": {"min_p": 0.4},
    }
    given = {"repetition_penalty": 1.2}
    before = penalise(logits, history, Sampling(**given))[0]
    for name, value in {"repetition_penalty": 1.2, "top_k": 30}.items():
        tab.fill(f"#sampler-{name}", str(value))
    tab.fill("#sampler-top_p", "0.75")
    tab.fill("#sampler-min_p", "0.4")
    for name, more in stages.items():
        given |= more
        after = filtered(logits, history, Sampling(**given))[0]
        removed = (after == -torch.inf) & (before > -torch.inf)
        held = before.softmax(0)[removed].sum().item()
        first = names[before.masked_fill(~removed, -torch.inf).argmax()]
        last = names[after.masked_fill(after == -torch.inf, torch.inf).argmin()]
        kept = int((after > -torch.inf).sum())
        said = tab.inner_text(f"[data-filter={name}]")
        assert f"keeps {kept}, down to “{last}”, and cuts {int(removed.sum())}" in said
        assert f"held {100 * held:.1f} %, from “{first}” on" in said
        before = after


def bars(tab):
    """Name -> share of each token that is not cut."""
    rows = tab.locator("#sampler-bars li:not(.faint)").all_inner_texts()
    cells = [row.split("\n") for row in rows]
    return {cell[0]: number(cell[-1]) / 100 for cell in cells}


@pytest.mark.spec("SEQ-239", "in the page, without an answer")
def test_a_slider_changes_the_bars_without_a_question(browser, url, sampler):
    tab = browser.open(url)
    questions = len(browser.asked)
    names = sampler.vocabulary(sampler.choices.first)["names"]
    steps = {"temperature": 0.6, "top_p": 0.8, "min_p": 0.02, "top_k": 9}
    given = {}
    for name, value in steps.items():
        given[name] = value
        tab.fill(f"#sampler-{name}", str(value))
        library = expected(sampler, PROMPT, **given)
        shown = bars(tab)
        for token, share in enumerate(library.tolist()):
            if share > 0 and names[token] in shown:
                assert shown[names[token]] == pytest.approx(share, abs=6e-5)
        assert len(shown) == min(40, int((library > 0).sum()))
    bits = -(library * library.clamp(min=1e-300).log2()).sum().item()
    assert f"after the cuts {bits:.3f}" in tab.inner_text("#sampler-figures")
    tab.click("#sampler-reset")
    assert len(bars(tab)) == 40
    assert len(browser.asked) == questions


def text_of(tab):
    return tab.locator("#sampler-text .chosen").all_inner_texts()


@pytest.mark.spec("SEQ-240", "are those of the library")
def test_tokens_are_appended_drawn_and_taken_back(browser, url, sampler):
    tab = browser.open(url)
    name = sampler.choices.first
    names = sampler.vocabulary(name)["names"]
    second = expected(sampler, PROMPT).argsort(descending=True)[1].item()
    tab.locator("#sampler-bars button").nth(1).click()
    wait_for(tab, lambda: text_of(tab) == [names[second]])
    tab.fill("#sampler-temperature", "1.5")
    tab.fill("#sampler-seed", "3")
    tab.click("#sampler-one")
    wait_for(tab, lambda: len(text_of(tab)) == 2)
    tab.fill("#sampler-count", "12")
    tab.click("#sampler-write")
    wait_for(tab, lambda: len(text_of(tab)) == 14)
    drawn = sampler.draw(name, PROMPT, [second], 13, 3, 1.5)["tokens"]
    assert text_of(tab) == [names[one] for one in [second, *drawn]]
    tab.click("#sampler-undo")
    wait_for(tab, lambda: len(text_of(tab)) == 13)
    ids = asked(sampler, PROMPT, [second, *drawn[:12]])["ids"]
    seen = len(ids) - window_start(len(ids), 32)
    assert f"sees the last {seen} of {len(ids)} tokens" in tab.inner_text("#status")
    tab.locator("#sampler-text .chosen").nth(1).click()  # back to it
    wait_for(tab, lambda: len(text_of(tab)) == 2)
    library = expected(sampler, PROMPT, [second, drawn[0]], temperature=1.5)
    assert max(bars(tab).values()) == pytest.approx(library.max().item(), abs=6e-5)


@pytest.mark.spec("SEQ-240", "what one draw of all")
def test_quick_clicks_all_count(browser, url, sampler):
    tab = browser.open(url)
    name = sampler.choices.first
    names = sampler.vocabulary(name)["names"]
    click = "(n) => {{ while (n--) document.getElementById('sampler-{}').click(); }}"
    tab.evaluate(click.format("one"), 4)
    drawn = [names[one] for one in sampler.draw(name, PROMPT, [], 4)["tokens"]]
    wait_for(tab, lambda: text_of(tab) == drawn)
    tab.evaluate(click.format("undo"), 2)
    wait_for(tab, lambda: text_of(tab) == drawn[:2])
    tab.locator("#sampler-text .piece").first.click()  # of the prompt
    wait_for(tab, lambda: text_of(tab) == [])


@pytest.mark.spec("SEQ-246", "stays text")
def test_a_prompt_is_text_and_what_cannot_be_read_is_told(browser, url):
    tab = browser.open(url)
    tab.fill("#sampler-prompt", "<b>na")
    tab.wait_for_selector("#problem:visible")
    assert "character '<'" in tab.inner_text("#problem")
    assert tab.locator("#problem b").count() == 0
    assert tab.is_visible(".stale #sampler-bars")  # they are of the prompt before
    tab.fill("#sampler-prompt", "")
    tab.wait_for_selector("#problem", state="hidden")
    assert tab.locator("#panel-sampler .stale").count() == 0
    assert tab.locator("#sampler-text .piece").all_inner_texts() == ["⏎"]


@pytest.mark.spec("SEQ-245", "along the likeliest tokens")
def test_a_saved_page_goes_on_as_the_library_would(browser, checkpoint, tmp_path):
    sampler = Sampler(Choices(checkpoint))
    page = replace(build(checkpoint), exported=sampler.exported)
    address = saved(page, tmp_path / "page.html")
    tab = browser.open(address + "#sampler", NARROW, dark=True)
    names = sampler.vocabulary(sampler.choices.first)["names"]
    tab.fill("#sampler-top_k", "2")
    tab.fill("#sampler-count", "3")
    tab.fill("#sampler-seed", "2")
    tab.click("#sampler-write")
    drawn = sampler.draw(sampler.choices.first, PROMPT, [], 3, 2, top_k=2)["tokens"]
    wait_for(tab, lambda: text_of(tab) == [names[one] for one in drawn])
    library = expected(sampler, PROMPT, drawn, top_k=2)
    shown = [*bars(tab).values()]
    assert shown == pytest.approx(
        sorted(library[library > 0].tolist(), reverse=True), abs=6e-5
    )
    tab.fill("#sampler-prompt", "Ann")
    tab.wait_for_selector("#problem:visible")
    assert "does not hold that answer" in tab.inner_text("#problem")
    assert sideways(tab) == 0
    assert not math.isnan(number(tab.inner_text("#sampler-figures")))
