"""Pieces and ids: what goes in comes out, and what is not known is named."""

import json
from collections import Counter

import pytest

from src.tokenizers import (
    SPECIALS,
    BPETokenizer,
    CharTokenizer,
    TokenizerConfig,
    UnknownPiece,
    WordTokenizer,
    build_tokenizer,
    from_dict,
    load_tokenizer,
    save_tokenizer,
)
from src.utils.errors import InputError


hypothesis = pytest.importorskip("hypothesis", reason="draws texts")
given, st = hypothesis.given, hypothesis.strategies

TEXTS = ["the cat sat on the mat", "that cat that hat", "a cat's hat", "hot hat"]
KINDS = ["char", "word", "bpe"]


def build(kind, texts=TEXTS, **keys):
    return build_tokenizer(TokenizerConfig(kind, **keys), texts)


@pytest.mark.spec("ASR-020", "Ids 0 to 3 are <blank>, <unk>, <sos> and <eos>")
@pytest.mark.parametrize("kind", KINDS)
def test_special_ids_come_first(kind):
    tokenizer = build(kind)
    assert tuple(tokenizer.pieces[:4]) == SPECIALS
    assert tokenizer.vocab_size == len(tokenizer.pieces) == len(set(tokenizer.pieces))
    assert min(tokenizer.encode("the cat")) >= 4


@pytest.mark.spec("ASR-020", "a text of known pieces comes back as it was normalised")
@pytest.mark.parametrize("kind", KINDS)
@given(
    words=st.lists(
        st.sampled_from("the cat sat on mat that a cat's hat hot".split()), max_size=9
    )
)
def test_texts_come_back(kind, words):
    tokenizer = build(kind)
    text = "  ".join(words).upper()
    assert tokenizer.decode(tokenizer.encode(text)) == " ".join(words)


def test_a_space_is_a_character():
    tokenizer = build("char")
    assert tokenizer.decode(tokenizer.encode("a cat")) == "a cat"
    assert len(tokenizer.encode("a cat")) == 5


def test_special_ids_are_not_text():
    tokenizer = build("word")
    cat = tokenizer.encode("cat")
    assert tokenizer.decode([2, *cat, 0, 0, 1, *cat, 3]) == "cat <unk> cat"
    with pytest.raises(ValueError, match="id 99: there are"):
        tokenizer.decode([99])
    with pytest.raises(ValueError, match="id -1"):
        tokenizer.decode([-1])


@pytest.mark.spec("ASR-022", "names the character with its code point, or the word")
@pytest.mark.parametrize(
    ("kind", "text", "named"),
    [
        ("char", "the xat", r"character 'x' \(U\+0078\) of 'the xat'"),
        ("char", "\u00e9t\u00e9", r"character '\u00e9' \(U\+00E9\)"),
        ("word", "the dog", "word 'dog' of 'the dog'"),
        ("bpe", "hut", r"character 'u' \(U\+0075\)"),
    ],
)
def test_unknown_pieces_are_named(kind, text, named):
    with pytest.raises(UnknownPiece, match=named):
        build(kind).encode(text)


@pytest.mark.spec("ASR-022", "or becomes id 1 where that is asked for")
@pytest.mark.parametrize("kind", KINDS)
def test_unknown_pieces_can_be_kept(kind):
    tokenizer = build(kind)
    ids = tokenizer.encode("cat zzz cat", "keep")
    assert ids.count(1) == (1 if kind == "word" else 3)
    assert "<unk>" in tokenizer.decode(ids)
    assert tokenizer.unknown_pieces("cat zzz cat") == ["zzz" if kind == "word" else "z"]


def naive_merges(texts, count):
    """BPE by counting every pair anew after each merge."""
    words = Counter(word for text in texts for word in text.split())
    cut = {word: ["\u2581", *word] for word in words}
    age = {
        piece: n for n, piece in enumerate(sorted({p for c in cut.values() for p in c}))
    }
    merges = []
    while len(merges) < count:
        pairs = Counter()
        for word, pieces in cut.items():
            for pair in zip(pieces, pieces[1:], strict=False):
                pairs[pair] += words[word]
        if not pairs or max(pairs.values()) < 2:
            break
        best = min(pairs, key=lambda p: (-pairs[p], age[p[0]], age[p[1]]))
        merges.append(best)
        age.setdefault("".join(best), len(age))
        for word, pieces in cut.items():
            cut[word] = join_pair(pieces, best)
    return merges, cut


def join_pair(pieces, pair):
    out = []
    for piece in pieces:
        if out and (out[-1], piece) == pair:
            out[-1] += piece
        else:
            out.append(piece)
    return out


@pytest.mark.spec("ASR-021", "the merges of a plain recount of all pairs")
@given(
    texts=st.lists(
        st.lists(st.text("abc", min_size=1, max_size=6), min_size=1, max_size=5).map(
            " ".join
        ),
        min_size=1,
        max_size=6,
    )
)
def test_bpe_is_a_plain_recount(texts):
    merges, cut = naive_merges(texts, 12)
    alphabet = {c for text in texts for c in text if c != " "} | {"\u2581"}
    tokenizer = BPETokenizer.train(texts, 4 + len(alphabet) + 12)
    assert list(tokenizer.merges) == merges
    for word, pieces in cut.items():
        ids = tokenizer.encode(word)
        assert [tokenizer.pieces[n] for n in ids] == pieces


def test_bpe_joins_overlapping_pairs_from_the_left():
    tokenizer = BPETokenizer.train(["aaaa aaaa aaa"], 4 + 2 + 1)
    assert tokenizer.merges == (("a", "a"),)
    cut = [tokenizer.pieces[n] for n in tokenizer.encode("aaaaa")]
    assert cut == ["\u2581", "aa", "aa", "a"]


@pytest.mark.spec("ASR-021", "no merge crosses a word")
def test_bpe_pieces_are_within_words():
    tokenizer = BPETokenizer.train(["go on go on go on"] * 9, 0)
    assert all("\u2581" not in piece[1:] for piece in tokenizer.pieces)


@pytest.mark.spec("ASR-021", "refuses a vocabulary without room for the characters")
def test_bpe_needs_room():
    with pytest.raises(
        InputError, match="vocab_size = 6: the characters .* alone are 9"
    ):
        build("bpe", ["abcd"], vocab_size=6)
    with pytest.raises(InputError, match="U\\+2581"):
        build("bpe", ["a\u2581b"], normalise="none")


@pytest.mark.spec("ASR-020", "Saved as JSON or carried in a checkpoint it is equal")
@pytest.mark.parametrize("kind", KINDS)
def test_saved_is_equal(kind, tmp_path):
    tokenizer = build(kind, normalise="english")
    path = tmp_path / "tokens.json"
    save_tokenizer(tokenizer, path)
    again = from_dict(json.loads(json.dumps(tokenizer.to_dict())))
    for other in (load_tokenizer(path), again, build(kind, file=str(path))):
        assert other.pieces == tokenizer.pieces
        assert other.rules == "english"
        assert other.encode("THE cat") == tokenizer.encode("the cat")


BAD = [
    {},
    [],
    {"kind": "char"},
    {"kind": "byte", "normalise": "lower", "pieces": ["a"]},
    {"kind": "char", "normalise": "upper", "pieces": ["a"]},
    {"kind": "char", "normalise": "lower", "pieces": []},
    {"kind": "char", "normalise": "lower", "pieces": ["a", "a"]},
    {"kind": "char", "normalise": "lower", "pieces": ["a", 5]},
    {"kind": "char", "normalise": "lower", "pieces": ["<blank>"]},
    {"kind": "word", "normalise": "lower", "pieces": "abc"},
    {"kind": "word", "normalise": "lower", "pieces": [""]},
    {"kind": "bpe", "normalise": "lower", "alphabet": ["a"], "merges": [["a", "b"]]},
    {"kind": "bpe", "normalise": "lower", "alphabet": ["a"], "merges": [["a"]]},
    {"kind": "bpe", "normalise": "lower", "alphabet": ["a"], "merges": 5},
]


@pytest.mark.spec("ASR-022", "A saved tokenizer that is damaged is refused")
@pytest.mark.parametrize("values", BAD, ids=range(len(BAD)))
def test_damaged_values_are_refused(values, tmp_path):
    path = tmp_path / "bad.json"
    path.write_text(json.dumps(values))
    with pytest.raises(InputError) as caught:
        load_tokenizer(path)
    assert "bad.json" in str(caught.value) or "needs pieces" in str(caught.value)


@pytest.mark.parametrize("data", [b"", b"{", b"\xff\xfe", b"[" * 100_000])
def test_files_that_are_no_json_are_refused(data, tmp_path):
    path = tmp_path / "bad.json"
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"bad\.json"):
        load_tokenizer(path)
    with pytest.raises(InputError, match=r"gone\.json: No such file"):
        load_tokenizer(tmp_path / "gone.json")


@pytest.mark.parametrize("kind", KINDS)
def test_no_text_is_refused(kind):
    for texts in ([], ["", " "], ["..."]):
        with pytest.raises(InputError):
            build(kind, texts)


def test_config_ranges():
    for keys in ({"vocab_size": -1}, {"vocab_size": 100}):
        with pytest.raises(ValueError, match="vocab_size"):
            TokenizerConfig("char", **keys)
    with pytest.raises(ValueError, match="vocab_size = 4: must be > 4"):
        TokenizerConfig("bpe", vocab_size=4)


def test_kinds_by_class():
    assert isinstance(build("char"), CharTokenizer)
    assert isinstance(build("word"), WordTokenizer)
    assert isinstance(build("bpe"), BPETokenizer)
