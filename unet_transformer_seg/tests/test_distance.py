"""The distance transform is exact: compared with scipy's, which is too."""

import numpy as np
import pytest
import torch

from src.utils.distance import LONGEST, distance_transform


ndimage = pytest.importorskip("scipy.ndimage")

GENERATOR = np.random.default_rng(0)
DISC = np.hypot(*np.mgrid[-20:21, -20:21]) < 13
CASES = {
    "one pixel, True": np.ones((1, 1, 1), bool),
    "one pixel, False": np.zeros((1, 1, 1), bool),
    "full": np.ones((2, 5, 7), bool),
    "empty": np.zeros((2, 5, 7), bool),
    "1xN": GENERATOR.random((3, 1, 40)) < 0.1,
    "Nx1": GENERATOR.random((3, 40, 1)) < 0.1,
    "corner of 90x60": np.pad([[[True]]], [(0, 0), (0, 89), (59, 0)]),
    "middle row only": np.eye(31, dtype=bool)[15][None, :, None] & np.ones(9, bool),
    "middle column only": np.eye(31, dtype=bool)[15][None, None]
    & np.ones((9, 1), bool),
    "disc and its outside": np.stack([DISC, ~DISC]),
    "empty beside dense": np.stack([np.zeros((30, 30), bool), np.eye(30, dtype=bool)]),
}


def scipy_distances(masks: np.ndarray) -> np.ndarray:
    """scipy measures to a point outside the image when a mask is empty; we say inf."""
    return np.stack(
        [
            ndimage.distance_transform_edt(~m) if m.any() else np.full(m.shape, np.inf)
            for m in masks
        ]
    )


@pytest.mark.parity("distance transform", "scipy.ndimage.distance_transform_edt")
@pytest.mark.spec("SEG-059", "The distance transform equals scipy's exact one")
@pytest.mark.parametrize("name", CASES)
def test_equals_scipy(name, parity):
    distance = distance_transform(torch.from_numpy(CASES[name]), dtype=torch.float64)

    parity.value(distance, scipy_distances(CASES[name]), atol=1e-12)


@pytest.mark.parity("distance transform", "scipy.ndimage.distance_transform_edt")
@pytest.mark.parametrize("density", [0.001, 0.02, 0.3, 0.95])
def test_equals_scipy_on_random_masks_of_many_sizes(density, parity):
    for _ in range(25):
        masks = GENERATOR.random((3, *GENERATOR.integers(1, 50, 2))) < density
        distance = distance_transform(torch.from_numpy(masks), dtype=torch.float64)
        parity.value(distance, scipy_distances(masks), atol=1e-12)


def test_float32_is_right_to_its_last_digit_at_512():
    mask = np.zeros((1, 512, 512), bool)
    mask[0, 3, 5] = mask[0, 500, 250] = True

    distance = distance_transform(torch.from_numpy(mask))

    np.testing.assert_allclose(distance, scipy_distances(mask), rtol=2e-7, atol=0)


@pytest.mark.spec("SEG-059", "inf where a mask has no True")
def test_inf_where_there_is_none():
    assert distance_transform(torch.zeros(1, 3, 4, dtype=torch.bool)).isinf().all()


def test_by_hand():
    mask = torch.tensor([[[True, False, False], [False, False, False]]])

    assert distance_transform(mask).tolist() == [
        [[0.0, 1.0, 2.0], [1.0, pytest.approx(2**0.5), pytest.approx(5**0.5)]]
    ]


def test_input_is_left_alone_and_may_be_strided():
    mask = torch.from_numpy(GENERATOR.random((40, 2, 30)) < 0.1)
    before = mask.clone()

    strided = distance_transform(mask.transpose(0, 1))

    assert torch.equal(strided, distance_transform(mask.transpose(0, 1).contiguous()))
    assert torch.equal(mask, before)


def test_longest_side():
    far = torch.zeros(1, 1, LONGEST, dtype=torch.bool)
    far[..., 0] = True

    assert distance_transform(far)[0, 0, -1] == LONGEST - 1
    with pytest.raises(ValueError, match=f"1x{LONGEST + 1}"):
        distance_transform(torch.zeros(1, 1, LONGEST + 1, dtype=torch.bool))
