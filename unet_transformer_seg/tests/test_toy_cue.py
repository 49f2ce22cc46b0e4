"""toy_cue: the marker decides, and who cannot see it cannot pass the ceiling."""

import numpy as np
import pytest
import torch

from src.data.toy import ToyConfig
from src.data.toy_cue import CEILING_WITHOUT_CUE, GAP, STRIP, ToyCue, render
from src.models.unet import UNet
from src.models.unet_transformer import TransformerConfig, UNetTransformer


CONFIG = ToyConfig()
HARD = ToyConfig(variant="hard")


def mean_iou(predictions: np.ndarray, targets: np.ndarray) -> float:
    pairs = np.bincount((3 * targets + predictions).ravel(), minlength=9).reshape(3, 3)
    hits = np.diag(pairs)
    return float((hits / (pairs.sum(0) + pairs.sum(1) - hits)).mean())


def reach(model: torch.nn.Module, size: int) -> int:
    """Largest distance along an axis between an output and an input it depends on."""
    model.eval()
    farthest = 0
    for place in range(size // 2, size // 2 + 8):  # all positions within a pooled pixel
        image = torch.randn(1, 3, size, size, requires_grad=True)
        model(image)[0, :, place, place].square().sum().backward()
        touched = image.grad.abs().sum((0, 1)).nonzero()
        farthest = max(farthest, int((touched - place).abs().max()))
    return farthest


@pytest.mark.parametrize("config", [CONFIG, HARD])
def test_a_pair_differs_in_its_marker_and_in_nothing_else(config):
    for index in range(0, 40, 2):
        (red, first), (blue, second) = (
            render(config, 0, "val", index + k) for k in (0, 1)
        )
        differs = (red != blue).any(0)
        rows, columns = np.nonzero(differs)
        assert np.ptp(rows) == np.ptp(columns) == 7 and differs.sum() == 64
        assert red[0][differs].mean() > 0.8 and blue[2][differs].mean() > 0.8
        np.testing.assert_array_equal(second, np.choose(first, [0, 2, 1]))
        shapes = np.nonzero(first.any(0))[0]
        assert shapes.min() - columns.max() > GAP and columns.max() < STRIP


def test_in_easy_the_marker_alone_tells_the_class():
    for index in range(20):
        labels = np.unique(render(CONFIG, 0, "test", index)[1])
        assert labels.tolist() == [0, 1 + index % 2]


def test_in_hard_under_a_red_marker_a_disc_is_class_one():
    fill = {1: [], 2: []}
    for index in range(0, 60, 2):
        _, target = render(HARD, 0, "train", index)
        for label in (1, 2):
            lines = np.nonzero((target == label).any(1))[0]
            for rows in np.split(lines, np.nonzero(np.diff(lines) > 1)[0] + 1):
                part = target[rows] == label if len(rows) else None
                if part is not None and part.any():
                    box = len(rows) * np.ptp(np.nonzero(part.any(0))[0]) + len(rows)
                    fill[label].append(part.sum() / box)
    # a disc fills pi / 4 of its box, a square all of it
    assert np.median(fill[1]) < 0.85 and np.median(fill[2]) > 0.95


@pytest.mark.spec(
    "SEG-025", "no predictor blind to the marker exceeds a mean IoU of 5/9"
)
@pytest.mark.parametrize("config", [CONFIG, HARD])
@pytest.mark.parametrize("share", [0.0, 0.3, 0.5, 1.0, "disc"])
def test_the_ceiling_of_a_blind_predictor(share, config):
    targets = np.stack([ToyCue.render(config, 0, "val", i)[1] for i in range(128)])
    evens = targets[::2]
    if share == "disc":
        guess = evens
    else:
        drawn = np.random.default_rng(0).random(evens.shape)
        guess = np.where(drawn < share, 1, 2) * (evens > 0)
    reached = mean_iou(np.repeat(guess, 2, axis=0), targets)
    assert reached <= CEILING_WITHOUT_CUE + 1e-12
    if share == 0.5:
        assert reached > CEILING_WITHOUT_CUE - 1e-4
    assert mean_iou(targets, targets) == 1.0


@pytest.mark.spec("SEG-025", "a plain U-Net of depth 2 is blind to it")
@pytest.mark.parametrize(("upsample", "pixels"), [("transposed", 23), ("bilinear", 26)])
def test_a_shallow_net_does_not_reach_the_marker(upsample, pixels):
    torch.manual_seed(0)
    model = UNet(3, 3, width=8, depth=2, norm="batch", upsample=upsample)
    assert reach(model, 96) == pixels < GAP
    red, blue = (torch.from_numpy(render(CONFIG, 0, "val", i)[0])[None] for i in (0, 1))
    shapes = torch.from_numpy(render(CONFIG, 0, "val", 0)[1]) > 0
    with torch.no_grad():
        seen = (model(red) - model(blue)).abs()[0]
    assert seen.max() > 0 and seen[:, shapes].max() == 0


def test_depth_three_and_group_normalisation_do_reach_it():
    torch.manual_seed(0)
    assert reach(UNet(3, 3, width=8, depth=3, norm="batch"), 128) == 51
    assert reach(UNet(3, 3, width=8, depth=1, norm="group"), 64) > GAP


def test_attention_at_the_bottleneck_reaches_it():
    torch.manual_seed(0)
    config = TransformerConfig(layers=1, n_heads=2)
    model = UNetTransformer(3, 3, transformer=config, width=8, depth=2, norm="batch")
    assert reach(model, 64) > GAP


def test_what_cannot_be_drawn_is_refused():
    with pytest.raises(ValueError, match="size is 48; toy_cue needs at least 64"):
        ToyCue(ToyConfig(size=48), "train", 0)
    with pytest.raises(ValueError, match="variant is 'shape_only'; toy_cue has easy"):
        ToyCue(ToyConfig(variant="shape_only"), "train", 0)
