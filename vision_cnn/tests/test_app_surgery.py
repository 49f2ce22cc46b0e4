"""What the panel `surgery` is told, against networks whose parts are really gone."""

import copy

import pytest
import torch
from torch import nn

from src.app import surgery as module
from src.app.ablation import ALL, Ablation
from src.app.surgery import Surgery
from src.utils.errors import InputError
from tests.app_checkpoints import open_tiny
from tests.explained import same_state, state_of


@pytest.mark.spec("CNN-184", "as a network whose kernel is zero")
@pytest.mark.parametrize(
    ("name", "layer"),
    [
        ("lenet5", "c3"),
        ("fast_cnn", "groups.1.conv1"),
        ("resnet20", "stages.1.0.residual.0.conv"),
        ("mobilenet_v2", "blocks.3.residual.1.conv"),
        ("vgg11", "stages.2.conv"),
        ("vit_tiny", "patches"),
    ],
)
def test_without_a_kernel_the_network_is_as_one_whose_kernel_is_zero(
    name, layer, tmp_path
):
    opened = open_tiny(tmp_path, name)
    panel, other = Surgery(opened), copy.deepcopy(opened.model)
    before = state_of(opened.model)
    for parameter in other.get_submodule(layer).parameters():
        parameter.data[[0, 2]] = 0
    with torch.no_grad():
        wanted = other(all_images(panel))
    found = panel.ablation.without({layer: {0, 2}})
    assert torch.allclose(found, wanted, atol=1e-5)
    assert not torch.allclose(found, panel.ablation.logits, atol=1e-5)
    assert same_state(before, state_of(opened.model))


def all_images(panel: Surgery) -> torch.Tensor:
    keys = [(0, i) for i in panel._indices.tolist()]
    return panel.opened.splits["test"].__getitems__(keys)["image"]


@pytest.mark.spec("CNN-185", "the same numbers as if nothing were kept")
@pytest.mark.parametrize("name", ["vgg11", "preact_resnet18", "fast_cnn", "vit_tiny"])
def test_what_is_kept_from_the_first_run_changes_no_number(name, tmp_path):
    panel = Surgery(open_tiny(tmp_path, name))
    images, blocks = all_images(panel), panel.blocks
    keeping = Ablation(panel.model, images, blocks)
    plain = Ablation(panel.model, images, blocks, room=0)
    assert set(keeping.kept) == set(blocks) and not plain.kept
    for part in [*blocks[:: max(1, len(blocks) // 4)], "head"]:
        for channels in ({0}, ALL):
            found = keeping.without({part: channels})
            assert torch.equal(found, plain.without({part: channels})), part
    assert torch.equal(keeping.without({}), keeping.logits)


class Doubled(nn.Module):
    def forward(self, x):
        return x.mul_(2)


@pytest.mark.spec("CNN-185", "the same numbers as if nothing were kept")
def test_a_layer_that_writes_into_its_input_spoils_nothing_that_is_kept():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(3, 4, 1), Doubled(), nn.Flatten())
    ablation = Ablation(model, torch.randn(2, 3, 4, 4), ["0"])
    whole = ablation.logits.reshape(2, 4, 16)
    for _ in range(2):
        found = ablation.without({"1": {1}}).reshape(2, 4, 16)
        assert torch.equal(found[:, [0, 2, 3]], whole[:, [0, 2, 3]])
        assert not found[:, 1].any()


@pytest.mark.spec("CNN-184", "adds nothing where it has a branch")
def test_a_residual_block_that_is_off_adds_nothing(tmp_path):
    opened = open_tiny(tmp_path, "resnet20")
    panel, other = Surgery(opened), copy.deepcopy(opened.model)
    last = other.get_submodule("stages.1.0.residual.1.norm")
    last.weight.data.zero_()
    last.bias.data.zero_()
    with torch.no_grad():
        wanted = other(all_images(panel))
    assert torch.allclose(
        panel.ablation.without({"stages.1.0": ALL}), wanted, atol=1e-5
    )
    told = {x["layer"]: x["off"] for x in panel.start()["blocks"]}
    assert told["stages.1.0"] == "its branch adds nothing"


@pytest.mark.spec("CNN-184", "accuracy of each class before and after")
def test_the_accuracy_of_each_class_is_counted_image_by_image(tmp_path):
    panel = Surgery(open_tiny(tmp_path, "simple_cnn"))
    start = panel.start()
    part = f"{panel.blocks[0]}:1"
    found = panel.without([part])
    with torch.no_grad():
        was = panel.model(all_images(panel)).argmax(1)
    now = panel.ablation.without({panel.blocks[0]: {1}}).argmax(1)
    for scores, said in ((start, was), (found, now)):
        right = [0, 0, 0, 0]
        for label, guess in zip(panel.target.tolist(), said.tolist(), strict=True):
            right[label] += label == guess
        shares = zip(right, scores["of_class"], strict=True)
        assert scores["recall"] == [r / n for r, n in shares]
        assert scores["accuracy"] == sum(right) / 24
    assert found["changed"] == int((was != now).sum())


@pytest.mark.spec("CNN-185", "500, or as many as a second has room for")
def test_a_large_network_gets_fewer_images_and_says_how_many(tmp_path, monkeypatch):
    opened = open_tiny(tmp_path, "resnet20")
    monkeypatch.setattr(module, "LEAST", 8)
    assert Surgery(opened).start()["images"] == 24
    monkeypatch.setattr(module, "WORK", 10)
    start = Surgery(opened).start()
    assert (start["images"], start["of"], start["of_class"]) == (8, 24, [2, 2, 2, 2])


@pytest.mark.parametrize(
    ("part", "sentence"),
    [
        ("stages.9", "did you mean stages"),
        ("stages.1.0:8", "stages.1.0 has the channels 0 to 3"),
        ("stages.1.0:-1", "stages.1.0 has the channels 0 to 3"),
    ],
)
def test_a_part_that_is_not_there_is_refused(part, sentence, tmp_path):
    with pytest.raises(InputError, match=sentence):
        Surgery(open_tiny(tmp_path, "resnet20")).without([part])
