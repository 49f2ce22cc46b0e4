"""Tokenizers, evolution and test-time scaling in Chromium, served and saved.

What they show is compared with what the library computes.
"""

import random
import statistics

import pytest

from src.app.evolution import Evolution
from src.app.page import Page
from src.app.scaling import Scaling
from src.app.tokenizers import EXAMPLES, Tokenizers, embedded_text
from src.inference.reason_solve import solve
from src.reasoning.test_time import majority
from src.tokenizers import (
    BPETokenizer,
    ByteTokenizer,
    CharTokenizer,
    WordTokenizer,
    from_dict,
)
from src.tokenizers.show import visible
from src.utils.errors import InputError
from tests import app_reasoners
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


PARTS = (
    "Hello", " world", "'s", "'LL", "'\u017f", "1234", "\u00bd", "  ", "\n", "\r\n",
    "\t", "\u6771\u4eac", "\u00e9", "e\u0301", "\U0001f642", "\u2014", "!!", "x= y",
    "\u200b", "\x85", "\u3000", "\x1c", "\x00", "We'Re", "<|a|>", "-" * 40, "<b>",
)  # fmt: skip
CUT = """async ([tables, texts]) => {
  const {open, visible} = await import("encode");
  return tables.map((table) => {
    const tokenizer = open(table);
    return texts.map((text) => {
      try {
        const {ids} = tokenizer.encode(text);
        return [ids, tokenizer.pieces(ids).map(visible).join("|")];
      } catch (error) { return error.message; }
    });
  });
}"""
ENDS = """all => all.map(one => one.dataset.name)"""
LABEL = (
    """() => document.getElementById("evolution-chart").getAttribute("aria-label")"""
)
VOTES = """(most) => {
  const slider = document.getElementById("scaling-count");
  return Array.from({length: most}, (_, i) => {
    slider.value = i + 1;
    slider.dispatchEvent(new Event("input"));
    const bars = [...document.querySelectorAll("#scaling-tally li")];
    return [document.getElementById("scaling-verdict").textContent, bars.map((li) =>
      [".name", ".value"].map((part) => li.querySelector(part).textContent))];
  });
}"""


class Panels:
    """The three over a folder of runs, and a page of some of them."""

    def __init__(self, runs, own=None):
        self.tokenizers = Tokenizers(own)
        self.evolution, self.scaling = Evolution(runs), Scaling(None, runs)

    def page(self, *some) -> Page:
        exported = [panel.exported for panel in some]
        calls = {
            "tokens/start": self.tokenizers.start,
            "tokens/learn": self.tokenizers.learn,
            "evolution/start": self.evolution.start,
            "evolution/table": self.evolution.table,
            "scaling/start": self.scaling.start,
            "scaling/result": self.scaling.result,
            "scaling/problems": self.scaling.problems,
            "scaling/answers": self.scaling.answers,
        }
        streams = {"scaling/measure": self.scaling.measure}
        questions = lambda: [one for listed in exported for one in listed()]  # noqa: E731
        return Page("t", "s", calls, streams, questions)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The panels, and what the bench among their runs has found."""
    folder = tmp_path_factory.mktemp("panels")
    results = bench(folder, folder / "runs")
    app_reasoners.run(folder / "runs")
    own = CharTokenizer.train(["abc<"], ["<|bos|>"])
    return Panels(folder / "runs", own), results


@pytest.fixture(scope="module")
def url(made):
    with serving(made[0].page()) as address:
        yield address


def write(tab, text):
    tab.fill("#tokens-text", text)


def pieces(tokenizer, text):
    """The tokens of a text as `show` writes them."""
    shown = tokenizer.token_bytes()
    names = {number: name for name, number in tokenizer.specials.items()}
    ids = tokenizer.encode(text, "all")
    return [names.get(i) or visible(shown[i]) for i in ids]


def strip(tab, name):
    """The texts of a strip's tokens; of a word the blank behind it is shown too."""
    return tab.eval_on_selector_all(
        f"#{name} .token", "all => all.map(t => t.textContent)"
    )


def move(tab, name, value):
    put = "(n, value) => { n.value = value; n.dispatchEvent(new Event('input')); }"
    tab.eval_on_selector(f"#{name}", put, value)


@pytest.mark.spec("SEQ-247", "cuts a text as the library does")
def test_every_kind_of_tokenizer_cuts_as_the_library_does(browser, url):
    draw = random.Random(0)
    texts = ["".join(draw.choices(PARTS, k=draw.randint(0, 10))) for _ in range(60)]
    names = ["<|a|>", "<|a|>b"]
    made = [
        *(from_dict(one["values"]) for one in Tokenizers().start()["tokenizers"]),
        BPETokenizer.train(texts * 2, 600, "gpt2", names),
        BPETokenizer.train(texts * 2, 600, "gpt4", names),
        CharTokenizer.train(texts[:40], names),
        WordTokenizer.train(texts[:100], names),
        ByteTokenizer(names),
    ]
    tab = browser.open(url + "#tokens")
    found = tab.evaluate(CUT, [[one.to_dict() for one in made], texts])
    refused = 0
    for tokenizer, rows in zip(made, found, strict=True):
        for text, row in zip(texts, rows, strict=True):
            try:
                ids = tokenizer.encode(text, "all")
            except InputError:
                refused += 1
                assert "is not one of the" in row, (tokenizer.kind, text)
                continue
            shown = "|".join(pieces(tokenizer, text))
            assert row[0] == ids, (tokenizer.kind, text)
            if tokenizer.kind != "word":  # the last word shows no blank behind it
                assert row[1] == shown, (tokenizer.kind, text)
    assert 25 < refused < len(made) * len(texts) / 2


@pytest.mark.spec("SEQ-247", "its own sentence")
def test_a_typed_text_is_cut_once_a_tokenizer(browser, url):
    tab = browser.open(url + "#tokens")
    text = "a story <b>bold</b>\ncaf\u00e9"
    write(tab, text)
    given = Tokenizers().start()["tokenizers"]
    for at, one in enumerate(given):
        tokenizer = from_dict(one["values"])
        figures = tab.inner_text(f"#tokens-figures-{at}")
        if tokenizer.kind in ("char", "word"):
            assert figures == "" and strip(tab, f"tokens-strip-{at}") == []
            continue
        shown = pieces(tokenizer, text)
        assert strip(tab, f"tokens-strip-{at}") == shown
        rate = len(text.encode()) / len(shown)
        expected = f"{len(shown)} tokens, {rate:.2f} bytes a token, round trip ✓"
        assert figures == expected
    said = tab.inner_text("#tokens-list")
    assert 'character "<" (U+003C) at position 8 is not one of' in said
    assert 'word "story" is not one of' in said or 'word "<b>bold' in said
    assert not tab.query_selector("#tokens-list b")
    write(tab, "abc")
    assert tab.inner_text("#tokens-figures-6").startswith(
        "3 tokens"
    )  # the checkpoint's


@pytest.mark.spec("SEQ-248", "learnt no more than these")
def test_the_first_merges_cut_as_a_tokenizer_that_learnt_no_more(browser, url):
    tab = browser.open(url + "#tokens")
    text = EXAMPLES["words that no story has"] + " and the cat said that she was sad"
    write(tab, text)
    whole = BPETokenizer.train([embedded_text()], 1024)
    for count in (0, 1, 57, 300, len(whole.merges)):
        move(tab, "tokens-count", count)
        some = BPETokenizer.from_merges(whole.merges[:count], whole.split)
        assert strip(tab, "tokens-merged") == pieces(some, text)
        assert f"{len(some.encode(text))} tokens" in tab.inner_text("#tokens-merge")
    tab.select_option("#tokens-which", "tokens-strip-3")  # 288 ids
    few = whole.merges[:32]
    ranks = tab.eval_on_selector_all(
        "#tokens-merges button", "all => all.map(b => Number(b.dataset.rank))"
    )
    firsts = [BPETokenizer.from_merges(few[:n], whole.split) for n in range(33)]
    lengths = [len(one.encode(text)) for one in firsts]
    falls = [n for n in range(32) if lengths[n + 1] < lengths[n]]
    assert ranks == falls
    move(tab, "tokens-count", 32)
    tab.click("#tokens-back")
    assert tab.input_value("#tokens-count") == str(falls[-1])
    tab.click("#tokens-next")
    assert tab.input_value("#tokens-count") == str(falls[-1] + 1)


def test_the_arrow_keys_tell_id_and_bytes_and_mark_the_others(browser, url):
    tab = browser.open(url + "#tokens")
    write(tab, "caf\u00e9 au lait")
    tab.focus("#tokens-strip-0 .token >> nth=0")
    for _ in range(3):
        tab.keyboard.press("ArrowRight")
    assert tab.inner_text("#tokens-detail") == "bytes: id 195 “\\xc3”, bytes c3"
    own = from_dict(Tokenizers().start()["tokenizers"][5]["values"])
    marked = tab.inner_text("#tokens-strip-5 .marked")
    (holder,) = [
        t for t in pieces(own, "caf\u00e9 au lait") if "\\xc3" in t or "é" in t
    ]
    assert marked == holder
    assert (
        tab.eval_on_selector_all("#tokens-strip-0 [tabindex='0']", "all => all.length")
        == 1
    )


@pytest.mark.spec("SEQ-249", "A file that is no text")
def test_a_visitor_learns_byte_pairs_from_a_text_and_a_file(browser, url, tmp_path):
    tab = browser.open(url + "#tokens")
    text = "she sells sea shells by the sea shore, she sells sea shells"
    write(tab, text)
    tab.click("#tokens-learn")
    wait_for(tab, lambda: tab.query_selector("#tokens-strip-own .token") is not None)
    size = int(tab.inner_text("label:has(#tokens-size) output"))
    learnt = BPETokenizer.train([text], size)
    assert strip(tab, "tokens-strip-own") == pieces(learnt, text)
    picture = tmp_path / "picture.txt"
    picture.write_bytes(b"\x89PNG\r\n\x1a\n\xff\xfe")
    tab.set_input_files("#tokens-file", picture)
    wait_for(tab, lambda: tab.is_visible("#problem"))
    assert "picture.txt" in tab.inner_text("#problem")
    notes = tmp_path / "notes.txt"
    notes.write_text("tell me, tell me, tell me")
    tab.set_input_files("#tokens-file", notes)
    wait_for(tab, lambda: "notes.txt" in tab.inner_text("#tokens-list"))
    learnt = BPETokenizer.train([notes.read_text()], size)
    assert strip(tab, "tokens-strip-own") == pieces(learnt, text)
    tab.press("#tokens-size", "End")
    assert tab.inner_text("label:has(#tokens-size) output") == "4,096"
    tab.click("#tokens-learn")
    wait_for(tab, lambda: "characters of your text" in tab.inner_text("#tokens-list"))


@pytest.mark.spec("SEQ-247", "also in a saved page")
def test_a_saved_page_cuts_what_is_typed(browser, tmp_path):
    panels = Panels(tmp_path)
    address = saved(panels.page(panels.tokenizers), tmp_path / "page.html")
    tab = browser.open(address + "#tokens", NARROW)
    assert sideways(tab) == 0
    write(tab, "typed into a file")
    for at in (0, 3, 5):
        own = from_dict(Tokenizers().start()["tokenizers"][at]["values"])
        assert strip(tab, f"tokens-strip-{at}") == pieces(own, "typed into a file")
    assert not tab.query_selector("#tokens-learn")


def label(tab, name="evolution") -> str:
    """What a chart tells who cannot see it."""
    return tab.get_attribute(f"#{name}-chart", "aria-label")


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
    tab = browser.open(url + "#evolution")
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
    said = label(tab)
    for row in results.rows:
        assert f"{row.entry}, {row.recipe} ends at {row.bpb:.4g}".rstrip("0") in said
    tab.click("label:has(#evolution-seeds)")
    said = label(tab)
    for one in results.runs:
        assert f"{one.entry}, {one.recipe}, seed {one.seed} ends at" in said


@pytest.mark.spec("SEQ-250", "the rows that are ticked")
def test_rows_metrics_and_axes_are_chosen(browser, url, made):
    _, results = made
    tab = browser.open(url + "#evolution")
    tab.click("#evolution-none")
    assert "nothing yet" in tab.text_content("#evolution-chart")
    tab.click("label:has(#evolution-row-1)")
    assert tab.eval_on_selector_all("#evolution-chart .curve", ENDS) == ["rnn, modern"]
    tab.select_option("#evolution-axis", "seconds")
    mine = [r for r in results.runs if (r.entry, r.recipe) == ("rnn", "modern")]
    ends = [r.curve[-1][0] / r.tokens_per_cpu_second for r in mine]
    tab.focus("#evolution-chart")  # tells the last point
    _, _, told = tab.inner_text("#panel-evolution output").rpartition(" at ")
    assert number(told) == pytest.approx(statistics.fmean(ends), rel=1e-3)
    tab.select_option("#evolution-metric", "loss, validation")
    loss = statistics.fmean(r.loss for r in mine)
    assert f"rnn, modern ends at {loss:.4g}" in label(tab)
    assert "<b>best</b>" in tab.inner_text("#evolution-about")  # text, not HTML


def test_a_damaged_result_is_a_sentence_on_the_page(browser, url, made):
    broken = made[0].evolution.runs / "broken"
    broken.mkdir()
    (broken / "results.json").write_text('{"bench": "<b>"}')
    tab = browser.open(url + "#evolution")
    tab.select_option("#evolution-source", "broken")
    wait_for(tab, lambda: tab.is_visible("#problem"))
    assert "broken/results.json is not what" in tab.inner_text("#problem")
    tab.select_option("#evolution-source", "bench")
    wait_for(tab, lambda: not tab.is_visible("#problem"))
    (broken / "results.json").unlink()


@pytest.mark.spec("SEQ-251", "also in a saved page")
def test_a_saved_page_has_the_published_table(browser, made, tmp_path):
    panels, _ = made
    page = panels.page(panels.evolution)
    address = saved(page, tmp_path / "page.html") + "#evolution"
    tab = browser.open(address, NARROW)
    tab.select_option("#evolution-source", "published")
    wait_for(tab, lambda: "GRU 2014" in tab.inner_text("#evolution-table"))
    assert sideways(tab) == 0
    table = panels.evolution.table("published")
    known = sorted(row["values"]["bpb"] for row in table["rows"])
    assert column(tab, "bits per byte") == known
    assert tab.input_value("#evolution-axis") == "rate"
    tab.click("#evolution-all")
    lines = tab.eval_on_selector_all("#evolution-chart .curve", ENDS)
    assert len(lines) == len(table["rows"])


def votes_agree(tab, attempts):
    """The slider from 1 to the last answer, against the library; gives the votes."""
    answers = [one["answer"] for one in attempts]
    for n, (said, shown) in enumerate(tab.evaluate(VOTES, len(answers)), 1):
        vote = majority(answers[:n])
        assert f"the vote of {n} is {vote or 'none'}" in said
        known = {one: answers[:n].count(one) for one in answers[:n] if one is not None}
        assert {name: int(number(votes)) for name, votes in shown} == known
        assert not shown or shown[0][0] == vote
    return {majority(answers[: n + 1]) for n in range(len(answers))}


@pytest.mark.spec("SEQ-253", "that of `majority`")
def test_the_vote_of_the_first_n_is_that_of_the_library(browser, url, made):
    panel = made[0].scaling
    tab = browser.open(url + "#scaling")
    best = panel.runs / "sums" / "checkpoints" / "supervised.pt"
    questions = panel.problems("sums, supervised")["questions"]
    seen = set()
    for question in questions[:3]:
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
    tab = browser.open(url + "#scaling")
    tab.fill("#scaling-own", "<b>two</b>")
    tab.click("#scaling-ask")
    wait_for(tab, lambda: tab.is_visible("#problem"))
    assert "<b>two</b>" in tab.inner_text("#problem")
    tab.fill("#scaling-own", "4+3")
    tab.click("#scaling-ask")
    wait_for(tab, lambda: tab.inner_text("#scaling-verdict").startswith("4+3"))
    assert not tab.is_visible("#problem")
    assert tab.input_value("#scaling-problem") == ""  # none of those offered


@pytest.mark.spec("SEQ-252", "while the visitor waits")
def test_a_measurement_fills_the_curves(browser, url, made):
    tab = browser.open(url + "#scaling")
    move(tab, "scaling-problems", 10)
    tab.click("#scaling-measure")
    wait_for(tab, lambda: "10 test problems" in tab.inner_text("#scaling-title"))
    (*_, last) = made[0].scaling.measure("sums, supervised", problems=10)
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
    assert label(tab, "scaling").count("ends at") == 3
    tab.click("label:has(#scaling-intervals)")
    assert label(tab, "scaling").count("ends at") == 9
    move(tab, "scaling-problems", 500)
    tab.focus("#scaling-measure")
    tab.evaluate("document.activeElement.click(); document.activeElement.click()")
    wait_for(tab, lambda: tab.inner_text("#scaling-measure") == "measure")  # stopped
    assert tab.evaluate("document.activeElement.id") == "scaling-measure"
    assert "10 test problems" in tab.inner_text("#scaling-title")


@pytest.mark.spec("SEQ-254", "also in a saved page")
def test_a_saved_page_keeps_the_votes_and_one_without_a_model_the_command(
    browser, made, tmp_path
):
    panels = made[0]
    page = panels.page(panels.scaling)
    address = saved(page, tmp_path / "page.html") + "#scaling"
    tab = browser.open(address, NARROW)
    assert sideways(tab) == 0
    question = tab.input_value("#scaling-problem")
    votes_agree(tab, panels.scaling.answers("sums, supervised", question)["attempts"])
    tab.click("#scaling-measure")
    wait_for(tab, lambda: "test problems" in tab.inner_text("#scaling-title"))
    none = Panels(tmp_path / "nothing")
    bare = saved(none.page(none.scaling), tmp_path / "bare.html")
    tab = browser.open(bare + "#scaling")
    said = tab.inner_text("#scaling-missing")
    assert "scripts/train.py --config configs/reason_addition.yaml" in said
