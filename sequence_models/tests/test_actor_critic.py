"""A decoder with a critic is that decoder to all who do not ask for values."""

import pytest
import torch

from src.generation.generate import generate
from src.generation.sampling import GREEDY, PLAIN
from src.models import MODELS, ModelConfig, build_model
from src.models.decoder import Decoder
from src.models.phases import PHASES
from src.models.token_step import TokenStep
from src.reasoning.actor_critic import ActorCritic, values_before
from src.utils.errors import InputError


VOCAB, CONTEXT = 11, 16
SIZE = {"d_model": 16, "layers": 2, "heads": 4}
KINDS = PHASES | {"alibi": {"positions": "alibi"}, "window": {"window": 3}}


def decoder(kind="2023", **options):
    torch.manual_seed(0)
    model = Decoder(VOCAB, CONTEXT, **SIZE | KINDS[kind] | options).double().eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 0.2 * torch.randn_like(parameter)
    return model


def critic(**options):
    model = ActorCritic(decoder(**options))
    with torch.no_grad():
        model.value.weight.normal_()
        model.value.bias.normal_()
    return model


@pytest.fixture
def text():
    torch.manual_seed(1)
    return torch.randint(VOCAB, (3, 9))


@pytest.mark.spec("SEQ-209", "`Decoder.features` is what the head reads")
@pytest.mark.parametrize("tie", [True, False])
@pytest.mark.parametrize("kind", KINDS)
def test_the_head_on_the_features_is_the_decoder(kind, tie, text):
    model = decoder(kind, tie=tie)
    x, memory = model.features(text)
    assert memory is None and torch.equal(model.logits(x), model(text)[0])
    seen = []
    matrix = (model.embedding if tie else model.head).weight
    torch.testing.assert_close(x @ matrix.T, model(text)[0])
    last = model.blocks[-1] if model.norm is None else model.norm
    last.register_forward_hook(lambda *call: seen.append(call[2]))
    model(text)
    torch.testing.assert_close(seen[0], x, rtol=0, atol=0)


@pytest.mark.spec("SEQ-209", "with a memory and for packed rows too")
@pytest.mark.parametrize("kind", KINDS)
@torch.no_grad()
def test_features_with_a_memory_and_of_packed_rows(kind, text):
    model = decoder(kind)
    memory = model.new_memory(3, 9)
    parts = [model.features(part, memory)[0] for part in text.split([4, 1, 3, 1], 1)]
    whole = model.features(text)[0]
    torch.testing.assert_close(torch.cat(parts, 1), whole)
    document = torch.tensor([[0] * 4 + [1] * 5]).expand(3, 9)
    packed = model.features(text, document=document)[0]
    torch.testing.assert_close(packed[:, 4:], model.features(text[:, 4:])[0])


def test_features_know_their_limits(text):
    model = decoder()
    with pytest.raises(ValueError, match="^17 tokens: the model sees at most 16$"):
        model.features(torch.zeros(1, 17).long())
    memory = model.new_memory(3, 9)
    for part in (text, text[:, :1]):
        with torch.no_grad(), pytest.raises(ValueError, match="^document is for whole"):
            model(part, memory, document=torch.zeros_like(part))


@torch.no_grad()
def test_one_token_too_many_is_refused_on_the_short_way():
    model = decoder()
    memory = model.new_memory(1, 99)
    model(torch.zeros(1, 16).long(), memory)
    with pytest.raises(ValueError, match="^1 tokens after 16 others: the model sees"):
        model(torch.zeros(1, 1).long(), memory)
    assert memory.past == 16


@pytest.mark.spec("SEQ-209", "generates what its decoder generates")
@pytest.mark.parametrize("sampling", [GREEDY, PLAIN], ids=["greedy", "drawn"])
def test_it_generates_what_the_decoder_generates(sampling, text, monkeypatch):
    model, steps = critic(), []
    step = TokenStep.__call__
    monkeypatch.setattr(TokenStep, "__call__", lambda *a: steps.append(1) or step(*a))
    lengths = torch.tensor([9, 4, 7])
    given = (text, 12, sampling)
    alone = generate(model.policy, *given, lengths=lengths, seed=3)
    on_the_short_way = len(steps)
    together = generate(model, *given, lengths=lengths, seed=3)
    assert torch.equal(alone, together)
    assert on_the_short_way == len(steps) / 2 > 0


@pytest.mark.spec("SEQ-209", "a value for each token and the same logits")
def test_values_are_a_linear_function_of_the_features(text):
    model = critic()
    logits, values = model(text, values=True)
    plain, memory = model(text)
    assert torch.equal(logits, plain) and memory is None
    x = model.policy.features(text)[0]
    torch.testing.assert_close(values, x @ model.value.weight[0] + model.value.bias)
    assert (model.vocab, model.context) == (VOCAB, CONTEXT)


def test_values_of_packed_rows(text):
    model = critic()
    document = torch.tensor([[0] * 4 + [1] * 5]).expand(3, 9)
    logits, values = model(text, document=document, values=True)
    torch.testing.assert_close(logits, model(text, document=document)[0])
    torch.testing.assert_close(values[:, 4:], model(text[:, 4:], values=True)[1])


def test_a_value_does_not_see_later_tokens(text):
    model, other = critic(), text.clone()
    other[:, 5:] = (other[:, 5:] + 1) % VOCAB
    a, b = (model(tokens, values=True)[1] for tokens in (text, other))
    torch.testing.assert_close(a[:, :5], b[:, :5])
    assert not torch.isclose(a[:, 5:], b[:, 5:]).any()


@pytest.mark.spec("SEQ-209", "begins with the value 0 everywhere")
def test_the_critic_begins_at_zero_and_can_learn(text):
    model = ActorCritic(decoder())
    values = model(text, values=True)[1]
    assert torch.equal(values, torch.zeros(3, 9).double())
    (values - 1).square().sum().backward()
    assert model.value.weight.grad.abs().sum() > 0 < model.value.bias.grad.abs().sum()
    assert model.policy.embedding.weight.grad.abs().sum() == 0


def test_policy_and_critic_share_a_body(text):
    model = critic()
    model(text, values=True)[1].sum().backward()
    assert model.policy.blocks[0].attend.qkv.weight.grad.abs().sum() > 0


@pytest.mark.spec("SEQ-209", "under `policy.` and `value.`")
def test_the_names_of_its_weights():
    model, plain = critic(), decoder()
    saved = model.state_dict()
    names = {f"policy.{name}" for name in plain.state_dict()}
    assert saved.keys() == names | {"value.weight", "value.bias"}
    policy = {
        name.removeprefix("policy."): weight
        for name, weight in saved.items()
        if name.startswith("policy.")
    }
    plain.load_state_dict(policy)
    again = ActorCritic(decoder("2023"))
    again.load_state_dict(saved)
    assert torch.equal(again.value.weight, model.value.weight)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_the_critic_has_the_dtype_of_the_decoder(dtype, text):
    logits, values = ActorCritic(decoder().to(dtype))(text, values=True)
    assert logits.dtype is values.dtype is dtype


@pytest.mark.spec("SEQ-209", "Any other model is refused")
@pytest.mark.parametrize("name", [n for n in MODELS if not n.startswith("gpt_")])
def test_a_model_without_features(name):
    slot = {"slot": "gated_retention"} if name == "slot" else {}
    model = build_model(ModelConfig(name, **slot), VOCAB, CONTEXT)
    words = r"^ppo needs a decoder \(model.name gpt_\*\)$"
    with pytest.raises(InputError, match=words):
        ActorCritic(model)


def test_the_value_of_a_token_is_that_of_the_text_before_it(text):
    model = critic()
    before = values_before(model(text, values=True)[1])
    for t in range(1, 9):
        last = model(text[:, :t], values=True)[1][:, -1]
        torch.testing.assert_close(before[:, t], last)
    assert before[:, 0].tolist() == [0, 0, 0] and before.shape == (3, 9)
