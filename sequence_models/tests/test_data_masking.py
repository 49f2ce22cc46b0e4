"""Masked language modelling: which tokens are asked for, and what stands there."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from src.data.masking import MASK, PAD, Masked
from src.tokenizers import CharTokenizer
from tests.batches import check_pure, check_worker, keys, whole


TOKENIZER = CharTokenizer("abcdefghijklmnopqrst", ("<|bos|>", MASK, PAD))
BOS, MASKED, PADDED = TOKENIZER.specials.values()


def some(length: int) -> np.ndarray:
    ids = np.random.default_rng(0).integers(0, 20, length).astype(np.int32)
    ids[::50] = BOS
    return ids


@pytest.mark.spec("SEQ-027", "15 % are targets")
@pytest.mark.spec("SEQ-027", "80 % of these read MASK, 10 % a random token, 10 %")
def test_the_shares_are_those_of_the_paper():
    ids = some(200_000)
    batch = whole(Masked(ids, 100, TOKENIZER, seed=0))
    tokens, targets = batch["tokens"].flatten().numpy(), batch["targets"].flatten()
    chosen = (targets != -100).numpy()
    count = (ids != BOS).sum()
    assert chosen.sum() / count == pytest.approx(0.15, abs=0.004)  # 5 deviations
    shown, meant = tokens[chosen], ids[chosen]
    assert (shown == MASKED).mean() == pytest.approx(0.8, abs=0.012)
    random = shown[shown != MASKED] != meant[shown != MASKED]
    # A random token is the right one in one of twenty draws.
    assert random.sum() / len(shown) == pytest.approx(0.1 * 19 / 20, abs=0.009)
    other = shown[(shown != MASKED) & (shown != meant)]
    assert len(np.unique(other)) == 20 and other.max() < 20
    assert (targets[chosen].numpy() == meant).all()
    assert (tokens[~chosen] == ids[~chosen]).all()


@pytest.mark.spec("SEQ-027", "padding and special tokens are never chosen")
@given(st.integers(2, 60), st.integers(1, 20), st.integers(0, 5))
def test_padding_and_specials_are_never_chosen(length, block, epoch):
    ids = some(length)
    batch = whole(Masked(ids, block, TOKENIZER, seed=0, share=0.5), epoch)
    real = batch["pad_mask"]
    assert real.sum() == length and real.flatten()[:length].all()
    assert (batch["tokens"][~real] == PADDED).all()
    assert (batch["targets"][~real] == -100).all()
    assert not np.isin(batch["targets"], list(TOKENIZER.specials.values())).any()
    asked = (batch["targets"] != -100).any(1)
    ordinary = [(ids[i : i + block] != BOS).any() for i in range(0, length, block)]
    assert asked.tolist() == ordinary  # a row asks something wherever it can


@pytest.mark.spec("SEQ-015", "a pure function of the seed and its (epoch, index)")
def test_masks_are_pure_functions_of_their_keys():
    data = Masked(some(1000), 16, TOKENIZER, seed=3)
    check_pure(data)
    check_worker(data, 8)
    one, two = whole(data, 0)["tokens"], whole(data, 1)["tokens"]
    assert 0.1 < (one != two).double().mean() < 0.4
    other = whole(Masked(some(1000), 16, TOKENIZER, seed=4), 0)["tokens"]
    assert not torch.equal(one, other)


def test_wrong_arguments_are_named():
    with pytest.raises(ValueError, match="share 0"):
        Masked(some(9), 4, TOKENIZER, seed=0, share=0)
    with pytest.raises(KeyError, match="mask"):
        Masked(some(9), 4, CharTokenizer("ab"), seed=0)
    assert len(Masked(some(9), 4, TOKENIZER, 0).__getitems__(keys(3))["tokens"]) == 3
