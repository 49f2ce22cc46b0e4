"""The worked example of the open slot, tested as any other language model."""

import pytest
import torch
from torch import nn

from src.models import ModelConfig, build_model
from src.models.slots.gated_retention import Config, RetentionLM, retention
from src.utils.errors import InputError


@pytest.fixture
def model() -> nn.Module:
    torch.manual_seed(0)
    made = RetentionLM(Config(d_model=12, layers=2, heads=3), vocab=7).double()
    for weight in made.parameters():  # those that begin at zero would hide everything
        nn.init.normal_(weight, std=0.4)
    return made


TOKENS = torch.randint(0, 7, (2, 14), generator=torch.manual_seed(1))


def by_recurrence(q, k, v, log_a, state):
    """The definition, token by token."""
    outputs = []
    for t in range(q.shape[2]):
        state = log_a[:, :, t, None, None].exp() * state
        state = state + k[:, :, t, :, None] * v[:, :, t, None, :]
        outputs.append((q[:, :, t, None, :] @ state)[:, :, 0] / q.shape[3] ** 0.5)
    return torch.stack(outputs, 2), state


@pytest.mark.spec("SEQ-112", "what the recurrence gives, token by token")
@pytest.mark.parametrize("time", [1, 2, 9])
def test_a_chunk_is_the_recurrence(time):
    torch.manual_seed(0)
    q, k, v = (torch.randn(2, 3, time, 4).double().requires_grad_() for _ in range(3))
    log_a = -torch.rand(2, 3, time).double()
    before = torch.randn(2, 3, 4, 4).double()
    found = retention(q, k, v, log_a, before)
    expected = by_recurrence(q, k, v, log_a, before)
    for a, b in zip(found, expected, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-10, atol=1e-12)
    grads = (
        torch.autograd.grad(sum(x.square().sum() for x in out), [q, k, v])
        for out in (found, expected)
    )
    for a, b in zip(*grads, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-11)


def test_a_long_past_that_is_forgotten_leaves_no_nan():
    q, k, v = (torch.ones(1, 1, 600, 2) for _ in range(3))
    log_a = torch.full((1, 1, 600), -5.0, requires_grad=True)
    o, after = retention(q, k, v, log_a, torch.ones(1, 1, 2, 2))
    (o.sum() + after.sum()).backward()
    assert o.isfinite().all() and after.isfinite().all() and log_a.grad.isfinite().all()


@pytest.mark.spec("SEQ-112", "in chunks of any size as at once")
@pytest.mark.parametrize("sizes", [[14], [1] * 14, [5, 1, 8], [13, 1]])
def test_chunks_are_the_whole(model, sizes):
    whole, memory = model(TOKENS)
    parts, state = [], None
    for part in TOKENS.split(sizes, 1):
        logits, state = model(part, state)
        parts.append(logits)
    torch.testing.assert_close(torch.cat(parts, 1), whole, rtol=1e-10, atol=1e-10)
    torch.testing.assert_close(state, memory, rtol=1e-10, atol=1e-10)


@pytest.mark.spec("SEQ-112", "no logit depends on a later token")
def test_causal(model):
    embedded = model.embedding(TOKENS).detach().requires_grad_()
    model.embedding.register_forward_hook(lambda *_: embedded)
    logits, _ = model(TOKENS)
    (gradient,) = torch.autograd.grad(logits[:, 5].sum(), embedded)
    assert gradient[:, 6:].eq(0).all()
    assert gradient[:, :6].abs().sum(-1).gt(0).all()


def test_the_memory_does_not_grow(model):
    sizes = {
        n: sum(part.numel() for part in model(TOKENS[:, :n])[1]) for n in (1, 5, 14)
    }
    assert set(sizes.values()) == {2 * 2 * 3 * 4 * 4}
    empty = model.new_memory(2, 1000)
    torch.testing.assert_close(model(TOKENS, empty)[0], model(TOKENS)[0])


def test_packed_documents_are_as_apart(model):
    document = torch.tensor([[0] * 6 + [1] * 8, [4] * 9 + [5] * 5])
    logits, memory = model(TOKENS, document=document)
    apart = torch.cat([model(TOKENS[:1, :6])[0], model(TOKENS[:1, 6:])[0]], 1)
    torch.testing.assert_close(logits[:1], apart, rtol=1e-9, atol=1e-9)
    expected = model(TOKENS[1:, 9:])[1]
    found = tuple(part[1:] for part in memory)
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-9)
    with pytest.raises(ValueError, match="packed documents begin with an empty memory"):
        model(TOKENS, memory, document=document)


def test_rows_are_alone(model):
    both = model(TOKENS)[0]
    torch.testing.assert_close(model(TOKENS[1:])[0], both[1:], rtol=1e-10, atol=1e-10)


@pytest.mark.spec("SEQ-113", "by the name of its file")
def test_built_by_name_with_its_options():
    config = ModelConfig(
        "slot", slot="gated_retention", options=("d_model=8", "heads=2")
    )
    model = build_model(config, vocab=5, context=16)
    assert isinstance(model, RetentionLM) and model.config == Config(d_model=8, heads=2)
    assert model(torch.zeros(1, 3, dtype=torch.long))[0].shape == (1, 3, 5)


@pytest.mark.spec("SEQ-113", "an unknown name or option is refused")
@pytest.mark.parametrize(
    ("slot", "options", "words"),
    [
        ("nothing", (), "there is no src/models/slots/nothing.py"),
        ("gated_retention", ("d_modell=8",), "Did you mean d_model"),
        ("gated_retention", ("d_model=9",), "must be a multiple of heads = 4"),
        ("gated_retention", ("layers=0",), "layers = 0: is too small"),
        ("gated_retention", ("dropout=1.5",), "dropout = 1.5: must be in"),
    ],
)
def test_bad_slots(slot, options, words):
    config = ModelConfig("slot", slot=slot, options=options)
    with pytest.raises(InputError, match=words):
        build_model(config, vocab=5, context=16)


@pytest.mark.parametrize("part", ["Config", "build"])
def test_a_slot_without_its_parts_is_refused(part, monkeypatch):
    monkeypatch.delattr(f"src.models.slots.gated_retention.{part}")
    with pytest.raises(InputError, match=f"gated_retention.py has no {part}; a slot"):
        build_model(ModelConfig("slot", slot="gated_retention"), vocab=5, context=16)
