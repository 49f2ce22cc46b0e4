"""Parameters, multiply-adds and memory, beside torch's counter, fvcore and hooks."""

import warnings

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from src.models import MODELS, ModelConfig, build_model
from src.models.summary import describe, main, short, summarise, table
from src.models.trace import trace


PAPERS = {"resnet18": (11_173_962, 555.42), "resnet20": (269_722, 40.55)}


def build(name: str, side: int = 32) -> nn.Module:
    return build_model(ModelConfig(name), 3, 10, (side, side)).eval()


@pytest.mark.spec("CNN-055", "multiply-adds equal torch's flop counter")
@pytest.mark.parametrize("name", MODELS)
def test_counts_are_those_of_torch(name):
    side = 32 if name.startswith(("lenet", "vgg")) else 16
    model, image = build(name, side), torch.zeros(1, 3, side, side)
    # In this way attention is two products that the counter sees.
    with torch.no_grad(), sdpa_kernel(SDPBackend.MATH):
        with FlopCounterMode(display=False) as counter:
            model(image)
    layers = trace(model, 3, side, side, memory=False)
    assert sum(layer.macs for layer in layers) == counter.get_total_flops() / 2
    parameters = sum(p.numel() for p in model.parameters())
    assert sum(layer.parameters for layer in layers) == parameters


@pytest.mark.parity("multiply-accumulates", "fvcore.nn.FlopCountAnalysis")
@pytest.mark.spec("CNN-055", "and fvcore's")
@pytest.mark.parametrize("name", ["lenet5", "resnet20", "mobilenet_v2"])
def test_counts_are_those_of_fvcore(name, parity):
    fvcore = pytest.importorskip("fvcore.nn")
    model = build(name)
    with warnings.catch_warnings(action="ignore"):
        analysis = fvcore.FlopCountAnalysis(model, torch.zeros(1, 3, 32, 32))
        analysis.unsupported_ops_warnings(False).uncalled_modules_warnings(False)
        by_kind = analysis.by_operator()
    counted = summarise(model, 3, 32, 32).macs
    theirs = sum(by_kind[k] for k in ("conv", "linear", "matmul"))
    parity.value(counted, theirs, atol=0)


@pytest.mark.parametrize("name", PAPERS)
def test_counts_are_those_of_the_papers(name):
    parameters, millions = PAPERS[name]
    counted = summarise(build(name), 3, 32, 32)
    assert counted.parameters == parameters
    assert counted.macs / 1e6 == pytest.approx(millions, abs=0.01)


def test_attention_counts_both_products():
    class Attend(nn.Module):
        def forward(self, x):
            x = x.flatten(2)  # 6 tokens of 5 pixels
            return F.scaled_dot_product_attention(x, x, x)

    assert summarise(Attend(), 6, 1, 5).macs == 2 * 6 * 6 * 5


def test_a_row_for_each_layer_by_hand():
    model = nn.Sequential(
        nn.Conv2d(3, 4, 3, stride=2), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 9, 5)
    )
    rows = {row.name: row for row in summarise(model, 3, 7, 7).layers}
    assert list(rows) == ["0", "1", "2", "3"]
    assert rows["0"].shape == (4, 3, 3) and rows["0"].parameters == 3 * 4 * 9 + 4
    assert rows["0"].macs == 9 * 4 * 27 and rows["3"].macs == 36 * 5
    assert rows["3"].shape == (5,) and rows["1"].macs == rows["1"].parameters == 0


@pytest.mark.spec("CNN-057", "bytes that autograd keeps for each further image")
def test_memory_by_hand():
    model = nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(inplace=True)
    )
    rows = {row.name: row.saved for row in summarise(model, 3, 8, 8).layers}
    # the image for the convolution; its result for the norm; the signs for the ReLU
    assert rows == {"0": 4 * 3 * 64, "1": 4 * 4 * 64, "2": 4 * 4 * 64}


@pytest.mark.spec("CNN-057", "bytes that autograd keeps for each further image")
@pytest.mark.parametrize("name", ["simple_cnn", "resnet20", "fast_cnn", "vit_tiny"])
def test_memory_is_what_autograd_keeps(name):
    model = build(name).train()
    kept = []
    for images in (4, 6):
        storages = {}

        def pack(tensor, storages=storages):
            storages[tensor.untyped_storage().data_ptr()] = tensor
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
            model(torch.zeros(images, 3, 32, 32)).sum()
        kept.append(sum(t.untyped_storage().nbytes() for t in storages.values()))
    assert summarise(model, 3, 32, 32).saved == (kept[1] - kept[0]) / 2


def test_the_model_is_left_as_it_is():
    model = build("resnet20").train()
    model.stem.eval()
    modes = [module.training for module in model.modules()]
    before = {name: value.clone() for name, value in model.state_dict().items()}
    random = torch.get_rng_state()
    describe(model, 3, 16, 16)
    summarise(model, 3, 16, 16)
    assert [module.training for module in model.modules()] == modes
    assert torch.equal(torch.get_rng_state(), random)
    after = model.state_dict()
    assert all(torch.equal(after[name], value) for name, value in before.items())
    assert all(p.grad is None for p in model.parameters())
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in model.modules())


def test_a_shared_layer_counts_once_and_works_twice():
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(4, 4, bias=False)

        def forward(self, x):
            return self.layer(self.layer(x.flatten(1)))

    counted = summarise(Twice(), 1, 2, 2)
    assert (counted.parameters, counted.macs) == (16, 32)


@pytest.mark.parametrize("depth", [1, 2])
def test_depth_adds_up_what_lies_deeper(depth):
    model = build("resnet20")
    all_rows, few = summarise(model, 3, 32, 32), summarise(model, 3, 32, 32, depth)
    assert len(few.layers) < len(all_rows.layers)
    for value in ("parameters", "macs", "saved"):
        total = sum(getattr(row, value) for row in all_rows.layers)
        assert sum(getattr(row, value) for row in few.layers) == total
        assert getattr(few, value) == total


def test_a_model_on_the_meta_device_needs_no_numbers():
    with torch.device("meta"):
        model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8))
    assert summarise(model, 3, 500, 500).macs == 8 * 27 * 498**2


def test_one_line_for_the_title_of_a_training():
    assert describe(build("resnet18"), 3, 32, 32) == (
        "11.2 M parameters, 555 M multiply-adds an image of 3x32x32"
    )
    numbers = (0, 999, 999.4, 999.5, 12_345, 999_499, 999_500, 4_089_000_000)
    said = ["0", "999", "999", "1 k", "12.3 k", "999 k", "1 M", "4.09 G"]
    assert [short(n) for n in numbers] == said


def test_the_command_prints_the_table(capsys):
    assert main(["--model", "resnet18", "--depth", "1"]) == 0
    out = capsys.readouterr().out
    assert "stages" in out and "11,173,962" in out and "555,422,720" in out
    with pytest.raises(SystemExit) as stopped:
        main(["--model", "fast_cnn", "--size", "2"])
    assert stopped.value.code == 2
    assert "sides of at least" in capsys.readouterr().err


def test_the_table_is_aligned():
    lines = table(summarise(build("simple_cnn"), 3, 32, 32)).split("\n\n")[0]
    places = {line.index("Conv2d") for line in lines.splitlines() if "Conv2d" in line}
    assert len(places) == 1 and all(len(x) < 120 for x in lines.splitlines())
