"""The models beside the same ones written with torch."""

import numpy as np
import pytest
import torch

import src as ag
from src import functional as F
from src import nn
from src.models import ModelConfig, build_model
from src.models.cnn import CNN, LeNet
from src.models.gpt import GPT
from src.models.lstm import CharLSTM, SentimentLSTM
from src.models.mlp import MLP
from src.models.resnet import ResNet
from src.models.scalar_mlp import ScalarMLP
from tests import torch_models as theirs
from tests.nn_beside_torch import numbers, same_module


DRAW = np.random.default_rng(0)
IDS = DRAW.integers(0, 11, (3, 7))
WORDS = np.arange(7) < np.array([[7], [3], [1]])
LABELS = np.array([1, 0, 2])
MODELS = [
    (MLP(12, (5, 4), 3), theirs.MLP(12, 5, 4, 3), (numbers(3, 3, 4),), LABELS),
    (MLP(6, (), 3), theirs.MLP(6, 3), (numbers(3, 6),), LABELS),
    (LeNet(2, 14, 3), theirs.LeNet(2, 3, 1), (numbers(3, 2, 14, 14),), LABELS),
    (CNN(2, 8, (3, 4), 3), theirs.CNN(2, 8, (3, 4), 3), (numbers(3, 2, 8, 8),), LABELS),
    (ResNet(2, 3, 2, 3), theirs.ResNet(2, 3, 2, 3), (numbers(3, 2, 9, 8),), LABELS),
    (CharLSTM(11, 5, 2), theirs.LSTM(11, 5, 2, 11), (IDS,), (IDS + 1) % 11),
    (SentimentLSTM(11, 5, 1, 3), theirs.LSTM(11, 5, 1, 3, 0), (IDS, WORDS), LABELS),
    (GPT(11, 9, 8, 2, 2), theirs.GPT(11, 9, 8, 2, 2), (IDS,), (IDS + 1) % 11),
]
MARKS = {
    MLP: pytest.mark.parity("MLP, loss", "MLP of torch.nn"),
    LeNet: pytest.mark.parity("LeNet, loss", "LeNet of torch.nn"),
    CNN: pytest.mark.parity("CNN, loss", "CNN of torch.nn"),
    ResNet: pytest.mark.parity("ResNet, loss", "ResNet of torch.nn"),
    CharLSTM: pytest.mark.parity("LSTM of characters, loss", "LSTM of torch.nn"),
    SentimentLSTM: pytest.mark.parity("LSTM of sentences, loss", "LSTM of torch.nn"),
    GPT: pytest.mark.parity("GPT, loss", "GPT of torch.nn"),
}
MARKED = [pytest.param(case, marks=MARKS[type(case[0])]) for case in MODELS]


@pytest.mark.spec("AGE-058", "loss and every gradient of the same model in torch")
@pytest.mark.parametrize("case", MARKED, ids=lambda c: type(c[0]).__name__)
def test_a_model_is_torchs(case, parity):
    ours, other, arrays, target = case

    def call(model, *inputs):
        lib, functions = (torch, torch.nn.functional) if model is other else (ag, F)
        scores = model(*inputs)
        scores = scores.reshape(-1, scores.shape[-1])
        return functions.cross_entropy(scores, lib.tensor(target.reshape(-1)))

    same_module(ours, other, *arrays, call=call, steps=2, parity=parity)
    missing = [n for n, p in ours.named_parameters() if p.grad is None]
    assert not missing


@pytest.mark.spec("AGE-058", "the perceptron of Scalars equals that of tensors")
def test_the_perceptron_of_scalars_equals_that_of_tensors():
    one, many = ScalarMLP(2, (4, 3), 3).double(), MLP(2, (4, 3), 3).double()
    flat = []
    for layer in many.layers:
        weight, bias = layer.weight.tolist(), layer.bias.tolist()
        for row, shift in zip(weight, bias, strict=True):
            flat += [*row, shift]
    names = [n for n, _ in one.network.named_parameters()]
    assert names[2].endswith("bias")
    one.load_state_dict({"weights": np.array(flat)})
    points, target = nn.Parameter(numbers(6, 2)), ag.tensor(np.arange(6) % 3)
    found = []
    for model in (one, many):
        loss = F.cross_entropy(model(points), target)
        loss.backward()
        grads = [p.grad.numpy() for p in model.parameters()]
        found.append((loss.item(), points.grad.numpy().copy(), grads))
        points.grad = None
    assert found[0][0] == pytest.approx(found[1][0], rel=1e-12)
    np.testing.assert_allclose(found[0][1], found[1][1], rtol=1e-10, atol=1e-12)
    rows = []
    for weight, bias in zip(found[1][2][::2], found[1][2][1::2], strict=True):
        rows.append(np.concatenate([weight, bias[:, None]], 1).reshape(-1))
    np.testing.assert_allclose(found[0][2][0], np.concatenate(rows), atol=1e-12)
    loss = one(points).sum()
    with ag.no_grad():
        one.weights.mul_(2.0)
    with pytest.raises(RuntimeError, match="mul_ wrote to it since"):
        loss.backward()


@pytest.mark.spec("AGE-058", "sees no later token and reads at most its block")
def test_gpt_sees_no_later_token_and_reads_at_most_its_block():
    gpt = GPT(11, 9, 8, 2, 2).double().eval()
    before = gpt(ag.tensor(IDS)).detach().numpy()
    changed = IDS.copy()
    changed[:, 4:] = 0
    after = gpt(ag.tensor(changed)).detach().numpy()
    np.testing.assert_allclose(after[:, :4], before[:, :4], rtol=1e-12)
    assert not np.allclose(after[:, 4:], before[:, 4:])
    with pytest.raises(ValueError, match="GPT reads 9 tokens, not 10"):
        gpt(ag.tensor(np.zeros((1, 10), np.int64)))


def test_gpt_of_no_sentences_gives_no_scores():
    gpt = GPT(11, 9, 8, 2, 2)
    assert gpt(ag.tensor(np.zeros((0, 5), np.int64))).shape == (0, 5, 11)


def test_gpt_starts_as_gpt2():
    ag.manual_seed(0)
    gpt = GPT(300, 64, 96, 4, 3)
    spread = {n: p.detach().numpy().std() for n, p in gpt.named_parameters()}
    assert spread["wte.weight"] == pytest.approx(0.02, rel=0.02)
    assert spread["blocks.1.up.weight"] == pytest.approx(0.02, rel=0.02)
    assert spread["blocks.2.down.weight"] == pytest.approx(0.02 / 6**0.5, rel=0.02)
    assert spread["blocks.0.attention.proj.weight"] == pytest.approx(
        0.02 / 6**0.5, rel=0.03
    )


@pytest.mark.parametrize("name", ["cnn", "mlp", "lstm", "gpt"])
def test_dropout_is_for_training_only(name):
    ag.manual_seed(0)
    text = name in ("lstm", "gpt")
    config = ModelConfig(name, hidden=(64,), widths=(8,), d_model=16, dropout=0.5)
    model = build_model(config, TEXT if text else IMAGES)
    x = IDS % 3 if text else numbers(2, 3, 16, 16).astype(np.float32)
    results = [model(ag.tensor(x)).detach().numpy() for _ in range(2)]
    assert not np.array_equal(*results)
    model.eval()
    results = [model(ag.tensor(x)).detach().numpy() for _ in range(2)]
    assert np.array_equal(*results)


IMAGES = {"name": "images", "input_shape": [3, 16, 16], "classes": ["a", "b"]}
WIDE = IMAGES | {"input_shape": [3, 16, 20]}
TABLE = {"name": "points", "input_shape": [2], "classes": ["a", "b"]}
TEXT = {"name": "text", "input_shape": [8], "vocabulary": ["a", "b", "c"]}
SENTENCES = {"name": "sentiment", "input_shape": [8], "vocabulary": ["<pad>", "x"]}
SENTENCES |= {"classes": ["a", "b"]}
BUILT = [
    ("logistic", TABLE, MLP),
    ("mlp", IMAGES, MLP),
    ("scalar_mlp", TABLE, ScalarMLP),
    ("lenet", IMAGES, LeNet),
    ("cnn", IMAGES, CNN),
    ("resnet", WIDE, ResNet),
    ("lstm", TEXT, CharLSTM),
    ("lstm", SENTENCES, SentimentLSTM),
    ("gpt", TEXT, GPT),
]


@pytest.mark.spec("AGE-058", "built by name")
@pytest.mark.parametrize(("name", "info", "kind"), BUILT)
def test_models_are_built_by_name(name, info, kind):
    model = build_model(ModelConfig(name, widths=(4, 4)), info)
    assert type(model) is kind
    if name == "logistic":
        assert [p.shape for p in model.parameters()] == [(2, 2), (2,)]


WRONG = [
    (ModelConfig("gpt"), IMAGES, "model gpt does not read images data"),
    (ModelConfig("mlp"), TEXT, "model mlp does not read text data"),
    (ModelConfig("gpt"), SENTENCES, "model gpt does not read sentiment data"),
    (ModelConfig("cnn"), TABLE, r"model cnn does not read points data of shape \[2\]"),
    (ModelConfig("scalar_mlp"), IMAGES, "does not read images data of shape"),
    (ModelConfig("lenet"), WIDE, r"lenet reads square images, not \[3, 16, 20\]"),
    (ModelConfig("cnn", widths=(4,) * 5), IMAGES, "halve a side of 16 below one"),
    (ModelConfig("gpt", d_model=9, n_heads=2), TEXT, "d_model 9 does not split into 2"),
    (
        ModelConfig("lenet"),
        IMAGES | {"input_shape": [1, 11, 11]},
        "sides of 12 and more, not 11",
    ),
]


@pytest.mark.spec("AGE-058", "what a model cannot read is refused")
@pytest.mark.parametrize(("config", "info", "text"), WRONG)
def test_what_a_model_cannot_read_is_refused(config, info, text):
    with pytest.raises(ValueError, match=text):
        build_model(config, info)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"depth": 0}, "depth = 0: must be >= 1"),
        ({"hidden": (3, 0)}, r"hidden = \[3, 0\]: sizes >= 1"),
        ({"dropout": 1.0}, "dropout = 1.0: from 0 to below 1"),
    ],
)
def test_a_wrong_size_in_the_config_is_refused(options, text):
    with pytest.raises(ValueError, match=text):
        ModelConfig(**options)
