"""What the panel `look` is told, against the network itself."""

import base64
import io
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch
from PIL import Image

from src.app.look import Look
from src.app.opened import Opened
from src.app.surgery import Surgery
from src.app.uploads import Upload
from src.data import DataConfig
from src.explain.layers import as_map, capture
from src.inference.infer import infer
from src.models import MODELS
from src.utils.checkpoint import load_checkpoint, save_checkpoint
from src.utils.errors import InputError
from tests.app_checkpoints import make_tiny, open_tiny
from tests.checkpoints import (
    CONFIG,
    INFO,
    leave_out_pictures,
    make_checkpoint,
    save_image,
)


@pytest.fixture(scope="module")
def look_at(tmp_path_factory):
    """The panel of a network of the registry, made once."""
    return cache(lambda name: Look(open_tiny(tmp_path_factory.mktemp(name), name)))


def product(about: dict, channel: int, row: int, column: int) -> float:
    """Patch times kernel plus bias, read out of the answer number by number."""
    images, kernel = about["input"].double(), about["weight"][channel].double()
    group = about["channels"][channel] // (about["kernels"] // about["groups"])
    total = float(about["bias"][channel])
    for c, i, j in np.ndindex(*kernel.shape):
        y = row * about["stride"][0] + i * about["dilation"][0] - about["padding"][0]
        x = column * about["stride"][1] + j * about["dilation"][1] - about["padding"][1]
        if 0 <= y < images.shape[1] and 0 <= x < images.shape[2]:
            pixel = images[group * len(kernel) + c, y, x]
            total += float(pixel * kernel[c, i, j])
    return total


def some_units(about: dict) -> list[tuple[int, int, int]]:
    """A corner, where padding counts, and the last place."""
    count, rows, columns = about["maps"].shape
    return [(0, 0, 0), (count - 1, rows - 1, columns - 1)]


@pytest.mark.spec("CNN-180", "the patch times the kernel plus the bias is the number")
@pytest.mark.parametrize("name", MODELS)
def test_patch_times_kernel_is_the_number_in_every_network(name, look_at):
    look = look_at(name)
    layers = [x["layer"] for x in look.start()["layers"]]
    kinds = ("Conv2d", "Linear")
    weighed = [n for n in layers if type(look.layers[n].module).__name__ in kinds]
    for layer in {weighed[i * (len(weighed) - 1) // 3] for i in range(4)}:
        about = look.layer("test:3", layer)
        assert about["rule"] == "convolution", layer
        for unit in some_units(about):
            wanted = float(about["maps"][unit])
            assert product(about, *unit) == pytest.approx(wanted, rel=1e-4, abs=1e-5)


@pytest.mark.spec("CNN-180", "the patch times the kernel plus the bias is the number")
def test_scale_and_shift_of_a_batch_norm_give_its_number(tmp_path):
    opened = open_tiny(tmp_path, "resnet20")
    norm = opened.model.get_submodule("stem.0.norm")
    norm.running_mean.normal_()
    norm.running_var.uniform_(0.5, 2)
    about = Look(opened).layer("test:3", "stem.0.norm")
    scale, shift = (about[x][:, None, None] for x in ("scale", "shift"))
    assert about["rule"] == "affine"
    assert torch.allclose(about["before"] * scale + shift, about["maps"], atol=1e-5)


@pytest.mark.spec("CNN-179", "Each layer of each network of the registry")
@pytest.mark.parametrize("name", ["vit_tiny", "convnext_tiny", "mobilenet_v2"])
def test_the_maps_of_every_layer_are_what_the_network_computes(name, look_at):
    look = look_at(name)
    image = look.opened.tensor("test:5")
    names = [x["layer"] for x in look.start()["layers"]]
    with torch.no_grad(), capture(look.model, image, names) as seen:
        outputs = seen.outputs
    for name in names[:: max(1, len(names) // 12)]:
        about, grid = look.layer("test:5", name), as_map(outputs[name], image)
        grid = outputs[name].reshape(1, -1, 1, 1) if grid is None else grid
        assert torch.allclose(about["maps"], grid[0][about["channels"]], atol=1e-5)
        assert about["total"] == grid.shape[1] and about["said"].endswith(".")


@pytest.mark.spec("CNN-181", "exactly the pixels that can change it")
@pytest.mark.parametrize("layer", ["stem.0.conv", "stages.0.2", "stages.1.0"])
def test_the_receptive_field_holds_exactly_the_pixels_that_move_the_unit(
    layer, tmp_path
):
    look = Look(open_tiny(tmp_path, "resnet20", width=1.0))
    image = look.opened.tensor("test:0").requires_grad_()
    field = look.layer("test:0", layer)["field"]
    with capture(look.model, image, [layer]) as seen:
        output = seen.outputs[layer]
    for row, column in [(0, 0), (3, 2), (output.shape[2] - 1, 4)]:
        unit = output[0, :, row, column].sum()
        (moved,) = torch.autograd.grad(unit, image, retain_graph=True)
        moved = (moved[0].abs().sum(0) > 0).nonzero()
        for axis, place in enumerate((row, column)):
            start = field["low"][axis] + place * field["stride"][axis]
            end = field["high"][axis] + place * field["stride"][axis]
            assert moved[:, axis].min() == max(0, start)
            assert moved[:, axis].max() == min(15, end)


@pytest.mark.spec("CNN-181", "the pixels that can change it")
@pytest.mark.parametrize("name", MODELS)
def test_no_pixel_outside_the_receptive_field_moves_a_unit(name, look_at):
    look = look_at(name)
    image, names = look.opened.tensor("test:0").requires_grad_(), [*look.layers]
    chosen = [names[i * (len(names) - 1) // 4] for i in range(4)]
    with capture(look.model, image, chosen) as seen:
        for layer in chosen:
            field, grid = look.layer("test:0", layer)["field"], seen.outputs[layer]
            grid = as_map(grid, image)
            if grid is None or field["low"][0] is None:
                continue
            place = grid.shape[2] // 2, grid.shape[3] // 3
            units = grid[0, :, place[0], place[1]]
            unit = units @ torch.arange(1.0, 1 + len(units))
            (moved,) = torch.autograd.grad(unit, image, retain_graph=True)
            pixels = (moved[0].abs().sum(0) > 0).nonzero()
            for axis, at in enumerate(place):
                shift = at * field["stride"][axis]
                assert pixels[:, axis].min() >= field["low"][axis] + shift, layer
                assert pixels[:, axis].max() <= field["high"][axis] + shift, layer


@pytest.mark.spec("CNN-181", "exactly the pixels that can change it")
def test_behind_attention_every_pixel_can_change_a_unit(look_at):
    look = look_at("vit_tiny")
    before = look.layer("test:0", "layers.0.attend.qkv")["field"]
    behind = look.layer("test:0", "layers.1.attend.qkv")["field"]
    assert (before["low"], before["high"]) == ([0, 0], [3, 3])
    assert (behind["low"], behind["high"]) == ([None, None], [None, None])


@pytest.mark.spec("CNN-179", "any image file as `infer.py` reads it")
def test_a_dropped_image_is_named_as_the_command_names_it(tmp_path, monkeypatch):
    leave_out_pictures(monkeypatch)
    checkpoint = make_tiny(tmp_path, "simple_cnn")
    pixels = np.random.default_rng(0).integers(0, 256, (40, 61, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    (wanted,) = infer(checkpoint, [tmp_path / "a.png"], tmp_path / "out")["images"]
    look = Look(Opened(checkpoint))
    dropped = look.drop(upload("a.png", (tmp_path / "a.png").read_bytes()))
    assert dropped["picture"].shape == (16, 16, 3) and dropped["true"] is None
    top = look.predict(dropped["image"])["top"]
    assert [x["class"] for x in top][:3] == [x["class"] for x in wanted["top"]]
    for ours, theirs in zip(top, wanted["top"], strict=False):
        assert ours["probability"] == pytest.approx(theirs["probability"], abs=1e-5)


def upload(name: str, content: bytes) -> Upload:
    return Upload(name, base64.b64encode(content).decode())


def wide_png() -> bytes:
    file = io.BytesIO()
    Image.new("1", (10_000, 5_000)).save(file, "PNG")
    return file.getvalue()


@pytest.mark.spec("CNN-186", "a text file, an image of 50 megapixels")
@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"hello, world", "a.png: is not a PNG, .* image"),
        (wide_png(), "a.png: is 10000x5000; the page takes up to 40,000,000 pixels"),
        (wide_png()[:200], "a.png: is (10000x5000|damaged)"),
    ],
)
def test_what_is_no_picture_for_the_page_is_refused(content, sentence, tmp_path):
    look = Look(open_tiny(tmp_path, "lenet5"))
    with pytest.raises(InputError, match=sentence):
        look.drop(upload("a.png", content))


@pytest.mark.spec("CNN-186", "NaN weights")
def test_weights_that_are_no_numbers_are_refused_by_name(tmp_path):
    path = make_tiny(tmp_path, "lenet5")
    content = load_checkpoint(path)
    content["model"]["head.weight"][0, 3] = float("nan")
    save_checkpoint(path, content)
    with pytest.raises(InputError, match="best.pt: head.weight holds .* not finite"):
        Opened(path)


@pytest.mark.spec("CNN-186", "a checkpoint of another sub-project")
def test_a_checkpoint_of_another_project_is_refused(tmp_path):
    path = make_tiny(tmp_path, "lenet5")
    torch.save(load_checkpoint(path) | {"project": "sequence_models"}, path)
    with pytest.raises(InputError, match="made by sequence_models; this is vision_cnn"):
        Opened(path)


@pytest.mark.parametrize(
    ("image", "layer", "sentence"),
    [
        ("test:3", "stem.0.convv", "did you mean stem.0.conv"),
        ("test:99", "stem.0.conv", "test has the images 0 to 23"),
        ("tent:1", "stem.0.conv", "image 'tent:1': must be named as test:17"),
        ("pixels:AAAA", "stem.0.conv", "has 3 numbers, the model takes 3x16x16"),
        ("pixels:!", "stem.0.conv", "drop it again"),
        ("pixels:\u00e9", "stem.0.conv", "drop it again"),
        ("test:" + 5000 * "9", "stem.0.conv", "must be named as test:17"),
    ],
)
def test_a_question_that_cannot_be_answered_says_why(image, layer, sentence, tmp_path):
    look = Look(open_tiny(tmp_path, "resnet20"))
    with pytest.raises(InputError, match=sentence):
        look.layer(image, layer)


@pytest.mark.spec("CNN-179", "on any image file as `infer.py` reads it")
def test_without_the_data_an_image_can_still_be_dropped(tmp_path):
    config = replace(CONFIG, data=DataConfig(name="npz", root=str(tmp_path / "gone")))
    opened = Opened(make_checkpoint(tmp_path / "run", config, INFO))
    look = Look(opened)
    start, file = look.start(), save_image(tmp_path / "a.png")
    assert start["examples"] == [] and start["class_names"] == ["cat", "dog", "eel"]
    image = look.drop(upload("a.png", file.read_bytes()))["image"]
    assert len(look.predict(image)["top"]) == 3
    assert look.layer(image, start["blocks"][0])["maps"].shape[1:] == (12, 16)
    with pytest.raises(InputError, match="gone"):
        Surgery(opened).start()
