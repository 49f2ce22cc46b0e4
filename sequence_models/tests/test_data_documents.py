"""Documents with BOS: packed without loss, waste or leaks."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from src.data.documents import (
    BOS,
    PackedDocuments,
    best_fit,
    join_documents,
    split_documents,
)
from src.tokenizers import ByteTokenizer
from src.utils.errors import InputError
from tests.batches import check_pure, check_worker, whole


TOKENIZER = ByteTokenizer([BOS])
ID = TOKENIZER.specials[BOS]
LENGTHS = st.lists(st.integers(0, 30), min_size=1, max_size=25)


def numbered(lengths: list[int]) -> np.ndarray:
    """Documents behind BOS = 0 whose tokens are all different: 1, 2, 3, ..."""
    places = iter(range(1, sum(lengths) + 1))
    parts = [[0] + [next(places) for _ in range(n)] for n in lengths]
    return np.concatenate(parts).astype(np.int64)


def test_documents_are_joined_behind_bos():
    documents = split_documents("one\n\n\n\ntwo\nlines\n\n \n\n")
    assert documents == ["one", "two\nlines"]
    assert split_documents("one\r\n\r\ntwo\r\nlines") == ["one", "two\r\nlines"]
    ids = join_documents(documents, TOKENIZER)
    assert ids.tolist() == [ID, *b"one", ID, *b"two\nlines"]
    assert join_documents([f"{BOS}"], TOKENIZER).tolist() == [ID, *BOS.encode()]
    with pytest.raises(InputError, match="no documents"):
        join_documents([], TOKENIZER)


@pytest.mark.spec("SEQ-022", "every token is a target exactly once")
@pytest.mark.spec("SEQ-022", "the share of positions that hold nothing")
@given(LENGTHS, st.integers(1, 40))
def test_every_token_is_scored_once(lengths, block):
    tokens = numbered(lengths)
    packed = PackedDocuments(tokens, block, bos=0)
    batch = whole(packed)
    real = batch["targets"] != -100
    scored = sorted(batch["targets"][real].tolist())
    assert scored == sorted([*range(1, sum(lengths) + 1), *[0] * len(lengths)])
    assert sorted(batch["tokens"][real].tolist()) == sorted(tokens.tolist())
    assert packed.padding == pytest.approx((~real).double().mean().item(), abs=1e-12)
    assert torch.equal(batch["document"] == -1, ~real)
    assert (batch["tokens"][~real] == 0).all()


@pytest.mark.spec("SEQ-022", "no input or target comes from another document")
@given(LENGTHS, st.integers(1, 40))
def test_no_piece_sees_another_document(lengths, block):
    tokens = numbered(lengths).tolist()
    batch = whole(PackedDocuments(np.array(tokens), block, bos=0))
    owner = np.repeat(np.arange(len(lengths)), lengths)  # of the token 1, 2, ...
    rows = torch.stack(list(batch.values()), 1).tolist()
    for ids, targets, document in rows:
        pieces = [d for d in dict.fromkeys(document) if d >= 0]
        assert pieces == list(range(len(pieces)))
        for number in pieces:
            at = [i for i, d in enumerate(document) if d == number]
            assert at == list(range(at[0], at[0] + len(at)))
            inside = [ids[i] for i in at]
            assert 0 not in inside[1:]  # BOS stands first or nowhere
            assert [targets[i] for i in at[:-1]] == inside[1:]
            real = {owner[t - 1] for t in [*inside, targets[at[-1]]] if t}
            assert len(real) <= 1
            if targets[at[-1]] == 0 and inside[-1]:  # the end of its own document
                assert inside[-1] == np.flatnonzero(owner == real.pop()).max() + 1


@given(st.lists(st.integers(1, 12), min_size=1, max_size=40))
def test_best_fit_takes_the_fullest_row_that_has_room(lengths):
    rows = best_fit(np.array(lengths), 12)
    filled: dict[int, int] = {}
    for piece in sorted(range(len(lengths)), key=lambda i: -lengths[i]):
        fitting = [r for r, used in filled.items() if used + lengths[piece] <= 12]
        if fitting:
            assert filled[rows[piece]] == max(filled[r] for r in fitting)
        else:
            assert rows[piece] == len(filled)
        filled[rows[piece]] = filled.get(rows[piece], 0) + lengths[piece]
    assert max(filled.values()) <= 12


def test_packing_wastes_little():
    lengths = np.random.default_rng(0).integers(20, 200, 2000)
    packed = PackedDocuments(numbered(lengths.tolist()), 256, bos=0)
    assert packed.padding < 0.03
    alone = 1 - (lengths + 1).sum() / (256 * len(lengths))
    assert alone > 0.5


@pytest.mark.spec("SEQ-015", "the same alone, in any batch, in a worker")
def test_rows_are_pure_functions_of_their_index():
    packed = PackedDocuments(numbered([5, 9, 0, 30, 2, 7, 1, 1]), 8, bos=0)
    check_pure(packed)
    check_worker(packed, 2)


def test_tokens_without_documents_are_refused():
    with pytest.raises(InputError, match=r"do not begin with <\|bos\|> \(id 0\)"):
        PackedDocuments(np.array([1, 0, 2]), 8, bos=0)
    with pytest.raises(ValueError, match="block is 0"):
        PackedDocuments(np.array([0, 2]), 0, bos=0)


def test_bos_is_found_in_every_part_of_a_long_file(monkeypatch):
    tokens = numbered([5, 9, 0, 30, 2, 7])
    expected = whole(PackedDocuments(tokens, 8, bos=0))
    monkeypatch.setattr("src.data.documents.SCAN", 4)
    found = whole(PackedDocuments(tokens, 8, bos=0))
    assert all(torch.equal(expected[name], found[name]) for name in expected)
