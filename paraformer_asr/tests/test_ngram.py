"""N-gram models: the definition of Kneser-Ney, sums, and ARPA files with faults."""

import math
import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.decoding.ngram import NGram, TokenLm, words_of
from src.utils.errors import InputError


WORDS = "abcde"
TEXTS = st.lists(st.lists(st.sampled_from(WORDS), max_size=7), min_size=1, max_size=25)
ORDERS = st.integers(1, 4)
LONG = [
    [WORDS[(i * i + j * (i % 3 + 1)) % 5] for j in range(3 + i % 6)] for i in range(40)
]


def defined(texts, order, history, word):
    """p(word | history) by Chen & Goodman's definition, counted anew each time."""
    padded = [["<s>", *text, "</s>"] for text in texts]

    def runs(size):
        return Counter(
            tuple(text[i : i + size])
            for text in padded
            for i in range(len(text) - size + 1)
            if (size, text[i]) != (1, "<s>")
        )

    def adjusted(size):
        if size == order:
            return runs(size)
        before = Counter(gram[1:] for gram in runs(size + 1))
        return before + Counter(
            {gram: c for gram, c in runs(size).items() if gram[0] == "<s>"}
        )

    def p(history, word):
        if len(history) == 0 and word is None:
            vocabulary = {w for text in padded for w in text[1:]} | {"<unk>"}
            return 1 / len(vocabulary)
        counts = adjusted(len(history) + 1)
        shorter = p(history[1:], word) if history else p((), None)
        row = {gram[-1]: c for gram, c in counts.items() if gram[:-1] == history}
        if not row:
            return shorter
        d = discounts(counts)
        taken = sum(d[min(c, 3)] for c in row.values())
        own = row.get(word, 0)
        kept = own - d[min(own, 3)] if own else 0
        return (kept + taken * shorter) / sum(row.values())

    return p(tuple(history)[max(0, len(history) - order + 1) :], word)


def discounts(counts):
    n1, n2, n3, n4 = (sum(c == k for c in counts.values()) for k in (1, 2, 3, 4))
    if n1 and n2 and n3:
        y = n1 / (n1 + 2 * n2)
        d = [1 - 2 * y * n2 / n1, 2 - 3 * y * n3 / n2, 3 - 4 * y * n4 / n3]
        if 0 < d[0] < 1 and 0 < d[1] < 2 and 0 < d[2] < 3:
            return [0, *d]
    return [0, 0.5, 1, 1.5]


@pytest.mark.spec("ASR-096", "modified Kneser-Ney as it is defined")
@pytest.mark.parity("n-gram model, modified Kneser-Ney", "Chen & Goodman 1999")
@pytest.mark.parametrize("order", [1, 2, 3])
def test_probabilities_are_those_of_the_definition(parity, order):
    model = NGram.train(LONG, order)
    histories = [(), ("<s>",), ("<s>", "a"), ("a",), ("b", "c"), ("e", "e")]
    for history in histories:
        for word in [*WORDS, "</s>", "<unk>"]:
            wanted = defined(LONG, order, history, word)
            parity.value(model.score(history, word), math.log(wanted), atol=1e-10)


@pytest.mark.spec("ASR-096", "modified Kneser-Ney as it is defined")
def test_some_text_has_discounts_of_its_own():
    draw = random.Random(0)
    texts = [[str(int(draw.expovariate(0.3))) for _ in range(8)] for _ in range(60)]
    runs = Counter(
        pair for t in texts for pair in zip(["<s>", *t], [*t, "</s>"], strict=True)
    )
    assert discounts(runs) != [0, 0.5, 1, 1.5]
    model = NGram.train(texts, 2)
    for history, word in [("0", "1"), ("3", "0"), ("7", "9"), ("<s>", "2")]:
        wanted = defined(texts, 2, (history,), word)
        assert model.score((history,), word) == pytest.approx(math.log(wanted), 1e-9)


@pytest.mark.spec("ASR-096", "what was seen keeps some of its own probability")
def test_a_discount_never_takes_all_that_was_seen():
    model = NGram.train([["a", "b"], ["a", "b", "a", "b"], ["?"]], 2)
    assert model.score(["a"], "b") > math.log(0.5)  # by formula all three are taken


@pytest.mark.spec("ASR-096", "sum to one behind every history")
@given(TEXTS, ORDERS, st.lists(st.sampled_from([*WORDS, "?", "<s>"]), max_size=4))
def test_probabilities_sum_to_one(texts, order, history):
    model = NGram.train(texts, order)
    histories = [tuple(history), *model.backoffs]
    for given_history in histories:
        total = sum(math.exp(model.score(given_history, word)) for word in model.words)
        assert total == pytest.approx(1, abs=1e-9)


@pytest.mark.spec("ASR-096", "A word that it never saw has the probability of <unk>")
def test_unknown_words_are_one_word():
    model = NGram.train([["a", "b"]], 2)
    assert model.score(["?"], "!") == model.score(["<unk>"], "<unk>") > -10
    assert model.score(["a"], "?") > -10


@pytest.mark.parametrize("texts, order, told", [
    ([], 3, "no text"),
    ([["a", "</s>"]], 3, "text 1 has the word </s>"),
    ([["a"]], 0, "order = 0"),
])  # fmt: skip
def test_what_cannot_be_learnt_from_is_refused(texts, order, told):
    with pytest.raises(InputError, match=told):
        NGram.train(texts, order)


@pytest.mark.spec("ASR-097", "gives the same scores to 1e-6 of each word")
@given(TEXTS, ORDERS)
def test_a_model_comes_back_from_its_file(tmp_path_factory, texts, order):
    model = NGram.train(texts, order)
    path = tmp_path_factory.mktemp("lm") / "lm.arpa"
    model.write(path)
    read = NGram.read(path)
    assert read.order == order
    for text in [*texts, ["?", "a"]]:
        wanted = model.score_text(text)
        assert read.score_text(text) == pytest.approx(
            wanted, abs=2e-6 * len(text) + 2e-6
        )


SMALL = """Made by hand.

\\data\\
ngram 1=4
ngram 2=2

\\1-grams:
-0.5 <s> -0.25
-0.75\tone -0.125
-1 two
-1.5\t</s>

\\2-grams:
-0.1\t<s> one
-0.2 one two

\\end\\
"""


@pytest.mark.spec("ASR-097", "A file of another program is read")
def test_a_file_with_spaces_and_a_comment_is_read(tmp_path):
    path = tmp_path / "small.arpa"
    path.write_text(SMALL)
    model = NGram.read(path)
    scores = [
        model.score(["<s>"], "one"),
        model.score(["<s>"], "two"),
        model.score(["one"], "one"),
        model.score(["two"], "</s>"),
        model.score([], "?"),
    ]
    wanted = [-0.1, -0.25 - 1, -0.125 - 0.75, -1.5, -99]
    assert [s / math.log(10) for s in scores] == pytest.approx(wanted)


FAULTS = {
    "no arpa": (lambda text: "hello\n", ":1: no line"),
    "empty": (lambda text: "", ":1: no line"),
    "cut off": (lambda text: text[: text.index("\\end")], ":15: the file ends without"),
    "count": (lambda text: text.replace("ngram 2=2", "ngram 2=3"), ":17: 2 grams of 2"),
    "twice": (lambda text: text.replace("one two", "<s> one"), ":15: <s> one is there"),
    "fields": (lambda text: text.replace("-1 two", "-1"), ":10: 1 fields"),
    "word": (lambda text: text.replace("-0.2 one two", "-0.2 one"), ":15: 2 fields"),
    "number": (lambda text: text.replace("-1 two", "x two"), ":10: 'x' is no number"),
    "positive": (lambda text: text.replace("-1 two", "0.5 two"), ":10: log10 p is 0.5"),
    "nan": (lambda text: text.replace("-1 two", "nan two"), ":10: log10 p is nan"),
    "weight": (lambda text: text.replace("-0.25", "inf"), ":8: log10 p is -0.5"),
    "section": (lambda text: text.replace("\\2-g", "\\3-g"), ":13: .3-grams: where"),
    "order": (lambda text: text.replace("ngram 2=2\n", ""), ":12: .2-grams: where"),
    "sizes": (lambda text: text.replace("ngram 1=4", "ngram 1=x"), ":4: 'ngram 1=x'"),
}


@pytest.mark.spec("ASR-098", "names the file and the line")
@pytest.mark.parametrize("fault", FAULTS)
def test_a_damaged_file_is_refused_with_its_line(tmp_path, fault):
    spoil, told = FAULTS[fault]
    path = tmp_path / "bad.arpa"
    path.write_text(spoil(SMALL))
    with pytest.raises(InputError, match="bad.arpa" + told):
        NGram.read(path)


@pytest.mark.spec("ASR-098", "names the file and the line")
def test_what_is_no_text_or_no_file_is_refused(tmp_path):
    path = tmp_path / "lm.arpa.gz"
    path.write_bytes(b"\x1f\x8b\x08\x00\xff\xfe")
    with pytest.raises(InputError, match="lm.arpa.gz:1: is not UTF-8"):
        NGram.read(path)
    with pytest.raises(InputError, match="nowhere: cannot be read"):
        NGram.read(tmp_path / "nowhere")
    with pytest.raises(InputError, match="cannot be read"):
        NGram.read(tmp_path)


def test_a_word_with_white_space_is_not_written(tmp_path):
    with pytest.raises(InputError, match="cannot hold"):
        NGram.train([["a b"]], 1).write(tmp_path / "x.arpa")


@pytest.mark.spec("ASR-097", "weight times log p of each token and of the end")
@pytest.mark.parametrize("order", [1, 2, 4])
def test_a_token_lm_scores_as_the_model_does(order):
    pieces = ["<blank>", "<unk>", "<sos>", "<eos>", "a", "b", " "]
    tokens = [4, 6, 5, 5, 1, 4]
    words = words_of(pieces[token] for token in tokens)
    model = NGram.train([["a", "▁", "b"], ["b", "b", "a"]], order)
    lm = TokenLm(model, pieces, weight=0.3, bonus=0.7)
    state, total = lm.start(), 0.0
    for token in tokens:
        state, added = lm.step(state, token)
        total += added
    total += lm.finish(state)
    assert total == pytest.approx(0.3 * model.score_text(words) + 0.7 * len(tokens))
