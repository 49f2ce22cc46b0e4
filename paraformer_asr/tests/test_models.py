"""The three models as wholes: lengths, glances, one alone and in a batch, gradients."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from src.losses import LossConfig
from src.models import ModelConfig, build_model
from src.models.ar_model import with_end
from src.models.paraformer import Paraformer
from src.tokenizers import EOS
from src.training.task import SpeechTask


MELS, VOCAB = 6, 9
SMALL = {
    "d_model": 8, "heads": 2, "encoder_layers": 2, "decoder_layers": 2, "ff": 12,
    "kernel": 5, "front_channels": 4, "dropout": 0.0, "alpha_bias": -0.5,
}  # fmt: skip


def build(**options) -> torch.nn.Module:
    torch.manual_seed(0)
    return build_model(ModelConfig(**SMALL | options), MELS, VOCAB).double().eval()


def batch_of(frames: list[int], tokens: list[int]) -> dict[str, torch.Tensor]:
    torch.manual_seed(1)
    features = torch.randn(len(frames), max(frames), MELS, dtype=torch.float64)
    texts = torch.randint(4, VOCAB, (len(tokens), max(tokens, default=0)))
    lengths = torch.tensor(tokens)
    for row, (n, u) in enumerate(zip(frames, tokens, strict=True)):
        features[row, n:] = 0
        texts[row, u:] = 0
    return {
        "features": features, "feature_lengths": torch.tensor(frames),
        "tokens": texts, "token_lengths": lengths,
    }  # fmt: skip


def both(batch) -> tuple[tuple, tuple]:
    heard = (batch["features"], batch["feature_lengths"])
    return heard, (batch["tokens"], batch["token_lengths"])


@pytest.mark.spec("ASR-189", "as many logits as tokens, the last one included")
@pytest.mark.parametrize("predictor", ["cif", "ctc"])
@given(frames=st.lists(st.integers(0, 60), min_size=1, max_size=3), data=st.data())
def test_every_token_has_an_embedding_in_training(predictor, frames, data):
    model = build(predictor=predictor)
    tokens = [data.draw(st.integers(0, (n + 3) // 4)) for n in frames]
    heard, said = both(batch_of(frames, tokens))
    encoded = model.encode(*heard)
    fired = model.predict(encoded, model.ctc_head(encoded.hidden), *said)
    assert fired.lengths.tolist() == tokens
    for row, count in enumerate(tokens):
        norms = fired.embeds[row].norm(dim=-1)
        assert (norms[:count] > 0).all() and (norms[count:] == 0).all()
    output = model(*heard, *said)
    assert output.logits.shape == (len(frames), max(tokens), VOCAB)
    assert output.logits.isfinite().all()


@pytest.mark.parametrize("predictor", ["cif", "ctc"])
def test_texts_may_be_padded_wider_than_the_longest(predictor):
    model = build(predictor=predictor)
    heard, (tokens, lengths) = both(batch_of([60, 40], [5, 2]))
    wide = torch.nn.functional.pad(tokens, (0, 3))
    one, other = model(*heard, tokens, lengths), model(*heard, wide, lengths)
    assert other.logits.shape[1] == 8
    torch.testing.assert_close(one.logits[0, :5], other.logits[0, :5])


@pytest.mark.spec("ASR-190", "the same alone and in a batch")
@pytest.mark.parametrize("encoder", ["transformer", "conformer", "sanm"])
@pytest.mark.parametrize("predictor", ["cif", "ctc"])
def test_an_utterance_is_heard_the_same_alone_and_in_a_batch(encoder, predictor):
    model = build(encoder=encoder, predictor=predictor)
    frames = [50, 1, 0, 33, 7]
    heard, _ = both(batch_of(frames, [0] * len(frames)))
    together = model.recognise(*heard)
    assert together.lengths.max() > 1
    for row, n in enumerate(frames):
        one = (heard[0][row : row + 1, :n], heard[1][row : row + 1])
        alone = model.recognise(*one)
        count = int(alone.lengths[0])
        assert count == together.lengths[row]
        ours, theirs = together.logits[row, :count], alone.logits[0]
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-10)


@pytest.mark.parametrize("tail", [0.0, 1.0])
def test_the_tail_of_the_config_decides_on_the_last_token(tail):
    heard, _ = both(batch_of([60, 40, 33], [0, 0, 0]))
    found = build(tail=tail).recognise(*heard)
    assert found.lengths.tolist() == (found.cif.counts + tail).long().tolist()


@pytest.mark.spec("ASR-191", "the second pass is shown")
def test_glances_change_the_second_pass_and_not_the_guess():
    model = build()
    heard, said = both(batch_of([60, 40], [7, 5]))
    blind, glanced = model(*heard, *said), model(*heard, *said, 1.0)
    assert torch.equal(blind.guess, glanced.guess)
    assert not torch.equal(blind.logits, glanced.logits)
    model.zero_grad()
    glanced.logits.sum().backward()
    assert model.embedding.weight.grad.abs().max() > 0


def test_the_first_pass_has_no_gradient(monkeypatch):
    model, seen = build(), []
    plain = Paraformer.decode

    def decode(self, *given):
        seen.append(torch.is_grad_enabled())
        return plain(self, *given)

    monkeypatch.setattr(Paraformer, "decode", decode)
    heard, said = both(batch_of([60], [7]))
    model(*heard, *said, 0.5)
    assert seen == [False, True]


@pytest.mark.parametrize(
    "options",
    [
        {}, {"predictor": "ctc"}, {"glance": 0.0}, {"encoder": "sanm"},
        {"encoder": "transformer", "causal": True}, {"name": "ctc"},
        {"name": "transformer"},
    ],
)  # fmt: skip
@pytest.mark.spec("ASR-192", "Every parameter has a gradient from the first step on")
@pytest.mark.parametrize("progress", [0.0, 0.99])
def test_every_parameter_has_a_gradient(options, progress):
    model = build(**options).train()
    task = SpeechTask(LossConfig(mwer=0.5), ModelConfig(**SMALL | options))
    batch = batch_of([60, 44, 0], [7, 3, 0])
    loss = task.loss(model, batch, progress)
    loss.backward()
    assert loss.isfinite()
    missing = [name for name, p in model.named_parameters() if p.grad is None]
    assert missing == []
    assert all(p.grad.isfinite().all() for p in model.parameters())


@pytest.mark.spec("ASR-193", "`<eos>` behind the last token")
def test_targets_end_where_the_sentence_does():
    tokens = torch.tensor([[5, 6, 7], [8, 0, 0], [0, 0, 0]])
    ended = with_end(tokens, torch.tensor([3, 1, 0]))
    assert ended.tolist() == [[5, 6, 7, EOS], [8, EOS, 0, 0], [EOS, 0, 0, 0]]


def test_the_baseline_is_blind_to_the_future():
    model = build(name="transformer")
    heard, (tokens, lengths) = both(batch_of([60], [7]))
    changed = tokens.clone()
    changed[0, 4:] = (changed[0, 4:] - 4 + 1) % (VOCAB - 4) + 4
    one, other = (model(*heard, t, lengths).logits for t in (tokens, changed))
    assert torch.equal(one[:, :5], other[:, :5])
    assert not torch.equal(one[:, 5:], other[:, 5:])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"d_model": 9}, "d_model = 9: must be even and a multiple of heads = 2"),
        ({"kernel": 4}, "kernel = 4: must be odd"),
        ({"dropout": 1.0}, "dropout = 1.0"),
        ({"chunk": 4}, "chunk and left_chunks are for causal = true"),
        ({"causal": True, "left_chunks": -2}, "left_chunks = -2"),
        ({"glance": 1.5}, "glance = 1.5: must be in"),
        ({"decoder_layers": 0}, "decoder_layers = 0: must be at least 1"),
    ],
)
def test_a_model_that_cannot_be_is_refused(options, words):
    with pytest.raises(ValueError, match=words):
        ModelConfig(**SMALL | options)
