"""The decoder with copied weights is GPT-2, or Llama: values, gradients, text."""

import pytest
import torch

from src.generation.generate import generate
from src.generation.sampling import GREEDY
from src.models.decoder import Decoder
from src.models.phases import PHASES


reference = pytest.importorskip(
    "tests.transformers_weights", reason="transformers is the reference"
)
VOCAB, CONTEXT = 13, 24
SIZE = {"d_model": 16, "layers": 3, "heads": 4}


def decoder(phase, **options):
    """In float64, with weights large enough for every part to matter."""
    torch.manual_seed(0)
    torch.set_default_dtype(torch.float64)  # the tables of positions as well
    try:
        model = Decoder(VOCAB, CONTEXT, **PHASES[phase] | SIZE | options).eval()
    finally:
        torch.set_default_dtype(torch.float32)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 0.2 * torch.randn_like(parameter)
    return model


def pair(phase, **options):
    ours = decoder(phase, **options)
    if phase == "2020":
        return ours, reference.gpt2_from(ours), reference.gpt2_view
    theirs = exact(reference.llama_from(ours))
    return ours, theirs, lambda n, own: reference.llama_view(n, ours, own)


def exact(llama):
    """Its cosines and its norms are float32 in any model: compute them in float64."""
    rotary = llama.model.rotary_emb
    dim = SIZE["d_model"] // SIZE["heads"]

    def forward(x, position_ids):
        rates = 10000.0 ** (-torch.arange(0, dim, 2, dtype=torch.float64) / dim)
        angles = (position_ids[..., None].double() * rates).repeat(1, 1, 2)
        return angles.cos(), angles.sin()

    rotary.forward = forward
    for name, part in llama.named_modules():
        if name.endswith("norm"):
            part.forward = rms_norm(part.weight)
    return llama


def rms_norm(weight):
    return lambda x: torch.rms_norm(x, weight.shape, weight, 1e-5)


GPT2 = pytest.mark.parity("decoder of 2020", "transformers.GPT2LMHeadModel")
LLAMA = pytest.mark.parity("decoder of 2023", "transformers.LlamaForCausalLM")
CASES = [
    pytest.param(
        "2020", {}, marks=[GPT2, pytest.mark.spec("SEQ-067", "`GPT2LMHeadModel`")]
    ),
    pytest.param(
        "2020",
        {"ffn": "gelu_tanh", "ffn_dim": 24},
        marks=[
            GPT2,
            pytest.mark.spec("SEQ-067", "logits, the gradients of all parameters"),
        ],
    ),
    pytest.param(
        "2023", {}, marks=[LLAMA, pytest.mark.spec("SEQ-068", "`LlamaForCausalLM`")]
    ),
    pytest.param(
        "2023",
        {"kv_heads": 1, "tie": False},
        marks=[LLAMA, pytest.mark.spec("SEQ-068", "grouped keys and values")],
    ),
    pytest.param(
        "2023",
        {"kv_heads": 4},
        marks=[LLAMA, pytest.mark.spec("SEQ-068", "`gpt_2023`")],
    ),
]


@pytest.mark.parametrize(("phase", "options"), CASES)
def test_logits_and_gradients(parity, phase, options):
    ours, theirs, view = pair(phase, **options)
    tokens = torch.randint(VOCAB, (3, CONTEXT))
    weight = torch.randn(3, CONTEXT, VOCAB, dtype=torch.float64)

    mine, memory = ours(tokens)
    expected = theirs(tokens).logits
    (mine * weight).sum().backward()
    (expected * weight).sum().backward()

    assert memory is None
    parity.value(mine, expected, atol=1e-10)
    own = {name: p.grad for name, p in ours.named_parameters()}
    compared = 0
    for name, parameter in theirs.named_parameters():
        parity.gradient(view(name, own), parameter.grad, atol=1e-9)
        compared += parameter.numel()
    assert compared == sum(p.numel() for p in ours.parameters())


@pytest.mark.parametrize(("phase", "options"), CASES)
def test_cached_greedy_text(parity, phase, options):
    ours, theirs, _ = pair(phase, **options)
    prompt = torch.randint(VOCAB, (4, 5))
    text = generate(ours, prompt, CONTEXT - 5, GREEDY)
    expected = theirs.generate(
        prompt,
        attention_mask=torch.ones_like(prompt),
        max_new_tokens=CONTEXT - 5,
        do_sample=False,
        use_cache=True,
        pad_token_id=0,
    )
    assert len(text.unique()) > 2
    parity.value(text, expected[:, 5:], atol=0)


@pytest.mark.spec("SEQ-068", "to 2e-5 where its own float32 tables")
def test_llama_as_it_is():
    ours = decoder("2023")
    theirs = reference.llama_from(ours)
    tokens = torch.randint(VOCAB, (3, CONTEXT))
    with torch.no_grad():
        expected = theirs(tokens).logits
        torch.testing.assert_close(ours(tokens)[0], expected, rtol=2e-5, atol=2e-5)
