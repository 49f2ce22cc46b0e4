"""Encoders: batch equals single, steps equal the whole, nothing from the future."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from src.models import ModelConfig
from src.models.encoder import Encoder, build_encoder
from src.models.positions import sinusoids
from src.models.scene import chunk_mask
from src.models.subsampling import Conv2dSubsampling


KINDS = ("transformer", "conformer", "sanm")
SIZES = {"d_model": 16, "heads": 2, "layers": 2, "ff": 24, "kernel": 5, "channels": 12}


def make(kind="conformer", subsampling=4, **options):
    torch.manual_seed(0)
    encoder = Encoder(9, kind, subsampling=subsampling, **(SIZES | options))
    for parameter in encoder.parameters():
        if parameter.ndim == 1:
            nn.init.normal_(parameter, std=0.3)  # biases that would show in padding
    return encoder.eval()


def features_of(lengths, seed=0):
    """Random, also behind the ends."""
    generator = torch.Generator().manual_seed(seed)
    features = torch.randn(len(lengths), max(lengths), 9, generator=generator)
    return features, torch.tensor(lengths)


kinds = pytest.mark.parametrize("kind", KINDS)
subsamplings = st.sampled_from((1, 2, 4))
chunks = st.sampled_from(
    (
        {},
        {"causal": True},
        {"causal": True, "left_chunks": 3},
        {"causal": True, "chunk": 3},
        {"causal": True, "chunk": 3, "left_chunks": 0},
        {"causal": True, "chunk": 2, "left_chunks": 2},
    )
)


@pytest.mark.spec("ASR-041", "T features become ceil(T / s) frames")
@pytest.mark.parametrize("subsampling", [1, 2, 4])
def test_the_number_of_frames_is_exact(subsampling):
    front = Conv2dSubsampling(9, 8, subsampling, 2)
    for frames in range(20):
        lengths = torch.tensor([frames, 0])
        x = front(torch.randn(2, frames, 9), lengths)
        assert x.shape == (2, -(-frames // subsampling), 8)
        assert front.lengths(lengths).tolist() == [x.shape[1], 0]


@pytest.mark.spec("ASR-041", "frame j sees no feature behind")
@pytest.mark.parametrize("subsampling", [1, 2, 4])
def test_a_frame_sees_up_to_the_last_of_its_own_features(subsampling):
    front = Conv2dSubsampling(9, 8, subsampling, 4).double()
    for parameter in front.parameters():
        parameter.data.abs_()  # no ReLU that is off
    features = torch.rand(1, 24, 9, dtype=torch.double, requires_grad=True)
    x = front(features, torch.tensor([24]))
    for frame in range(x.shape[1]):
        (gradient,) = torch.autograd.grad(
            x[0, frame].sum(), features, retain_graph=True
        )
        seen = gradient[0].abs().sum(-1).nonzero().flatten()
        assert int(seen.max()) == subsampling * (frame + 1) - 1


@pytest.mark.spec("ASR-041", "another factor is a ValueError")
def test_another_subsampling_is_refused():
    with pytest.raises(ValueError, match=r"subsampling = 3: must be 1, 2 or 4"):
        Conv2dSubsampling(9, 8, 3)


@pytest.mark.spec("ASR-042", "the hidden states that it has alone, to 1e-5")
@kinds
@given(
    lengths=st.lists(st.integers(0, 40), min_size=2, max_size=4).filter(any),
    subsampling=subsamplings,
    options=chunks,
)
def test_batch_equals_single(kind, lengths, subsampling, options):
    encoder = make(kind, subsampling, **options)
    features, feature_lengths = features_of(lengths)
    with torch.no_grad():
        batch = encoder(features, feature_lengths)
        assert batch.hidden.isfinite().all()
        for item, length in enumerate(lengths):
            alone = encoder(
                features[item : item + 1, :length], feature_lengths[item : item + 1]
            )
            time = -(-length // subsampling)
            assert alone.lengths.tolist() == [time] == [int(batch.lengths[item])]
            assert alone.hidden.shape[1] == time
            torch.testing.assert_close(
                batch.hidden[item, :time], alone.hidden[0], atol=1e-5, rtol=0
            )
            assert not batch.hidden[item, time:].any()


@pytest.mark.spec("ASR-042", "whatever numbers stand there")
@kinds
def test_not_even_nan_behind_the_end_is_heard(kind):
    encoder = make(kind)
    features, lengths = features_of([30, 13])
    before = encoder(features, lengths).hidden
    features[1, 13:] = torch.nan
    assert torch.equal(encoder(features, lengths).hidden, before)


@pytest.mark.spec("ASR-050", "a batch of nothing")
@kinds
def test_empty_utterances_give_empty_states_and_finite_gradients(kind):
    encoder = make(kind).train()
    assert encoder(torch.zeros(2, 0, 9), torch.tensor([0, 0])).hidden.shape == (
        2,
        0,
        16,
    )
    features, lengths = features_of([0, 1, 9])
    encoder(features, lengths).hidden.square().sum().backward()
    for name, parameter in encoder.named_parameters():
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.any(), name


@pytest.mark.spec("ASR-051", "its own chunk and `left_chunks` before it")
@given(
    time=st.integers(1, 12),
    past=st.integers(0, 12),
    chunk=st.integers(1, 4),
    left=st.integers(-1, 3),
)
def test_the_chunk_mask_by_its_definition(time, past, chunk, left):
    total = time + past // 2
    mask = chunk_mask(time, total, chunk, left, past)
    for row in range(time):
        for column in range(total):
            q, k = past + row, past + time - total + column
            behind = q // chunk - k // chunk
            expected = behind >= 0 and (left < 0 or behind <= left)
            assert bool(mask[row, column]) == expected


@pytest.mark.spec("ASR-051", "nothing that comes later changes a frame")
@kinds
@pytest.mark.parametrize("chunk", [0, 3])
def test_a_causal_encoder_never_hears_the_future(kind, chunk):
    encoder = make(kind, 2, causal=True, chunk=chunk).double()
    features, lengths = features_of([36])
    features = features.double()
    hidden = encoder(features, lengths).hidden
    for cut in range(0, 18, max(chunk, 1)):
        changed = features.clone()
        changed[:, 2 * cut :] = torch.randn(1, 36 - 2 * cut, 9)
        other = encoder(changed, lengths).hidden
        assert torch.equal(other[:, :cut], hidden[:, :cut])
        assert (other[:, cut] != hidden[:, cut]).any()


@pytest.mark.spec("ASR-051", "`left_chunks` bounds")
def test_the_past_beyond_the_left_chunks_of_all_layers_is_not_heard():
    encoder = make("transformer", 1, causal=True, chunk=2, left_chunks=1).double()
    features, lengths = features_of([24])
    features = features.double()
    hidden = encoder(features, lengths).hidden
    features[:, 0] += 1  # two layers look back one chunk each, the front four frames
    other = encoder(features, lengths).hidden
    assert torch.equal(other[:, 10:], hidden[:, 10:])
    assert (other[:, 5] != hidden[:, 5]).any()


@pytest.mark.spec("ASR-052", "for any cut of the features")
@kinds
@given(
    pieces=st.lists(st.integers(0, 11), min_size=1, max_size=8),
    subsampling=subsamplings,
    options=chunks.filter(bool),
)
def test_the_steps_of_a_stream_give_what_the_whole_gives(
    kind, pieces, subsampling, options
):
    encoder = make(kind, subsampling, **options)
    features, _ = features_of([sum(pieces)] * 2)
    with torch.no_grad():
        whole = encoder(features, torch.tensor([sum(pieces)] * 2)).hidden
        memory, states = encoder.new_memory(2), []
        for piece in features.split(pieces, 1):
            states.append(encoder.step(piece, memory))
        states.append(encoder.step(features[:, :0], memory, last=True))
    joined = torch.cat(states, 1)
    torch.testing.assert_close(joined, whole, atol=1e-5, rtol=0)
    assert memory.past == whole.shape[1]


@pytest.mark.spec("ASR-052", "as soon as their chunk is complete")
def test_a_chunk_is_given_with_its_last_feature():
    encoder = make("sanm", 4, causal=True, chunk=2)
    memory = encoder.new_memory()
    sizes = [encoder.step(torch.zeros(1, n, 9), memory).shape[1] for n in (7, 1, 15, 1)]
    assert sizes == [0, 2, 2, 2]


@pytest.mark.spec("ASR-052", "a memory that does not grow")
@kinds
def test_with_bounded_left_chunks_the_memory_does_not_grow(kind):
    encoder = make(kind, 1, causal=True, chunk=2, left_chunks=3)
    memory = encoder.new_memory()
    with torch.no_grad():
        for _ in range(10):
            encoder.step(torch.zeros(1, 4, 9), memory)
    assert memory.past == 40
    for layer in memory.layers:
        assert layer.attended.k.shape[2] == layer.attended.v.shape[2] == 6


@pytest.mark.spec("ASR-053", "cannot stream")
def test_an_encoder_that_sees_all_has_no_memory_for_a_stream():
    with pytest.raises(ValueError, match="causal = False needs the whole utterance"):
        make().new_memory()


def test_sinusoids_take_turns_and_know_negative_positions():
    table = sinusoids(torch.tensor([-3.0, 0.0, 7.0]), 5)
    for row, p in zip(table, (-3.0, 0.0, 7.0), strict=True):
        for i, value in enumerate(row):
            angle = torch.tensor(p / 10000 ** ((i - i % 2) / 5))
            expected = angle.cos() if i % 2 else angle.sin()
            torch.testing.assert_close(value, expected, atol=1e-6, rtol=1e-5)


def test_the_config_decides_what_is_built():
    config = ModelConfig(
        encoder="sanm",
        d_model=16,
        heads=2,
        encoder_layers=3,
        ff=20,
        kernel=7,
        subsampling=2,
        front_channels=5,
        causal=True,
        chunk=4,
        left_chunks=2,
    )
    encoder = build_encoder(config, 9)
    assert (encoder.kind, encoder.chunk, encoder.left_chunks) == ("sanm", 4, 2)
    assert (encoder.subsampling, encoder.d_model, len(encoder.layers)) == (2, 16, 3)
    assert encoder.front.convolutions[1].weight.shape[:2] == (5, 5)
    layer = encoder.layers[0]
    assert (layer.kernel, layer.attention.heads, layer.drop.p) == (7, 2, 0.1)
    assert layer.feed_forward.expand.out_features == 20
    assert layer.memory_block.left == 6


def test_an_unknown_kind_is_refused():
    with pytest.raises(ValueError, match="encoder = 'rnn': must be transformer, con"):
        Encoder(9, "rnn")
