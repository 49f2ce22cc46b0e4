"""BPE against Hugging Face, tiktoken and a plain recount."""

import copy
import json
import pickle
from collections import Counter
from functools import cache
from itertools import pairwise

import numpy as np
import pytest

from src.tokenizers import BPETokenizer, bpe, bpe_merge, load_gpt2, save_gpt2
from src.tokenizers.bpe_train import learn_merges
from src.tokenizers.gpt2_symbols import to_symbols
from src.tokenizers.presplit import split
from tests.fuzzed_text import fuzzed
from tests.test_tokenizers_presplit import PUBLISHED


NEEDS_HF = "Hugging Face's tokenizers are the reference"
SPECIALS = ["<|eos|>", "<|pad|>"]


@cache
def trained(kind: str) -> BPETokenizer:
    return BPETokenizer.train(fuzzed(3000, seed=3), 700, kind, SPECIALS)


def hugging_face(kind: str, vocab: dict, merges: list):
    hf = pytest.importorskip("tokenizers", reason=NEEDS_HF)
    tokenizer = hf.Tokenizer(hf.models.BPE(vocab, merges))
    cut = hf.pre_tokenizers.Split(hf.Regex(PUBLISHED[kind]), "isolated")
    symbols = hf.pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.pre_tokenizer = hf.pre_tokenizers.Sequence([cut, symbols])
    return tokenizer


def hugging_face_of(ours: BPETokenizer, kind: str):
    symbols = [to_symbols(piece) for piece in ours.token_bytes()]
    vocab = {s: i for i, s in enumerate(symbols) if s}
    return hugging_face(kind, vocab, [(symbols[a], symbols[b]) for a, b in ours.merges])


def recounted(texts: list[str], kind: str, count: int) -> list[tuple[bytes, bytes]]:
    """Merges as one writes them first: all pairs are counted anew for each."""
    chunks = Counter(chunk for text in texts for chunk in split(text, kind))
    words = [([bytes([b]) for b in c.encode()], n) for c, n in chunks.items()]
    order = [bytes([b]) for b in bpe.BYTE_ORDER]
    merges = []
    while len(merges) < count:
        pairs = Counter()
        for word, n in words:
            for pair in pairwise(word):
                pairs[pair] += n
        if max(pairs.values(), default=0) < 2:
            break
        best = min(
            pairs, key=lambda p: (-pairs[p], order.index(p[0]), order.index(p[1]))
        )
        merges.append(best)
        order.append(best[0] + best[1])
        words = [(joined(word, best), n) for word, n in words]
    return merges


def joined(word: list[bytes], pair: tuple[bytes, bytes]) -> list[bytes]:
    out, i = [], 0
    while i < len(word):
        width = 2 if tuple(word[i : i + 2]) == pair else 1
        out.append(b"".join(word[i : i + width]))
        i += width
    return out


@pytest.mark.spec("SEQ-002", "of a plain recount after each merge")
@pytest.mark.parametrize("kind", PUBLISHED)
@pytest.mark.parametrize(
    "texts",
    [
        fuzzed(60, seed=4),
        ["aaaaaaa aaaaa aaa aa a", "abababab ababab", "bbaabbaa baab"],
        ["aaaaaaaaaaaaaaaaa" * 3, "aaaaaaaaaaa", "aaaaaaa", "aaaaa"],
    ],
    ids=["fuzz", "overlaps", "one letter"],
)
def test_merges_are_those_of_a_recount(kind, texts):
    ours = BPETokenizer.train(texts, 340, kind)
    pieces = ours.token_bytes()
    found = [(pieces[a], pieces[b]) for a, b in ours.merges]
    assert found == recounted(texts, kind, 84)
    assert len(set(pieces)) == len(pieces)


@pytest.mark.spec("SEQ-002", "of Hugging Face's trainer")
@pytest.mark.parity("BPE, training", "tokenizers.trainers.BpeTrainer")
@pytest.mark.parametrize("kind", PUBLISHED)
def test_merges_and_ids_are_those_of_hugging_faces_trainer(parity, kind):
    ours, texts = trained(kind), fuzzed(3000, seed=3)
    byte_ids = {to_symbols(bytes([b])): i for i, b in enumerate(bpe.BYTE_ORDER)}
    reference = hugging_face(kind, byte_ids, [])
    hf = pytest.importorskip("tokenizers", reason=NEEDS_HF)
    trainer = hf.trainers.BpeTrainer(
        vocab_size=ours.vocab_size - len(SPECIALS),
        min_frequency=2,
        initial_alphabet=hf.pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    reference.train_from_iterator(texts, trainer)
    model = json.loads(reference.to_str())["model"]
    symbols = [to_symbols(piece) for piece in ours.token_bytes()]
    pairs = [tuple(m if isinstance(m, list) else m.split(" ")) for m in model["merges"]]
    assert pairs == [(symbols[a], symbols[b]) for a, b in ours.merges]
    vocab = {s: i for i, s in enumerate(symbols) if s}
    parity.value(vocab, model["vocab"], atol=0)
    assert len(pairs) == 700 - 256 - len(SPECIALS)


@pytest.mark.spec("SEQ-002", "the smaller left id, then the smaller right id")
def test_ties_go_to_the_smaller_ids():
    assert learn_merges([([7, 5, 9], 2), ([5, 8], 2)], 2) == [(5, 8), (5, 9)]
    assert learn_merges([([6, 4], 2), ([5, 4], 2)], 1) == [(5, 4)]
    assert learn_merges([([6, 4], 3), ([5, 4], 2)], 1) == [(6, 4)]


@pytest.mark.spec("SEQ-002", "ends when no pair occurs twice")
def test_training_ends_when_no_pair_occurs_twice():
    ours = BPETokenizer.train(["abab xyz"], 1024)
    assert [ours.token_bytes()[i] for i in range(256, ours.vocab_size)] == [b"ab"]


@pytest.mark.spec("SEQ-003", "those of Hugging Face and of tiktoken")
@pytest.mark.parity("BPE, encoding", "tokenizers.models.BPE")
@pytest.mark.parametrize("kind", PUBLISHED)
def test_ids_are_those_of_hugging_face(parity, kind):
    ours = trained(kind)
    reference = hugging_face_of(ours, kind)
    texts = fuzzed(3000, seed=5)
    found = reference.encode_batch(texts)
    ids = [np.array(ours.encode(text)) for text in texts]
    parity.value(ids, [np.array(f.ids) for f in found], atol=0)


@pytest.mark.spec("SEQ-003", "those of Hugging Face and of tiktoken")
@pytest.mark.parity("BPE, encoding", "tiktoken.Encoding")
@pytest.mark.parametrize("kind", PUBLISHED)
def test_ids_are_those_of_tiktoken(parity, kind):
    tiktoken = pytest.importorskip("tiktoken", reason="the other reference")
    ours = trained(kind)
    ranks = {piece: i for i, piece in enumerate(ours.token_bytes()) if piece}
    reference = tiktoken.Encoding(
        "ours",
        pat_str=PUBLISHED[kind],
        mergeable_ranks=ranks,
        special_tokens=ours.specials,
    )
    found, wanted = [], []
    for text in fuzzed(3000, seed=6):
        found.append(np.array(ours.encode(text)))
        wanted.append(np.array(reference.encode_ordinary(text)))
        for allowed in ({"<|eos|>"}, "all"):
            theirs = reference.encode(
                text, allowed_special=allowed, disallowed_special=()
            )
            assert ours.encode(text, allowed) == theirs
    parity.value(found, wanted, atol=0)


@pytest.mark.spec("SEQ-003", "short and long")
@pytest.mark.parametrize("unit", ["a", "ab", "aab", "the", "=", "é"])
def test_long_chunks_have_the_ids_of_hugging_face(unit):
    ours = BPETokenizer.train([unit * 40, "aaa aabaab ththe ==== éé"] * 2, 280, "gpt2")
    reference = hugging_face_of(ours, "gpt2")
    for size in (bpe_merge.LONG - 1, bpe_merge.LONG, bpe_merge.LONG + 1, 3001):
        text = (unit * size)[:size]
        assert ours.encode(text) == reference.encode(text).ids


@pytest.mark.spec("SEQ-003", "short and long")
def test_both_ways_to_merge_give_the_same_ids():
    ours = trained("gpt4")
    for text in fuzzed(300, seed=7):
        start = [ours._byte_ids[b] for b in text.encode()]
        args = start, ours._ranks, ours._made
        assert bpe_merge.merge_short(*args) == bpe_merge.merge_long(*args)


@pytest.mark.spec("SEQ-003", "The cache of chunks is bounded")
def test_a_full_cache_changes_no_id(monkeypatch):
    ours = copy.deepcopy(trained("gpt4"))
    texts = fuzzed(50, seed=8)
    expected = [ours.encode(text) for text in texts]
    monkeypatch.setattr(bpe, "CACHED_CHUNKS", 5)
    ours._cache.clear()
    for text, ids in zip(texts, expected, strict=True):
        assert ours.encode(text) == ids
        assert len(ours._cache) <= 5
    ours.encode("x" * 1000)
    assert "x" * 1000 not in ours._cache


@pytest.mark.parametrize(
    "copied", [copy.deepcopy, lambda t: pickle.loads(pickle.dumps(t))]
)
def test_a_copy_goes_its_own_way(copied):
    ours = BPETokenizer.train(["the then them"], 262)
    ours.encode("the")
    again = copied(ours)
    assert again.encode("then them") == ours.encode("then them")
    assert again._cache is not ours._cache


@pytest.mark.spec("SEQ-004", "Hugging Face reads what we wrote to the same ids")
def test_gpt2s_files_are_written_and_read_with_their_ids(tmp_path):
    hf = pytest.importorskip("tokenizers", reason=NEEDS_HF)
    ours = trained("gpt2")
    save_gpt2(ours, tmp_path)
    files = [str(tmp_path / name) for name in ("vocab.json", "merges.txt")]
    reference = hf.ByteLevelBPETokenizer(*files)
    again = load_gpt2(tmp_path)
    assert again.to_dict() == ours.to_dict()
    for text in fuzzed(500, seed=9):
        if not any(name in text for name in SPECIALS):
            assert again.encode(text) == reference.encode(text).ids


@pytest.mark.spec("SEQ-004", "any order of ids")
def test_files_of_another_trainer_are_read_with_their_ids(tmp_path):
    hf = pytest.importorskip("tokenizers", reason=NEEDS_HF)
    reference = hf.ByteLevelBPETokenizer()
    reference.train_from_iterator(
        fuzzed(500, seed=10), 600, special_tokens=["<s>", "</s>"], show_progress=False
    )
    reference.save_model(str(tmp_path))
    (tmp_path / "vocab.json").rename(tmp_path / "encoder.json")
    (tmp_path / "merges.txt").rename(tmp_path / "vocab.bpe")
    ours = load_gpt2(tmp_path)
    assert ours.specials == {"<s>": 0, "</s>": 1}
    for text in fuzzed(500, seed=11):
        assert ours.encode(text) == reference.encode(text).ids
        assert ours.decode(ours.encode(text)) == text


def test_tokens_of_a_vocabulary_are_ids_in_order_of_learning():
    pieces = trained("gpt4").token_bytes()
    assert pieces[:3] == [b"!", b'"', b"#"]
    assert pieces[bpe.BYTE_ORDER.index(32)] == b" "
    assert [len(p) for p in pieces[:256]] == [1] * 256
    assert min(len(p) for p in pieces[256:-2]) >= 2
    assert pieces[-2:] == [b""] * 2
