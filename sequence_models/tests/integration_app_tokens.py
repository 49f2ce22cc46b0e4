"""The tokenizers in Chromium: what they cut against the library, live and saved."""

import random

import pytest

from src.app.page import Page
from src.app.tokenizers import EXAMPLES, Tokenizers, embedded_text
from src.tokenizers import (
    BPETokenizer,
    ByteTokenizer,
    CharTokenizer,
    WordTokenizer,
    from_dict,
)
from src.tokenizers.show import visible
from src.utils.errors import InputError
from tests.browser import (  # noqa: F401
    NARROW,
    launched,
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


def page(own=None) -> Page:
    panel = Tokenizers(own)
    calls = {"tokens/start": panel.start, "tokens/learn": panel.learn}
    return Page("t", "s", calls, exported=panel.exported)


@pytest.fixture(scope="module")
def url():
    with serving(page(CharTokenizer.train(["abc<"], ["<|bos|>"]))) as address:
        yield address + "#tokens"


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
    texts = ["".join(draw.choices(PARTS, k=draw.randint(0, 10))) for _ in range(250)]
    names = ["<|a|>", "<|a|>b"]
    made = [
        *(from_dict(one["values"]) for one in Tokenizers().start()["tokenizers"]),
        BPETokenizer.train(texts * 2, 600, "gpt2", names),
        BPETokenizer.train(texts * 2, 600, "gpt4", names),
        CharTokenizer.train(texts[:40], names),
        WordTokenizer.train(texts[:100], names),
        ByteTokenizer(names),
    ]
    tab = browser.open(url)
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
    assert 100 < refused < len(made) * len(texts) / 2


@pytest.mark.spec("SEQ-247", "its own sentence")
def test_a_typed_text_is_cut_once_a_tokenizer(browser, url):
    tab = browser.open(url)
    text = "a story <b>bold</b>\ncaf\u00e9"
    write(tab, text)
    given = Tokenizers().start()["tokenizers"]
    for number, one in enumerate(given):
        tokenizer = from_dict(one["values"])
        figures = tab.inner_text(f"#tokens-figures-{number}")
        if tokenizer.kind in ("char", "word"):
            assert figures == "" and strip(tab, f"tokens-strip-{number}") == []
            continue
        shown = pieces(tokenizer, text)
        assert strip(tab, f"tokens-strip-{number}") == shown
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
    tab = browser.open(url)
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
    tab = browser.open(url)
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
    tab = browser.open(url)
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


@pytest.mark.spec("SEQ-247", "also in a saved page")
def test_a_saved_page_cuts_what_is_typed(browser, tmp_path):
    tab = browser.open(saved(page(), tmp_path / "page.html") + "#tokens", NARROW)
    assert sideways(tab) == 0
    write(tab, "typed into a file")
    for number in (0, 3, 5):
        own = from_dict(Tokenizers().start()["tokenizers"][number]["values"])
        assert strip(tab, f"tokens-strip-{number}") == pieces(own, "typed into a file")
    assert not tab.query_selector("#tokens-learn")
