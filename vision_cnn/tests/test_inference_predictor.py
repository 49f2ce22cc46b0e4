"""Logits as in training: views, precision, memory format, batch size, NaN."""

from dataclasses import replace

import pytest
import torch

from src.inference.predictor import Predictor, load_predictor
from src.inference.splits import batches, open_split
from src.inference.tta import average_views
from tests.checkpoints import INFO, call, make_checkpoint, with_train


@pytest.fixture(scope="module")
def predictor(tmp_path_factory):
    return load_predictor(make_checkpoint(tmp_path_factory.mktemp("run")))


class Recorder(torch.nn.Module):
    """Gives the mean of one corner, and keeps what it was asked."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def forward(self, image):
        self.seen.append((image, torch.is_autocast_enabled(image.device.type)))
        return image[:, 0, :2, :2].mean((1, 2))[:, None].expand(-1, 3) * 1.0


def images(count=4, height=5, width=6, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(count, 3, height, width, generator=generator)


def corner(part):
    return part[:, 0, :2, :2].mean((1, 2))[:, None]


@pytest.mark.spec("CNN-069", "`flip` the mean of image and mirror image")
def test_flip_is_the_mean_of_image_and_mirror_image():
    x = images()
    expected = (corner(x) + corner(x.flip(-1))) / 2
    torch.testing.assert_close(average_views(corner, x, "flip"), expected)
    assert average_views(corner, x, "none").equal(corner(x))


@pytest.mark.spec("CNN-069", "half of the weight to shifts by a pixel")
def test_flip_shift_adds_both_shifted_by_one_pixel_with_half_of_the_weight():
    x = images()
    rows, columns = x.shape[-2:]
    wide = x[:, :, [1, *range(rows), rows - 2]]
    wide = wide[..., [1, *range(columns), columns - 2]]  # reflected by hand
    moved = (wide[..., :rows, :columns], wide[..., 2:, 2:])
    plain = (corner(x) + corner(x.flip(-1))) / 2
    shifted = sum(corner(v) + corner(v.flip(-1)) for v in moved) / 4
    expected = (plain + shifted) / 2
    torch.testing.assert_close(average_views(corner, x, "flip_shift"), expected)


@pytest.mark.parametrize("tta", ["flip", "flip_shift"])
def test_the_mirror_image_has_the_same_logits(predictor, tta):
    x = images(3, 12, 12)
    one, other = predictor.logits(x, tta), predictor.logits(x.flip(-1), tta)
    if tta == "flip":
        torch.testing.assert_close(one, other)
    else:  # of the shifts the two diagonals differ
        assert not one.equal(predictor.logits(x, "flip"))


def test_an_image_of_one_pixel_has_views_too():
    x = images(2, 1, 1)
    mean = lambda part: part.mean((2, 3))  # noqa: E731
    torch.testing.assert_close(average_views(mean, x, "flip_shift"), mean(x))


def test_views_that_there_are_not_are_refused():
    with pytest.raises(ValueError, match="tta is turn, which is none of none, flip"):
        average_views(corner, images(), "turn")


@pytest.mark.spec("CNN-069", "precision and memory format are those of the training")
@pytest.mark.parametrize("precision", ["fp32", "bf16", "fp16"])
@pytest.mark.parametrize("channels_last", [True, False])
def test_precision_and_memory_format_are_those_of_the_training(
    precision, channels_last
):
    config = with_train(precision=precision, channels_last=channels_last)
    model = Recorder()
    found = Predictor(model, config, INFO).logits(images())
    ((image, autocast),) = model.seen
    assert image.is_contiguous(memory_format=torch.channels_last) == channels_last
    assert autocast == (precision == "bf16")  # fp16 is for CUDA
    assert found.dtype == torch.float32


def test_bf16_changes_the_logits_a_little(predictor):
    x = images(8, 12, 12)
    lower = replace(predictor, config=with_train(precision="bf16"))
    exact, rounded = predictor.logits(x), lower.logits(x)
    assert not exact.equal(rounded)
    torch.testing.assert_close(exact, rounded, atol=0.2, rtol=0.1)


@pytest.mark.spec("CNN-069", "do not depend on the size of the batch")
@pytest.mark.parametrize("size", [1, 3, 20, 500])
def test_logits_do_not_depend_on_the_size_of_the_batch(predictor, size):
    dataset = open_split(predictor, "test").dataset
    found = torch.cat([predictor.logits(b["image"]) for b in batches(dataset, size)])
    whole = predictor.logits(dataset.__getitems__([(0, i) for i in range(20)])["image"])
    torch.testing.assert_close(found, whole, atol=1e-5, rtol=1e-5)


def test_no_image_gives_no_logits(predictor):
    assert predictor.logits(torch.empty(0, 3, 12, 12)).shape == (0, 4)


def test_no_gradient_is_kept(predictor):
    assert not predictor.logits(images(1, 12, 12)).requires_grad


@pytest.mark.spec("CNN-070", "names the first such image and exits with 1")
def test_logits_that_are_no_numbers_are_a_fault_that_names_the_image(
    tmp_path, monkeypatch, capsys
):
    path = make_checkpoint(tmp_path / "run")
    original = Predictor.logits

    def with_nan(self, image, tta="none"):
        logits = original(self, image, tta)
        logits[-2:] = float("nan")
        return logits

    monkeypatch.setattr(Predictor, "logits", with_nan)
    code = call(monkeypatch, "eval", "--checkpoint", path, "--device", "cpu")
    assert code == 1
    assert "test-00018: the model gives NaN or infinity" in capsys.readouterr().err
    assert not (tmp_path / "run/eval").exists()
