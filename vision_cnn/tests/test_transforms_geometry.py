"""Turn, move, scale and lean, beside scipy.ndimage."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from src.data import geometry as g
from tests.drawn_bytes import random_images


MODES = {"reflect": "reflect", "zero": "grid-constant"}
MOTIONS = {
    "rotation": lambda: g.rotation(torch.tensor([0.0, 17.0, -100.0, 225.0])),
    "translation": lambda: g.translation(
        torch.tensor([0.0, 1.5, -2.25, 3.0]), torch.tensor([2.0, 0.0, 0.75, -1.0])
    ),
    "scaling": lambda: g.scaling(torch.tensor([1.0, 0.5, 1.3, 2.0])),
    "shearing": lambda: g.shearing(
        torch.tensor([0.0, 0.3, 0.0, -0.2]), torch.tensor([0.5, 0.0, -0.4, 0.3])
    ),
    "all": lambda: g.compose(
        g.compose(MOTIONS["shearing"](), MOTIONS["scaling"]()),
        g.compose(MOTIONS["rotation"](), MOTIONS["translation"]()),
    ),
}
numbers = st.floats(-3, 3, allow_nan=False, width=32)


def by_scipy(image: np.ndarray, motion: np.ndarray, mode: str) -> np.ndarray:
    """The same by a library whose coordinates are (row, column) from the corner."""
    ndimage = pytest.importorskip("scipy.ndimage")
    swap = motion[::-1][:, [1, 0, 2]].astype(
        np.float64
    )  # (right, down) -> (down, right)
    back, shift = np.linalg.inv(swap[:, :2]), swap[:, 2]
    centre = (np.array(image.shape[1:]) - 1) / 2
    offset = centre - back @ (centre + shift)
    return np.stack(
        [ndimage.affine_transform(c, back, offset, order=1, mode=mode) for c in image]
    )


@pytest.mark.parity("affine transform", "scipy.ndimage.affine_transform")
@pytest.mark.spec("CNN-046", "equal `scipy.ndimage.affine_transform`")
@pytest.mark.parametrize("fill", MODES)
@pytest.mark.parametrize("name", MOTIONS)
@pytest.mark.parametrize("size", [(9, 9), (6, 11)], ids=str)
def test_affine_is_that_of_scipy(name, fill, size, parity):
    images, motions = random_images(4, 2, *size).double(), MOTIONS[name]().double()
    out = g.affine(images, motions, fill=fill)
    for image, motion, got in zip(images, motions, out, strict=True):
        wanted = by_scipy(image.numpy(), motion.numpy(), MODES[fill])
        parity.value(got, wanted, atol=1e-9)


def test_each_transform_is_affine_with_its_motion():
    images, a, b = random_images(2, 1, 6, 8), torch.tensor([0.5, 1.5]), torch.rand(2)
    pairs = (
        (g.rotate(images, a), g.rotation(a)),
        (g.translate(images, a, b), g.translation(a, b)),
        (g.scale(images, a), g.scaling(a)),
        (g.shear(images, a, b), g.shearing(a, b)),
    )
    for got, motion in pairs:
        assert torch.equal(got, g.affine(images, motion))


@pytest.mark.parametrize("turns", [0, 1, 2, 3, 4])
def test_quarter_turns_are_counter_clockwise_and_exact(turns):
    images = random_images(2, 3, 7, 7)
    out = g.rotate(images, torch.full((2,), 90.0 * turns))
    torch.testing.assert_close(out, torch.rot90(images, turns, (2, 3)))


def test_whole_pixels_move_without_interpolation():
    images = random_images(1, 1, 5, 6)
    out = g.translate(images, torch.tensor([1.0]), torch.tensor([-2.0]), fill="zero")
    wanted = torch.zeros_like(images)
    wanted[:, :, 1:, :-2] = images[:, :, :-1, 2:]
    torch.testing.assert_close(out, wanted)


def test_a_point_goes_where_the_motion_says():
    images = torch.zeros(1, 1, 13, 13)
    images[0, 0, 5, 9] = 1  # 3 right, 1 up of the centre
    out = g.scale(images, torch.tensor([2.0]), fill="zero")
    assert out[0, 0].argmax() == (6 - 2) * 13 + (6 + 6)


def test_shear_slides_the_rows_below_the_centre_right():
    images = torch.zeros(1, 1, 5, 9)
    images[:, :, :, 4] = 1
    out = g.shear(images, torch.zeros(1), torch.ones(1), fill="zero")
    assert out[0, 0].argmax(1).tolist() == [2, 3, 4, 5, 6]


@pytest.mark.spec("CNN-046", "composed motions are one interpolation")
@given(st.lists(numbers, min_size=12, max_size=12), numbers, numbers)
def test_composition_applies_one_after_the_other(values, right, down):
    first, then = torch.tensor(values, dtype=torch.float64).view(2, 1, 2, 3)
    point = torch.tensor([right, down, 1.0], dtype=torch.float64)
    middle = torch.cat([first[0] @ point, torch.ones(1, dtype=torch.float64)])
    torch.testing.assert_close(g.compose(first, then)[0] @ point, then[0] @ middle)


@given(st.floats(-400, 400), st.floats(0.2, 5), numbers, numbers)
def test_the_way_back_undoes_a_motion(degrees, factor, down, right):
    parts = (torch.tensor([v], dtype=torch.float64) for v in (degrees, factor))
    turn, size = next(parts), next(parts)
    motion = g.compose(g.rotation(turn), g.scaling(size))
    move = (torch.tensor([v], dtype=torch.float64) for v in (down, right))
    motion = g.compose(motion, g.translation(*move))
    both = g.compose(motion, g.inverse(motion))
    still = torch.tensor([[1.0, 0, 0], [0, 1, 0]], dtype=torch.float64)
    torch.testing.assert_close(both[0], still)


def test_an_image_does_not_see_the_others():
    images, degrees = random_images(5, 3, 8, 8), torch.linspace(-50, 90, 5)
    together = g.rotate(images, degrees)
    alone = [g.rotate(images[i : i + 1], degrees[i : i + 1]) for i in range(5)]
    torch.testing.assert_close(together, torch.cat(alone))


def test_what_cannot_be_undone_is_an_error():
    for factors in (torch.tensor([1.0, 0.0]), torch.tensor([math.nan])):
        with pytest.raises(ValueError, match="scales areas by"):
            g.scale(torch.rand(len(factors), 1, 4, 4), factors)


def test_one_pixel_and_no_image():
    one = random_images(1, 3, 1, 1)
    torch.testing.assert_close(g.rotate(one, torch.tensor([33.0])), one)
    none = torch.zeros(0, 3, 4, 4)
    assert g.rotate(none, torch.zeros(0)).shape == none.shape
