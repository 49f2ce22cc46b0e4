"""Nats, bits per byte, perplexity, right guesses."""

import math

import pytest
import torch

from src.metrics.language import (
    bits_per_byte,
    perplexity,
    token_nats,
)


@pytest.mark.spec("SEQ-101", "a model that knows nothing has log2 V bits a token")
def test_uniform_logits_have_the_bits_of_the_vocabulary():
    targets = torch.tensor([[0, 3, 255]])
    nats = token_nats(torch.zeros(1, 3, 256), targets)
    assert nats.tolist() == [pytest.approx([math.log(256)] * 3)]
    assert bits_per_byte(nats.sum().item(), 3) == pytest.approx(8)
    assert bits_per_byte(nats.sum().item(), 12) == pytest.approx(2)
    assert perplexity(nats.sum().item(), 3) == pytest.approx(256)


@pytest.mark.spec("SEQ-101", "a target of -100 costs nothing")
def test_targets_that_are_not_scored():
    logits = torch.tensor([[[1.0, 3.0], [5.0, 0.0], [0.0, 1.0]]])
    targets = torch.tensor([[1, -100, 0]])
    nats = token_nats(logits, targets)
    assert nats[0, 1] == 0
    wanted = -logits.log_softmax(2)[0, [0, 2], [1, 0]]
    assert torch.equal(nats[0, [0, 2]], wanted)


def test_half_precision_is_summed_in_float32():
    logits = torch.randn(1, 2, 9).bfloat16()
    assert token_nats(logits, torch.zeros(1, 2).long()).dtype == torch.float32
    assert token_nats(logits.double(), torch.zeros(1, 2).long()).dtype == torch.float64


def test_of_nothing_nothing_is_said():
    assert math.isnan(bits_per_byte(0.0, 0)) and math.isnan(perplexity(0.0, 0))
    assert perplexity(1e6, 1) == math.inf
