"""Stripes, checks, blobs, rings: the same each time, even, no line tells them apart."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from src.data import preview
from src.data.toy_config import PATTERNS, ToyConfig
from src.data.toy_patterns import ToyPatterns, main, open_toy
from src.utils.contracts import ContractError
from src.utils.errors import InputError


TINY = ToyConfig(size=12, n_train=30, n_val=9, n_test=8)


@pytest.mark.spec("CNN-054", "a function of (seed, split, index)")
def test_an_image_is_the_same_in_any_batch():
    images = ToyPatterns(TINY, "train", 3)
    whole = images[torch.arange(30)]
    assert whole.dtype == torch.uint8 and whole.shape == (30, 3, 12, 12)
    assert torch.equal(images[torch.tensor([7, 21, 7])], whole[[7, 21, 7]])
    assert torch.equal(ToyPatterns(TINY, "train", 3)[torch.arange(30)], whole)
    more = ToyConfig(size=12, n_train=300)
    assert torch.equal(ToyPatterns(more, "train", 3)[torch.arange(30)], whole)


def test_no_two_images_splits_or_seeds_are_alike():
    every = [
        ToyPatterns(TINY, split, seed)[torch.arange(8)]
        for split in ("train", "val", "test")
        for seed in (0, 1)
    ]
    assert len(torch.cat(every).flatten(1).unique(dim=0)) == 6 * 8


def test_the_source_has_even_classes_and_names():
    source = open_toy(TINY, 0)
    assert source.class_names == ("stripes", "checks", "blobs", "rings")
    assert [len(part.labels) for part in source.parts.values()] == [30, 9, 8]
    for name, (images, labels, names) in source.parts.items():
        assert len(images) == len(labels) == len(names)
        counts = torch.bincount(labels, minlength=4)
        assert counts.max() - counts.min() <= 1 and labels.dtype == torch.int64
        assert names[5] == f"{name}-00005"


def test_the_fingerprint_tells_configurations_and_seeds_apart():
    configs = (TINY, ToyConfig(size=12), ToyConfig(size=12, noise=0.2))
    prints = {open_toy(c, seed).fingerprint for c in configs for seed in (0, 1)}
    assert len(prints) == 6 and {len(text) for text in prints} == {64}
    assert open_toy(TINY, 0).fingerprint in prints


@pytest.mark.parametrize("size", [8, 17, 64])
@pytest.mark.parametrize("channels", [1, 3])
def test_each_size_and_grey(size, channels):
    config = ToyConfig(size=size, channels=channels, patterns=PATTERNS, n_train=10)
    images = ToyPatterns(config, "train", 0)[torch.arange(10)]
    assert images.shape == (10, channels, size, size)
    assert (images.float().std((1, 2, 3)) > 5).all()
    assert ToyPatterns(config, "train", 0)[torch.arange(0)].shape[0] == 0


def test_noise_has_the_deviation_that_is_asked_for():
    quiet, loud = (
        ToyPatterns(ToyConfig(noise=noise, n_train=40), "train", 0)[torch.arange(40)]
        for noise in (0.0, 0.05)
    )
    fits = (quiet > 45) & (quiet < 210)  # else it is cut off
    difference = (loud.float() - quiet.float())[fits] / 255
    assert difference.std() == pytest.approx(0.05, rel=0.02)
    assert difference.mean().abs() < 0.001


def test_the_looks_are_those_of_the_class():
    config = ToyConfig(size=64, noise=0, n_train=400, patterns=PATTERNS)
    toy = ToyPatterns(config, "train", 1)
    images = toy[torch.arange(400)].float()
    stripes, rings = images[0], images[3]
    turn = toy.looks["angle"][0]
    step = 8 * torch.stack([-turn.sin(), turn.cos()])  # (right, down) along a stripe
    moved = _shift(stripes, step)[:, 20:44, 20:44]
    assert (moved - stripes[:, 20:44, 20:44]).abs().mean() < 0.15 * stripes.std()
    centre = toy.looks["centre"][3]
    y, x = torch.meshgrid(torch.arange(64), torch.arange(64), indexing="ij")
    radius = ((y - centre[0]) ** 2 + (x - centre[1]) ** 2).sqrt()
    thin = (radius - 12).abs() < 0.25
    assert rings[:, thin].std(1).max() < 0.3 * rings.std()


@pytest.mark.spec("CNN-054", "at most 40 % right, a small convolutional network 85 %")
def test_a_line_cannot_tell_what_a_small_network_can():
    torch.manual_seed(0)
    source = open_toy(ToyConfig(size=16, n_train=1600, n_test=400, noise=0.02), 0)
    (x, y), (seen, wanted) = (_scaled(source.parts[name]) for name in ("train", "test"))
    line = nn.Sequential(nn.Flatten(), nn.Linear(3 * 16 * 16, 4))
    network = nn.Sequential(
        nn.Conv2d(3, 16, 5, padding=2),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 5, padding=2),
        nn.BatchNorm2d(32),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(32, 4),
    )
    right = {}
    for name, model in (("line", line), ("network", network)):
        optimiser = torch.optim.AdamW(model.parameters(), 0.02, weight_decay=0.1)
        slower = torch.optim.lr_scheduler.LinearLR(optimiser, 1, 0.02, 320)
        for _ in range(10):
            for batch in torch.randperm(len(x)).split(50):
                optimiser.zero_grad()
                F.cross_entropy(model(x[batch]), y[batch]).backward()
                optimiser.step()
                slower.step()
        model.eval()
        right[name] = (model(seen).argmax(1) == wanted).float().mean().item()
    assert right["line"] <= 0.4 and right["network"] >= 0.85, right


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        ({"size": 7}, "size = 7: must be from 8 to 256"),
        ({"channels": 2}, "channels = 2: must be 1 or 3"),
        ({"patterns": ("rings",)}, "patterns = rings: must be two or more"),
        ({"patterns": ("rings", "rings")}, "different ones of stripes, checks"),
        ({"patterns": ("rings", "dots")}, "patterns = rings, dots"),
        ({"patterns": ()}, "patterns = none"),
        ({"n_val": 0}, "n_val = 0: must be > 0"),
        ({"noise": float("nan")}, "noise = nan: must be from 0 to 1"),
    ],
)
def test_a_wrong_configuration_is_an_error(wrong, text):
    with pytest.raises(ValueError, match=text):
        ToyConfig(**wrong)


def test_indices_must_be_whole_numbers():
    with pytest.raises(ContractError, match="indices"):
        ToyPatterns(TINY, "train", 0)[torch.tensor([0.5])]


def test_the_command_writes_a_sheet_and_counts(tmp_path, capsys):
    sheet = tmp_path / "new" / "sheet.png"
    assert main(["--debug", "--out", str(sheet), "--size", "16"]) == 0
    assert sheet.read_bytes().startswith(b"\x89PNG")
    out = capsys.readouterr().out
    assert "train  2000 images (3, 16, 16): 400 stripes, 400 checks" in out
    for wrong in ([], ["--debug", "--size", "3"], ["--debug", "--seed", "-1"]):
        with pytest.raises(SystemExit) as stopped:
            main(wrong)
        assert stopped.value.code == 2
    blocked = tmp_path / "file"
    blocked.touch()
    assert main(["--debug", "--out", str(blocked / "sheet.png"), "--size", "8"]) == 2
    assert "cannot be written" in capsys.readouterr().err


def test_the_preview_draws_augmentations(tmp_path, capsys, monkeypatch):
    some = ("crop: 4, zero", "cutmix: 1")
    monkeypatch.setattr(preview, "SHOWN", {name: preview.SHOWN[name] for name in some})
    monkeypatch.setattr(preview, "DRAWS", 2)
    sheet = tmp_path / "new" / "sheet.png"
    preview.preview(None, sheet, 12)
    assert sheet.read_bytes().startswith(b"\x89PNG")
    assert "2 augmentations" in capsys.readouterr().out
    with pytest.raises(InputError, match="--size: size = 3"):
        preview.preview(None, sheet, 3)
    with pytest.raises(InputError, match="cannot be written"):
        preview.preview(None, sheet / "below", 12)


def _scaled(part) -> tuple[Tensor, Tensor]:
    images = part.images[torch.arange(len(part.labels))].float()
    return images / 127.5 - 1, part.labels


def _shift(image: Tensor, step: Tensor) -> Tensor:
    """The image moved by (right, down) pixels, interpolated."""
    height, width = image.shape[1:]
    still = torch.eye(2, 3)[None]
    still[0, :, 2] = -2 * step / torch.tensor([width, height])
    grid = F.affine_grid(still, (1, 1, height, width), align_corners=False)
    return F.grid_sample(image[None], grid, align_corners=False)[0]
