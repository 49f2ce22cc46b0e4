"""Tiles against the whole image, in value and in memory; symmetries of the square."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from src.inference.predictor import Options
from src.inference.tiled import (
    blending_profile,
    strips,
    tile_starts,
)
from src.inference.tta import dihedral, undo_dihedral, with_symmetries
from tests.inference_tools import predictor_of


def pointwise() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 8, 1), nn.ReLU(), nn.Conv2d(8, 3, 1))


def local(reach: int = 2) -> nn.Module:
    torch.manual_seed(0)
    layers = [nn.Conv2d(3, 6, 3, padding=1), nn.ReLU(), nn.Conv2d(6, 3, 3, padding=1)]
    return nn.Sequential(*layers)


def class_probabilities(model: nn.Module):
    return lambda image: model(image).softmax(dim=1)


def tiled_probabilities(probabilities, image, tile, overlap=0.5):
    rows = [rows for _, rows in strips(probabilities, image, tile, overlap)]
    return torch.cat(rows, dim=1)


def test_steps_are_spread_evenly():
    assert tile_starts(110, 64, 0.5) == [0, 23, 46]
    assert tile_starts(64, 64) == [0]
    assert tile_starts(20, 64) == [0]


@given(st.integers(1, 400), st.integers(1, 80), st.sampled_from((0.0, 0.25, 0.5, 0.9)))
def test_tiles_cover_the_side_and_end_at_the_border(size, tile, overlap):
    starts = tile_starts(size, tile, overlap)
    gaps = [b - a for a, b in zip(starts, starts[1:], strict=False)]
    assert starts[0] == 0
    assert starts[-1] == max(0, size - tile)
    assert all(0 < gap <= max(1, tile * (1 - overlap)) for gap in gaps)


@pytest.mark.parametrize(("tile", "overlap"), [(0, 0.5), (8, 1.0), (8, -0.1)])
def test_an_impossible_grid_is_refused(tile, overlap):
    with pytest.raises(ValueError, match=f"tile {tile} and overlap {overlap}"):
        tile_starts(100, tile, overlap)


def test_profile_is_a_gaussian_of_an_eighth_and_never_zero():
    profile = blending_profile(64)
    here = torch.tensor([-31.5, 0.5]) / 8
    assert torch.allclose(profile[[0, 32]], torch.exp(-0.5 * here**2))
    assert torch.equal(profile, profile.flip(0))
    assert all(blending_profile(size).min() > 1e-4 for size in (1, 2, 16, 2048))


@pytest.mark.spec("SEG-090", "equals the prediction of the whole image")
@given(
    st.integers(16, 90),
    st.integers(16, 90),
    st.integers(16, 40),
    st.sampled_from((0.0, 0.3, 0.5, 0.8)),
)
def test_tiled_equals_whole_for_a_net_that_sees_one_pixel(height, width, tile, overlap):
    image = torch.rand(3, height, width)
    probabilities = class_probabilities(pointwise())
    with torch.inference_mode():
        whole = probabilities(image[None])[0]
        tiled = tiled_probabilities(probabilities, image, tile, overlap)
    assert (tiled - whole).abs().max() < 1e-5


def test_tiled_equals_whole_where_no_edge_of_a_tile_is_near():
    image, tile, reach = torch.rand(3, 120, 100), 48, 2
    probabilities = class_probabilities(local())
    far = torch.ones(120, 100, dtype=torch.bool)
    for size, rows in ((120, True), (100, False)):
        for start in tile_starts(size, tile):
            for edge in (start, start + tile):
                near = slice(max(0, edge - reach), edge + reach)
                # The border of the image is an edge for both ways alike.
                if 0 < edge < size:
                    far[
                        near if rows else slice(None), slice(None) if rows else near
                    ] = 0
    with torch.inference_mode():
        whole = probabilities(image[None])[0]
        tiled = tiled_probabilities(probabilities, image, tile)
    assert far.float().mean() > 0.5
    assert (tiled - whole)[:, far].abs().max() < 1e-5
    assert 1e-5 < (tiled - whole).abs().max() < 0.02


def test_blending_is_the_weighted_mean_of_all_tiles():
    image, tile = torch.rand(3, 50, 41), 20
    probabilities = class_probabilities(local())
    total, weights = torch.zeros(3, 50, 41), torch.zeros(50, 41)
    weight = blending_profile(tile)[:, None] * blending_profile(tile)
    with torch.inference_mode():
        for top in tile_starts(50, tile):
            for left in tile_starts(41, tile):
                here = (..., slice(top, top + tile), slice(left, left + tile))
                total[here] += weight * probabilities(image[None][here])[0]
                weights[here] += weight
        tiled = tiled_probabilities(probabilities, image, tile)
    assert torch.allclose(tiled, total / weights, atol=1e-6)


def test_strips_give_each_row_once_from_top_to_bottom():
    image = torch.rand(3, 77, 30)
    found = list(strips(class_probabilities(pointwise()), image, 16, 0.5))
    tops = [top for top, _ in found]
    ends = [top + rows.shape[1] for top, rows in found]
    assert tops == [0, *ends[:-1]]
    assert ends[-1] == 77


class Allocations(TorchDispatchMode):
    """The largest float tensor that any operation makes."""

    largest = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        for tensor in result if isinstance(result, (tuple, list)) else (result,):
            if isinstance(tensor, torch.Tensor) and tensor.is_floating_point():
                self.largest = max(self.largest, tensor.numel())
        return result


class Recorder(nn.Module):
    def __init__(self):
        super().__init__()
        self.sizes = []

    def forward(self, image):
        self.sizes.append(tuple(image.shape[-2:]))
        return image


@pytest.mark.spec("SEG-091", "No float tensor of the size of the image")
@pytest.mark.parametrize("side", [400, 800])
def test_memory_is_bounded_by_a_row_of_tiles(side):
    image = torch.randint(0, 256, (3, side, side), dtype=torch.uint8)
    model, tile, classes = Recorder(), 64, 3
    with Allocations() as seen:
        prediction = predictor_of(model).predict(image, Options(tile=tile))
    assert max(model.sizes) == (tile, tile)
    assert 0 < seen.largest <= classes * tile * side
    assert prediction.mask.dtype == torch.uint8
    with Allocations() as seen:
        predictor_of(Recorder()).predict(image, Options(tile=0))
    assert seen.largest >= side * side


TURNS = [(turns, mirrored) for turns in range(4) for mirrored in (False, True)]


@pytest.mark.parametrize(("turns", "mirrored"), TURNS)
def test_each_symmetry_is_undone(turns, mirrored):
    image = torch.arange(30.0).view(1, 5, 6)
    moved = dihedral(image, turns, mirrored)
    assert torch.equal(undo_dihedral(moved, turns, mirrored), image)


def test_the_eight_symmetries_differ():
    image = torch.arange(9.0).view(3, 3)
    assert len({tuple(dihedral(image, *t).flatten().tolist()) for t in TURNS}) == 8


@pytest.mark.spec("SEG-092", "mean over the eight flips and quarter turns")
def test_symmetries_average_the_eight_predictions():
    image = torch.rand(1, 3, 20, 26)
    probabilities = class_probabilities(local())
    with torch.inference_mode():
        mean = with_symmetries(probabilities)(image)
        parts = [undo_dihedral(probabilities(dihedral(image, *t)), *t) for t in TURNS]
        assert torch.allclose(mean, torch.stack(parts).mean(0), atol=1e-6)
        assert not torch.allclose(mean, probabilities(image), atol=1e-3)


def test_symmetries_leave_an_equivariant_net_as_it_is():
    image = torch.rand(1, 3, 20, 26)
    probabilities = class_probabilities(pointwise())
    with torch.inference_mode():
        mean = with_symmetries(probabilities)(image)
        assert torch.allclose(mean, probabilities(image), atol=1e-6)


@pytest.mark.parametrize(("turns", "mirrored"), TURNS)
def test_symmetries_make_any_net_equivariant(turns, mirrored):
    image = torch.rand(1, 3, 20, 26)
    predict = with_symmetries(class_probabilities(local()))
    with torch.inference_mode():
        moved = predict(dihedral(image, turns, mirrored))
        assert torch.allclose(
            moved, dihedral(predict(image), turns, mirrored), atol=1e-5
        )
