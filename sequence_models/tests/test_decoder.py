"""A decoder with its memory, in chunks, packed, beyond its window: always the same."""

import copy
import math

import pytest
import torch
import torch.nn.functional as F

from src.models import MODELS, ModelConfig, build_model
from src.models.decoder import Decoder
from src.models.phases import PHASES


VOCAB, CONTEXT = 13, 24
SIZE = {"d_model": 16, "layers": 2, "heads": 4}
KINDS = {f"phase {year}": what for year, what in PHASES.items()} | {
    "alibi": {"positions": "alibi"},
    "none": {"positions": "none", "tie": False},
    "window": {"window": 5},
    "window of one": {"window": 1, "positions": "rope"},
    "window, 2025": PHASES["2025"] | {"window": 7},
    "post-norm, 2025": PHASES["2025"] | {"order": "post", "bias": True},
    "gelu_tanh": {"ffn": "gelu_tanh", "bias": False},
}
CHUNKS = {"one by one": [1] * 24, "5, 1, 7, 11": [5, 1, 7, 11], "whole": [24]}


def decoder(kind, dtype=torch.float64, **options):
    torch.manual_seed(0)
    torch.set_default_dtype(dtype)
    try:
        model = Decoder(VOCAB, CONTEXT, **SIZE | KINDS[kind] | options).eval()
        with torch.no_grad():
            for parameter in model.parameters():
                parameter += 0.2 * torch.randn_like(parameter)
    finally:
        torch.set_default_dtype(torch.float32)
    return model


def tokens(batch=3, time=CONTEXT):
    return torch.randint(VOCAB, (batch, time))


def read(model, text, chunks):
    """The logits of a text read in chunks, with a memory."""
    memory = model.new_memory(len(text), text.shape[1])
    return torch.cat([model(part, memory)[0] for part in text.split(chunks, 1)], 1)


@pytest.mark.spec("SEQ-072", "token by token, in chunks or whole")
@pytest.mark.parametrize("chunks", CHUNKS.values(), ids=CHUNKS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=["f64", "f32"])
@torch.no_grad()
def test_with_a_memory_as_without(kind, chunks, dtype):
    model, text = decoder(kind, dtype), tokens()
    tolerance = 1e-10 if dtype is torch.float64 else 1e-5
    whole = model(text)[0]
    with torch.no_grad():
        error = (read(model, text, chunks) - whole).abs().max() / whole.abs().max()
    assert error < tolerance


@pytest.mark.spec("SEQ-072", "in training mode and with a gradient too")
@pytest.mark.parametrize("kind", ["phase 2017", "phase 2020", "phase 2025"])
def test_the_short_way_of_one_token_is_the_long_one(kind, monkeypatch):
    model, text = decoder(kind), tokens()
    with torch.no_grad():
        short = read(model, text, [1] * CONTEXT)
    monkeypatch.setattr("src.models.decoder.TokenStep.__call__", None)
    with_gradient = read(model, text, [1] * CONTEXT)
    with torch.no_grad():
        in_training = read(model.train(), text, [1] * CONTEXT)
    torch.testing.assert_close(short, with_gradient, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(short, in_training, rtol=1e-12, atol=1e-12)


@torch.no_grad()
def test_a_memory_serves_after_the_weights_changed():
    model, text = decoder("phase 2025"), tokens()
    memory = model.new_memory(3, CONTEXT)
    for parameter in model.parameters():
        parameter *= 1.5
    parts = [model(text[:, i : i + 1], memory)[0] for i in range(CONTEXT)]
    torch.testing.assert_close(torch.cat(parts, 1), model(text)[0])


@torch.no_grad()
def test_a_copy_steps_with_its_own_weights():
    model, text = decoder("phase 2020"), tokens(1, 4)
    model.new_memory(1, 4)
    twin = copy.deepcopy(model)
    for parameter in twin.parameters():
        parameter *= 1.5
    memory = twin.new_memory(1, 4)
    before = model(text)[0]
    parts = [twin(text[:, i : i + 1], memory)[0] for i in range(4)]
    torch.testing.assert_close(torch.cat(parts, 1), twin(text)[0])
    torch.testing.assert_close(model(text)[0], before, rtol=0, atol=0)


def test_alibi_by_hand():
    model, text = decoder("alibi", layers=1), tokens()
    block, x = model.blocks[0], model.embedding(text)
    qkv = block.attend.qkv(block.attend_norm(x)).view(3, CONTEXT, 3, 4, 4)
    q, k, v = qkv.permute(2, 0, 3, 1, 4)
    distance = torch.arange(CONTEXT)[:, None] - torch.arange(CONTEXT)
    slopes = torch.tensor([1 / 4, 1 / 16, 1 / 64, 1 / 256])
    scores = q @ k.mT / 2 - slopes[:, None, None] * distance
    weights = scores.masked_fill(distance < 0, -torch.inf).softmax(-1)
    x = x + block.attend.out((weights @ v).transpose(1, 2).flatten(2))
    x = x + block.feed(block.feed_norm(x))
    expected = model.norm(x) @ model.embedding.weight.T
    torch.testing.assert_close(model(text)[0], expected)


@pytest.mark.spec("SEQ-073", "logits and the gradients that each document has alone")
@pytest.mark.parametrize("kind", KINDS)
def test_packed_documents_are_separate(kind):
    model, text = decoder(kind), tokens(2)
    cuts = [[0, 5, 6, 24], [0, 11, 17, 24]]
    document = torch.stack(
        [
            torch.bucketize(torch.arange(24), torch.tensor(c[1:-1]), right=True)
            for c in cuts
        ]
    )
    weight = torch.randn(2, CONTEXT, VOCAB, dtype=torch.float64)

    packed = model(text, document=document)[0]
    (packed * weight).sum().backward()
    packed_grads = [p.grad for p in model.parameters()]
    model.zero_grad()
    for row, places in enumerate(cuts):
        for begin, end in zip(places[:-1], places[1:], strict=True):
            alone = model(text[row : row + 1, begin:end])[0]
            torch.testing.assert_close(
                packed[row, begin:end], alone[0], rtol=1e-10, atol=1e-10
            )
            (alone * weight[row : row + 1, begin:end]).sum().backward()
    for grad, parameter in zip(packed_grads, model.parameters(), strict=True):
        torch.testing.assert_close(grad, parameter.grad, rtol=1e-9, atol=1e-9)


@pytest.mark.spec("SEQ-074", "no logit depends on a later token")
@pytest.mark.parametrize("kind", KINDS)
def test_the_future_has_no_gradient(kind):
    model, text = decoder(kind), tokens(1, 10)
    embedded = []
    model.embedding.register_forward_hook(lambda *a: embedded.append(a[2]) or a[2])
    logits = model(text)[0]
    (grad,) = torch.autograd.grad(logits[0, 4].sum(), embedded)
    reached = grad[0].abs().sum(1) > 0
    window = KINDS[kind].get("window") or CONTEXT
    first = max(0, 4 - SIZE["layers"] * (window - 1))
    assert reached.tolist() == [first <= place <= 4 for place in range(10)]


def test_without_the_causal_mask_the_future_is_seen():
    model, text = decoder("phase 2020", causal=False), tokens(1, 10)
    other = text.clone()
    other[0, 9] = (other[0, 9] + 1) % VOCAB
    assert not torch.allclose(model(text)[0][0, 4], model(other)[0][0, 4])


@pytest.mark.spec("SEQ-075", "a ValueError with both numbers")
def test_more_tokens_than_the_context():
    model = decoder("phase 2023")
    with pytest.raises(ValueError, match="^25 tokens: the model sees at most 24$"):
        model(tokens(1, 25))
    memory = model.new_memory(1, 100)
    model(tokens(1, 20), memory)
    words = "^5 tokens after 20 others: the model sees at most 24$"
    with pytest.raises(ValueError, match=words):
        model(tokens(1, 5), memory)
    assert memory.past == 20


def test_packed_rows_have_no_memory():
    model = decoder("phase 2023")
    with pytest.raises(ValueError, match="^document is for whole rows"):
        model(tokens(1, 4), model.new_memory(1, 9), document=torch.zeros(1, 4).long())


@pytest.mark.spec("SEQ-076", "about log(vocab) nats")
@pytest.mark.parametrize("name", [n for n in MODELS if n != "slot"])
def test_the_loss_at_the_beginning(name):
    torch.manual_seed(0)
    model, text = build_model(ModelConfig(name), 65, 32), torch.randint(65, (8, 33))
    given = (text[:, :-1], None) if name == "transformer" else ()
    logits = model(*given, text[:, :-1])
    logits = logits[0] if isinstance(logits, tuple) else logits
    # With the embedding as head and inputs of norm sqrt(d_model), as in 2017, the
    # logits begin with a variance of about 1, which costs half a nat.
    costs = 0.5 if name in ("gpt_2017", "gpt_2019", "transformer") else 0.0
    loss = F.cross_entropy(logits.flatten(0, 1), text[:, 1:].flatten()).item()
    assert loss == pytest.approx(math.log(65) + costs, abs=0.25)


@pytest.mark.spec("SEQ-076", "0.02 / sqrt(2 layers)")
def test_the_beginning_of_gpt_2():
    torch.manual_seed(0)
    model = Decoder(1000, 64, d_model=256, layers=8)
    for name, parameter in model.named_parameters():
        if name.endswith("norm.weight"):
            assert torch.equal(parameter, torch.ones_like(parameter))
        elif name.endswith("bias"):
            assert torch.equal(parameter, torch.zeros_like(parameter))
        else:
            last = name.endswith(("out.weight", "down.weight"))
            std = 0.02 / 4 if last else 0.02
            assert parameter.std().item() == pytest.approx(std, rel=0.03), name


def test_the_beginning_of_2017():
    torch.manual_seed(0)
    model = Decoder(1000, 64, d_model=256, layers=2, **PHASES["2017"])
    assert model.embedding.weight.std().item() == pytest.approx(1 / 16, rel=0.02)
    q, k, v = model.blocks[0].attend.qkv.weight.chunk(3)
    for part in (q, k, v, model.blocks[1].attend.out.weight):
        assert part.abs().max().item() == pytest.approx((6 / 512) ** 0.5, rel=0.01)
        assert part.std().item() == pytest.approx((2 / 512) ** 0.5, rel=0.02)
