"""Edge distances against MONAI, scipy and numbers made by hand.

MONAI computes in float32, hence 1e-6 relative there and 1e-12 against scipy in float64.
It gives NaN for HD95 and ASSD where one mask is empty; ours is infinite, so that a
missed object cannot leave the mean. torchmetrics 1.9 fails with an IndexError on some
odd sizes and is not compared.
"""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from src.metrics import (
    assd,
    boundary_f1,
    edge_distances,
    hausdorff,
    hd95,
    mask_edges,
    nsd,
    surface_scores,
)


seeds = st.integers(0, 10_000)
DISTANCES, SHARES = (hausdorff, hd95, assd), (nsd, boundary_f1)


def blobs(seed, size=(40, 33), smooth=2.0, share=0.3):
    ndimage = pytest.importorskip("scipy.ndimage")
    noise = np.random.default_rng(seed).normal(size=size)
    smoothed = ndimage.gaussian_filter(noise, smooth)
    return torch.from_numpy(smoothed > np.quantile(smoothed, 1 - share))


def pair(seed, **options):
    return blobs(seed, **options), blobs(seed + 50_000, **options)


def dots(*places, size=(12, 12)):
    mask = torch.zeros(size, dtype=torch.bool)
    for place in places:
        mask[place] = True
    return mask


@pytest.mark.filterwarnings("ignore:monai:FutureWarning")  # of MONAI to itself
@pytest.mark.spec("SEG-075", "as MONAI does")
@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(
    ("name", "function", "options"),
    [
        pytest.param(
            *("hausdorff", "hausdorff_distance", {}),
            marks=pytest.mark.parity(
                "Hausdorff distance", "monai.metrics.compute_hausdorff_distance"
            ),
        ),
        pytest.param(
            *("hd95", "hausdorff_distance", {"percentile": 95}),
            marks=pytest.mark.parity(
                "HD95", "monai.metrics.compute_hausdorff_distance"
            ),
        ),
        pytest.param(
            *("assd", "average_surface_distance", {"symmetric": True}),
            marks=pytest.mark.parity(
                "ASSD", "monai.metrics.compute_average_surface_distance"
            ),
        ),
        pytest.param(
            *("nsd", "surface_dice", {"class_thresholds": [1.5]}),
            marks=pytest.mark.parity("NSD", "monai.metrics.compute_surface_dice"),
        ),
    ],
)
def test_distances_and_shares_are_those_of_monai(seed, name, function, options, parity):
    monai = pytest.importorskip("monai.metrics")
    pred, truth = pair(seed)
    both = [mask[None, None].float() for mask in (pred, truth)]

    compute = getattr(monai, f"compute_{function}")
    theirs = compute(*both, include_background=True, **options).item()

    ours = surface_scores(pred, truth, tolerance=1.5)[name]
    parity.value(ours, theirs, atol=min(1.0, theirs) * 1e-6)


@pytest.mark.parity("edge distances", "scipy.ndimage.distance_transform_edt")
@pytest.mark.spec("SEG-075", "larger of the two directed 95th percentiles")
@pytest.mark.parametrize("seed", range(15))
def test_scores_follow_from_scipys_distance_transform(seed, parity):
    ndimage = pytest.importorskip("scipy.ndimage")
    pred, truth = pair(seed, size=(21, 30), smooth=1.2)
    edges = [(m & ~ndimage.binary_erosion(m)) for m in (pred.numpy(), truth.numpy())]
    there = ndimage.distance_transform_edt(~edges[1])[edges[0]]
    back = ndimage.distance_transform_edt(~edges[0])[edges[1]]

    found, missed = edge_distances(pred, truth)

    parity.value([found, missed], [there, back], atol=1e-12)
    scores = surface_scores(pred, truth, tolerance=2.0)
    pooled = np.concatenate([there, back])
    right, complete = (there <= 2).mean(), (back <= 2).mean()
    assert scores == pytest.approx(
        {
            "hausdorff": max(there.max(), back.max()),
            "hd95": max(np.percentile(there, 95), np.percentile(back, 95)),
            "assd": pooled.mean(),
            "nsd": (pooled <= 2).mean(),
            "boundary_f1": 2 * right * complete / (right + complete),
        },
        rel=1e-12,
    )


def test_numbers_made_by_hand():
    pred, truth = dots((0, 0), (0, 4)), dots((3, 0))

    assert edge_distances(pred, truth)[0].tolist() == [3.0, 5.0]
    assert edge_distances(pred, truth)[1].tolist() == [3.0]
    assert hausdorff(pred, truth) == 5.0
    assert hd95(pred, truth) == pytest.approx(3 + 0.95 * 2)
    assert assd(pred, truth) == pytest.approx(11 / 3)
    assert nsd(pred, truth, tolerance=3.0) == pytest.approx(2 / 3)
    assert boundary_f1(pred, truth, tolerance=3.0) == pytest.approx(2 * 0.5 / 1.5)
    assert boundary_f1(pred, truth, tolerance=2.9) == 0.0


@pytest.mark.spec("SEG-075", "edge pixels")
def test_edges_are_the_pixels_with_an_outside_neighbour_or_at_the_border():
    mask = torch.zeros(6, 7, dtype=torch.bool)
    mask[:4, 1:6] = True

    inside = torch.zeros_like(mask)
    inside[1:3, 2:5] = True
    assert torch.equal(mask_edges(mask), mask & ~inside)


@pytest.mark.spec("SEG-076", "Two empty masks give NaN")
@pytest.mark.parametrize("score", DISTANCES + SHARES)
def test_two_empty_masks_are_nan(score):
    empty = torch.zeros(5, 4, dtype=torch.bool)

    assert math.isnan(score(empty, empty))
    assert math.isnan(surface_scores(empty, empty)[score.__name__])


@pytest.mark.spec("SEG-076", "HD95 and ASSD are infinite and NSD and boundary F1 0")
@pytest.mark.parametrize("score", DISTANCES + SHARES)
def test_one_empty_mask_is_infinitely_far_and_shares_nothing(score):
    empty, full = torch.zeros(5, 4, dtype=torch.bool), dots((2, 2), size=(5, 4))
    expected = math.inf if score in DISTANCES else 0.0

    for masks in ((empty, full), (full, empty)):
        assert score(*masks) == expected
        assert surface_scores(*masks)[score.__name__] == expected


@given(seeds, st.floats(0, 6))
def test_the_two_masks_may_be_exchanged(seed, tolerance):
    pred, truth = pair(seed, size=(16, 19), smooth=1.0)

    assert surface_scores(pred, truth, tolerance) == pytest.approx(
        surface_scores(truth, pred, tolerance), rel=1e-12
    )


@given(seeds, st.integers(0, 3), st.booleans())
def test_turning_mirroring_and_padding_both_masks_change_nothing(seed, turns, mirror):
    masks = pair(seed, size=(16, 19), smooth=1.0)
    moved = [torch.rot90(mask, turns) for mask in masks]
    moved = [mask.flip(1) if mirror else mask for mask in moved]
    moved = [torch.nn.functional.pad(mask, (3, 0, 5, 2)) for mask in moved]

    assert surface_scores(*moved) == pytest.approx(surface_scores(*masks), rel=1e-12)


@given(seeds)
def test_hausdorff_obeys_the_triangle_inequality_and_identity(seed):
    a, b, c = (blobs(seed + i, size=(14, 14), smooth=1.0) for i in range(3))

    assert hausdorff(a, c) <= hausdorff(a, b) + hausdorff(b, c) + 1e-12
    assert surface_scores(a, a) == {
        **{"hausdorff": 0.0, "hd95": 0.0, "assd": 0.0},
        **{"nsd": 1.0, "boundary_f1": 1.0},
    }


@given(seeds)
def test_a_shift_moves_no_edge_further_than_its_length(seed):
    mask = torch.nn.functional.pad(blobs(seed, size=(15, 15), smooth=1.0), (4,) * 4)

    assert hausdorff(mask.roll((3, 4), (0, 1)), mask) <= 5.0


def test_masks_at_opposite_corners_of_a_large_image():
    size = (512, 512)

    scores = surface_scores(dots((0, 0), size=size), dots((511, 511), size=size))

    assert scores["hd95"] == pytest.approx(511 * math.sqrt(2), rel=1e-12)
