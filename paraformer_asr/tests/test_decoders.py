"""Both decoders, beside torch's and beside themselves without padding or cache."""

import pytest
import torch
from torch import nn

from src.models.ar_decoder import ARDecoder
from src.models.decoder import NARDecoder
from src.models.positions import sinusoids
from src.utils.lengths import length_mask


VOCAB, WIDTH, HEADS, LAYERS, FF = 7, 12, 3, 2, 20
TOKENS, TIME = torch.tensor([5, 2, 0, 3]), torch.tensor([6, 9, 4, 0])
KINDS = pytest.mark.parametrize("kind", [NARDecoder, ARDecoder])


def make(kind):
    torch.manual_seed(0)
    return kind(VOCAB, WIDTH, HEADS, LAYERS, FF).double().eval()


def batch(kind):
    """Arguments of `forward`; the third has no tokens, the last no time."""
    torch.manual_seed(1)
    hidden = torch.randn(4, 9, WIDTH, dtype=torch.double)
    first = torch.randn(4, 5, WIDTH, dtype=torch.double)
    if kind is ARDecoder:
        first = torch.randint(VOCAB, (4, 5))
    return first, length_mask(TOKENS, 5), hidden, length_mask(TIME, 9)


def theirs(model, inputs, token_mask, hidden, time_mask, causal):
    """The same by torch, with the weights of `model`; its parameters in a dict."""
    layer = nn.TransformerDecoderLayer(
        WIDTH, HEADS, FF, dropout=0.0, batch_first=True, norm_first=True
    )
    other = nn.TransformerDecoder(layer, LAYERS).double().eval()
    names = {
        "self_attn.in_proj_": "self_attention.qkv.",
        "self_attn.out_proj.": "self_attention.out.",
        "multihead_attn.in_proj_": "cross_attention.qkv.",
        "multihead_attn.out_proj.": "cross_attention.out.",
        "linear1.": "feed.expand.",
        "linear2.": "feed.out.",
        "norm1.": "self_norm.",
        "norm2.": "cross_norm.",
        "norm3.": "feed_norm.",
    }
    ours = dict(model.layers.named_parameters())
    pairs = {}
    for name, parameter in other.layers.named_parameters():
        told = name
        for old, new in names.items():
            told = told.replace(old, new)
        parameter.data.copy_(ours[told])
        pairs[told] = parameter
    mask = nn.Transformer.generate_square_subsequent_mask(inputs.shape[1])
    out = other(
        inputs, hidden, mask.isinf() if causal else None, None, ~token_mask, ~time_mask
    )
    return model.head(model.norm(out)), pairs


@pytest.mark.spec("ASR-085", "equals torch's `nn.TransformerDecoder` with norms first")
@pytest.mark.parity("decoders, parallel and one by one", "torch.nn.TransformerDecoder")
@KINDS
def test_values_and_gradients_are_those_of_torch(parity, kind):
    model = make(kind)
    first, token_mask, hidden, time_mask = batch(kind)
    real = slice(0, 2)  # torch gives NaN where a query sees nothing
    arguments = [part[real] for part in (first, token_mask, hidden, time_mask)]
    weight = torch.randn(2, 5, VOCAB, dtype=torch.double) * arguments[1][..., None]

    ours = model(*arguments)
    (ours * weight).sum().backward()
    found = {n: p.grad.clone() for n, p in model.layers.named_parameters()}

    inputs = arguments[0]
    if kind is ARDecoder:
        inputs = model.embedding(inputs) * WIDTH**0.5
    inputs = inputs + sinusoids(torch.arange(5).double(), WIDTH)
    wanted, pairs = theirs(model, inputs, *arguments[1:], causal=kind is ARDecoder)
    (wanted * weight).sum().backward()
    parity.value(ours[arguments[1]], wanted[arguments[1]], atol=1e-11)
    slopes = {name: parameter.grad for name, parameter in pairs.items()}
    parity.gradient({name: found[name] for name in pairs}, slopes, atol=1e-10)


@pytest.mark.spec("ASR-086", "in a padded batch has the logits that it has alone")
@KINDS
@pytest.mark.parametrize("dtype, close", [(torch.double, 1e-12), (torch.float, 1e-5)])
def test_an_utterance_alone_has_the_logits_it_has_in_a_batch(kind, dtype, close):
    model = make(kind).to(dtype)
    first, token_mask, hidden, time_mask = batch(kind)
    first, hidden = (first if kind is ARDecoder else first.to(dtype)), hidden.to(dtype)
    together = model(first, token_mask, hidden, time_mask)
    for row, (tokens, time) in enumerate(zip(TOKENS, TIME, strict=True)):
        one = slice(row, row + 1)
        alone = model(
            first[one, :tokens],
            token_mask[one, :tokens],
            hidden[one, :time],
            time_mask[one, :time],
        )
        assert alone.shape == (1, tokens, VOCAB)
        assert torch.allclose(together[one, :tokens], alone, rtol=0, atol=close)


@pytest.mark.spec("ASR-086", "One of no tokens or no frames gives finite numbers")
@KINDS
@pytest.mark.parametrize("tokens, time", [(0, 9), (5, 0), (0, 0)])
def test_nothing_to_see_gives_finite_numbers_and_gradients(kind, tokens, time):
    model = make(kind)
    first, _, hidden, _ = batch(kind)
    hidden.requires_grad_()
    none = torch.zeros(4, dtype=torch.long)
    logits = model(
        first, length_mask(none + tokens, 5), hidden, length_mask(none + time, 9)
    )
    logits.sum().backward()
    assert logits.isfinite().all()
    assert hidden.grad.isfinite().all()
    assert all(p.grad.isfinite().all() for p in model.parameters())


@pytest.mark.spec("ASR-085", "no causal mask")
def test_each_position_of_the_nar_decoder_sees_all_others():
    first, _, hidden, _ = batch(NARDecoder)
    first.requires_grad_()
    all_real = torch.ones(4, 5, dtype=torch.bool), torch.ones(4, 9, dtype=torch.bool)
    logits = make(NARDecoder)(first, all_real[0], hidden, all_real[1])
    for place in range(5):
        (gradient,) = torch.autograd.grad(
            logits[:, place].sum(), first, retain_graph=True
        )
        assert gradient.abs().amax((0, 2)).gt(1e-6).all()


@pytest.mark.spec("ASR-087", "with its cache gives the logits of `forward` to 1e-5")
@pytest.mark.parametrize("beams", [1, 3])
def test_steps_with_the_cache_are_one_pass_without(beams):
    model = make(ARDecoder).float()
    tokens = torch.randint(VOCAB, (4 * beams, 5))
    _, _, hidden, time_mask = batch(ARDecoder)
    hidden = hidden.float()
    wanted = model(
        tokens,
        torch.ones_like(tokens, dtype=torch.bool),
        hidden.repeat_interleave(beams, 0),
        time_mask.repeat_interleave(beams, 0),
    )
    cache = model.new_cache(hidden, time_mask, 5, beams)
    steps = [model.step(tokens[:, place], cache) for place in range(5)]
    assert (torch.stack(steps, 1) - wanted).abs().max() < 1e-5


@pytest.mark.spec("ASR-087", "after its beams were reordered")
def test_a_reordered_cache_has_the_past_of_other_rows():
    model = make(ARDecoder)
    _, _, hidden, time_mask = batch(ARDecoder)
    tokens = torch.randint(VOCAB, (8, 4))
    rows = torch.tensor([1, 1, 2, 3, 5, 4, 6, 6])
    cache = model.new_cache(hidden, time_mask, 4, 2)
    for place in range(2):
        model.step(tokens[:, place], cache)
    cache.reorder(rows)
    tokens = torch.cat((tokens[rows, :2], tokens[:, 2:]), 1)
    steps = [model.step(tokens[:, place], cache) for place in (2, 3)]
    wanted = model(
        tokens,
        torch.ones_like(tokens, dtype=torch.bool),
        hidden.repeat_interleave(2, 0),
        time_mask.repeat_interleave(2, 0),
    )
    assert (torch.stack(steps, 1) - wanted[:, 2:]).abs().max() < 1e-10


@pytest.mark.spec("ASR-087", "keys and values of the encoding are computed once")
def test_the_encoding_is_projected_once(monkeypatch):
    model = make(ARDecoder)
    _, _, hidden, time_mask = batch(ARDecoder)
    cache = model.new_cache(hidden, time_mask, 3)
    for layer in model.layers:
        monkeypatch.setattr(layer.cross_attention, "project", None)
    for _ in range(3):
        model.step(torch.zeros(4, dtype=torch.long), cache)


@pytest.mark.spec("ASR-087", "A full cache is a ValueError")
def test_a_full_cache_is_refused():
    model = make(ARDecoder)
    _, _, hidden, time_mask = batch(ARDecoder)
    cache = model.new_cache(hidden, time_mask, 1)
    token = torch.zeros(4, dtype=torch.long)
    model.step(token, cache)
    with pytest.raises(ValueError, match="has room for 1 tokens"):
        model.step(token, cache)
