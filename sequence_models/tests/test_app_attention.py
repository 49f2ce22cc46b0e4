"""The attention that the panel shows, against the kernel and the equation."""

import pytest
import torch
import torch.nn.functional as F

from src.app.attention import (
    SHOWN,
    Attention,
    Recorder,
    attention_weights,
    head_figures,
)
from src.app.choices import Choices
from src.models.attention import attention_explicit, attention_sdpa
from src.models.masks import Mask
from src.models.positions import alibi_slopes
from src.utils.errors import InputError
from tests.app_checkpoints import make


TEXT = "Tom saw a big dog."
NAMES = ("gpt", "grouped", "alibi", "lstm", "slot", "answer", "pairs", "mlm")


@pytest.fixture(scope="module")
def panel(tmp_path_factory):
    runs = tmp_path_factory.mktemp("runs")
    for name in NAMES:
        make(runs, name)
    return Attention(Choices(make(runs, "gpt"), runs))


MASKS = {
    "nothing hidden": Mask(),
    "causal": Mask(causal=True),
    "window": Mask(causal=True, window=3),
    "padded": Mask(pad_mask=torch.arange(7).expand(2, 7) < 5),
    "alibi": Mask(causal=True, slopes=alibi_slopes(4)),
    "documents": Mask(causal=True, document=torch.tensor([[0, 0, 0, 1, 1, 1, 1]] * 2)),
}


@pytest.mark.spec("SEQ-241", "what the kernel multiplies the values with")
@pytest.mark.parametrize("kv_heads", [4, 2])
@pytest.mark.parametrize("mask", MASKS.values(), ids=MASKS)
def test_the_weights_times_the_values_are_what_the_kernel_gives(mask, kv_heads):
    g = torch.Generator().manual_seed(0)
    q, k, v = (
        torch.randn(2, heads, 7, 6, generator=g, dtype=torch.float64)
        for heads in (4, kv_heads, kv_heads)
    )
    with Recorder() as recorder:
        out = attention_sdpa(q, k, v, mask)
    (weights,) = recorder.weights
    values = v.repeat_interleave(4 // kv_heads, 1)
    assert torch.allclose(weights @ values, out, atol=1e-12)
    assert torch.allclose(out, attention_explicit(q, k, v, mask), atol=1e-12)
    assert torch.allclose(weights.sum(-1), torch.ones(()).double())


def test_a_query_that_sees_nothing_looks_at_nothing():
    q = torch.ones(1, 1, 2, 3)
    hidden = torch.tensor([[True, True], [False, False]])
    weights = attention_weights(q, q, q, hidden)
    assert weights.tolist() == [[[[0.5, 0.5], [0.0, 0.0]]]]


@pytest.mark.spec("SEQ-241", "every network that asks the kernel")
@pytest.mark.parametrize(
    ("name", "count", "seen"),
    [("gpt", 2, "before"), ("grouped", 2, "near"), ("alibi", 2, "before"),
     ("answer", 2, "before"), ("mlm", 2, "all")],
)  # fmt: skip
def test_each_layer_has_a_map_of_what_it_may_see(panel, name, count, seen):
    text = "cab" if name == "answer" else TEXT
    read = panel.read(name, text)
    assert [one["title"] for one in read["maps"]] == ["layer 1", "layer 2"]
    assert len(read["maps"]) == count
    time = len(read["tokens"]["text"])
    place = torch.arange(time)[:, None] - torch.arange(time)
    may = {"before": place >= 0, "near": (place >= 0) & (place < 6), "all": place < 99}
    for number in range(count):
        weights = panel.map(name, text, number)["weights"]
        assert weights.shape == (4, time, time)
        assert torch.equal(weights > 0, may[seen].expand(4, -1, -1))
        assert torch.allclose(weights.sum(2), torch.ones(()))


@pytest.mark.spec("SEQ-241", "an encoder-decoder has those of its answer")
def test_an_encoder_decoder_looks_from_its_answer_to_the_text(panel):
    read = panel.read("pairs", "cabde")
    titles = [(one["title"], one["rows"], one["columns"]) for one in read["maps"]]
    assert titles == [
        ("encoder, layer 1", "text", "text"),
        ("encoder, layer 2", "text", "text"),
        ("decoder, layer 1", "answer", "answer"),
        ("decoder, layer 1, to the text", "answer", "text"),
        ("decoder, layer 2", "answer", "answer"),
        ("decoder, layer 2, to the text", "answer", "text"),
    ]
    assert read["tokens"]["text"] == [*"cabde"]
    for number, (_, rows, columns) in enumerate(titles):
        shape = [len(read["tokens"][side]) for side in (rows, columns)]
        assert list(panel.map("pairs", "cabde", number)["weights"].shape[1:]) == shape


@pytest.mark.spec("SEQ-242", "entropy in bits")
def test_the_figures_of_the_heads():
    uniform = torch.ones(4, 4).tril() / torch.arange(1, 5)[:, None]
    own, previous = torch.eye(4), torch.eye(4).roll(-1, 1)
    previous[0] = torch.tensor([1.0, 0, 0, 0])
    found = head_figures(torch.stack([uniform, own, previous.tril()]))
    logs = torch.arange(1.0, 5).log2()
    assert found["entropy"] == pytest.approx([logs.mean().item(), 0, 0], abs=1e-6)
    assert found["itself"] == pytest.approx([(1 + 1 / 2 + 1 / 3 + 1 / 4) / 4, 1, 0.25])
    assert found["before"] == pytest.approx([(1 / 2 + 1 / 3 + 1 / 4) / 4, 0, 0.75])
    assert found["distance"] == pytest.approx([(0 + 0.5 + 1 + 1.5) / 4, 0, 0.75])


@pytest.mark.spec("SEQ-241", "says in a sentence that it has none")
@pytest.mark.parametrize(
    ("name", "why"),
    [("lstm", "attention: .* see its gates"), ("slot", "attention to show: it never")],
)
def test_a_network_without_attention_says_so(panel, name, why):
    with pytest.raises(InputError, match=f"{name} has no {why}"):
        panel.read(name, TEXT)


def test_a_long_text_is_shown_from_its_end(panel):
    long = TEXT * 20
    read = panel.read("gpt", long)
    ids = panel.choices.get("gpt").tokenizer.encode(long)
    assert read["ids"]["text"] == ids[-min(SHOWN, 32) :]
    assert read["left_out"] == len(ids) - min(SHOWN, 32)


@pytest.mark.parametrize("text", ["", "  \n"])
def test_an_empty_text_is_one_sentence(panel, text):
    with pytest.raises(InputError, match="the text is empty; type some words"):
        panel.read("gpt", text)


def test_a_map_that_is_not_there_is_one_sentence(panel):
    with pytest.raises(InputError, match="number = 2: the maps are 0 to 1"):
        panel.map("gpt", TEXT, 2)


def test_other_functions_pass_the_recorder_by():
    with Recorder() as recorder:
        F.softmax(torch.zeros(3), 0)
    assert recorder.weights == []
