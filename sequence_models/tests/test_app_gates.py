"""The gates that the panel shows, against the cells and their equations."""

import numpy as np
import pytest
import torch

from src.app.choices import Choices
from src.app.features import FEATURES, features, follow
from src.app.gates import GATES, LIVE, LONGEST, Gates, unfold
from src.app.tiny_training import STEPS, TinyTraining
from src.models.recurrent import CELLS, Recurrent
from src.utils.errors import InputError
from tests.app_checkpoints import make


TEXT = 'Tom saw a dog. "Hello," he said.'
NAMES = ("lstm", "gru", "ln_lstm", "min_gru", "rnn", "gpt", "slot", "classify")


@pytest.fixture(scope="module")
def panel(tmp_path_factory):
    runs = tmp_path_factory.mktemp("runs")
    for name in NAMES:
        make(runs, name)
    return Gates(Choices(make(runs, "gpt"), runs))


def recurrent(cell, ways=1):
    torch.manual_seed(0)
    return Recurrent(cell, 5, 4, 3, bidirectional=ways == 2).double()


@pytest.mark.spec("SEQ-243", "are those that the network computes")
@pytest.mark.parametrize("ways", [1, 2])
@pytest.mark.parametrize("cell", CELLS)
@torch.no_grad()
def test_the_states_of_the_last_layer_are_the_outputs(cell, ways):
    model = recurrent(cell, ways)
    x = torch.randn(1, 9, 5, dtype=torch.float64)
    outputs, ends = model(x)
    last = [unfold(model, x[0], model.rows - n)["h"] for n in range(ways, 0, -1)]
    assert torch.allclose(torch.cat(last, 1), outputs[0], atol=1e-12)
    cells = [unfold(model, x[0], row) for row in range(model.rows)]
    for row, found in enumerate(cells):
        end = 0 if ways == 2 and row % 2 else -1
        for name, part in zip("hc", ends, strict=False):
            assert torch.allclose(found[name][end], part[0, row], atol=1e-12)


@pytest.mark.spec("SEQ-243", "follow from one another by the equations")
@pytest.mark.parametrize("cell", ["lstm", "ln_lstm", "gru", "min_gru"])
@torch.no_grad()
def test_the_gates_make_the_next_state_from_the_one_before(cell):
    model = recurrent(cell)
    found = unfold(model, torch.randn(9, 5, dtype=torch.float64), 1)
    before = {n: torch.cat((torch.zeros(1, 4), s[:-1])) for n, s in found.items()}
    if "c" in found:
        c = found["f"] * before["c"] + found["i"] * found["g"]
        assert torch.allclose(found["c"], c, atol=1e-12)
        norm = getattr(model.cells[1], "norm_cell", lambda c: c)
        assert torch.allclose(found["h"], found["o"] * norm(c).tanh(), atol=1e-12)
    else:
        keep = found["z"] if cell == "gru" else 1 - found["z"]
        h = keep * before["h"] + (1 - keep) * found["n"]
        assert torch.allclose(found["h"], h, atol=1e-12)
    for name in set(found) & set(GATES):
        assert 0 <= found[name].min() and found[name].max() <= 1


@pytest.mark.parametrize(
    ("name", "quantities", "layers"),
    [
        ("lstm", "ifgoch", ["layer 1", "layer 2"]),
        ("ln_lstm", "ifgoch", ["layer 1", "layer 2"]),
        ("gru", "rznh", ["layer 1", "layer 2"]),
        ("min_gru", "znh", ["layer 1", "layer 2"]),
        ("rnn", "h", ["layer 1", "layer 2"]),
        ("classify", "rznh", [
            "layer 1, forwards", "layer 1, backwards",
            "layer 2, forwards", "layer 2, backwards",
        ]),
    ],
)  # fmt: skip
def test_what_each_cell_has(panel, name, quantities, layers):
    text = "good day" if name == "classify" else TEXT
    read = panel.read(name, text, layer=1)
    assert "".join(one["name"] for one in read["quantities"]) == quantities
    assert read["layers"] == layers
    assert read["values"].shape == (len(quantities), len(read["tokens"]), 12)


@pytest.mark.spec("SEQ-243", "says in a sentence that it has none")
@pytest.mark.parametrize("name", ["gpt", "slot"])
def test_a_network_without_gates_says_so(panel, name):
    with pytest.raises(InputError, match="has no gates to show: it is none of"):
        panel.read(name, TEXT)


@pytest.mark.spec("SEQ-243", "Pearson's correlation")
def test_correlations_are_numpys():
    g = torch.Generator().manual_seed(0)
    values = torch.rand(2, len(TEXT), 3, generator=g)
    values[1, :, 2] = 0.25  # never changes
    found = follow(values, TEXT)
    rows = features(TEXT).numpy()
    assert found.shape == (2, len(FEATURES), 3)
    for q, f, u in np.ndindex(2, len(FEATURES), 3):
        r = 0 if (q, u) == (1, 2) else np.corrcoef(values[q, :, u], rows[f])[0, 1]
        assert found[q, f, u] == pytest.approx(r, abs=1e-6)


def test_the_features_of_a_text():
    found = dict(zip(FEATURES, features("Ab c. Io").long().tolist(), strict=True))
    assert found["a space"] == [0, 0, 1, 0, 0, 1, 0, 0]
    assert found["a vowel"] == [1, 0, 0, 0, 0, 0, 1, 1]
    assert found["a capital"] == [1, 0, 0, 0, 0, 0, 1, 0]
    assert found["the end of a sentence"] == [0, 0, 0, 0, 1, 0, 0, 0]
    assert found["place in the word"] == [1, 2, 0, 1, 2, 0, 1, 2]
    assert found["place in the sentence"] == [0, 1, 2, 3, 4, 0, 1, 2]


@pytest.fixture(scope="module")
def short():
    """A training of ten steps only."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("src.app.tiny_training.STEPS", (0, 4, 10))
        yield


@pytest.mark.spec("SEQ-244", "whoever trains it gets the same weights")
def test_a_tiny_training_is_a_function_of_the_cell_and_the_step(short):
    one, other = TinyTraining(), TinyTraining()
    frames = [*one.run("gru")]
    for _ in zip(other.run("gru"), other.run("lstm"), strict=False):
        pass  # side by side
    assert [frame["step"] for frame in frames] == [2, 4, 6, 8, 10]
    assert frames[-1]["kept"] == [0, 4, 10]
    assert frames[-1]["bits"] < frames[0]["bits"]
    weights = one.model("gru", 4).state_dict()
    for name, value in other.model("gru", 4).state_dict().items():
        assert torch.equal(value, weights[name])
    begin = one.model("gru", 0).state_dict()
    assert not torch.equal(begin["head.weight"], weights["head.weight"])


@pytest.mark.spec("SEQ-244", "before it was trained")
def test_a_stage_that_was_not_reached_is_one_sentence(panel):
    source = LIVE + "lstm"
    assert panel.read(source, TEXT)["cell"] == "lstm"
    with pytest.raises(InputError, match=r"kept after \[0\] steps; train it first"):
        panel.read(source, TEXT, steps=STEPS[-1])
    with pytest.raises(InputError, match="is not trained on this page"):
        panel.train("lstm")


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"text": ""}, "the text is empty"),
        ({"text": "a" * (LONGEST + 1)}, f"241 characters; .*{LONGEST} at most"),
        ({"text": "naïve"}, "U\\+00EF"),
        ({"layer": 2}, "layer = 2: it has 0 to 1"),
        ({"layer": -1}, "layer = -1"),
        ({"source": LIVE + "gpt"}, "is not trained on this page"),
    ],
)
def test_what_cannot_be_read_is_one_sentence(panel, given, sentence):
    with pytest.raises(InputError, match=sentence):
        panel.read(**{"source": "lstm", "text": TEXT} | given)


def test_the_first_recurrent_run_is_shown_else_a_tiny_network(panel, tmp_path):
    assert panel.start()["source"] in NAMES[:5]
    make(tmp_path, "classify")  # its tokenizer does not know the capitals
    alone = Gates(Choices(make(tmp_path, "gpt"), tmp_path))
    assert alone.start()["source"] == LIVE + "lstm"
    assert Gates(Choices(None, tmp_path / "none")).start()["source"] == LIVE + "lstm"
