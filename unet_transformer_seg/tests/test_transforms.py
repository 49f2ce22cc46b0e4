"""Geometric transforms against numpy, scipy and PIL."""

import numpy as np
import pytest
import torch
from PIL import Image

from src.data import transforms as T
from src.data.info import IGNORE_INDEX
from src.data.sampling import mirror, nearest, smooth


ndimage = pytest.importorskip("scipy.ndimage")


def sample(height: int, width: int, seed: int = 0, classes: int = 4):
    rng = np.random.default_rng(seed)
    image = torch.from_numpy(rng.random((3, height, width)))
    return image, torch.from_numpy(rng.integers(0, classes, (height, width)))


def coordinates(height: int, width: int):
    """An image that holds its own rows and columns, and a target that holds both."""
    rows, columns = torch.meshgrid(
        torch.arange(height), torch.arange(width), indexing="ij"
    )
    return torch.stack([rows, columns]).double(), rows * width + columns


@pytest.mark.parity("flips and quarter turns", "numpy.rot90")
@pytest.mark.parametrize("size", [(6, 6), (5, 8), (1, 7), (1, 1)])
def test_flips_and_turns_equal_numpy(size, parity):
    image, target = sample(*size)
    cases = [
        (T.flip_horizontal(image, target), lambda a: np.flip(a, -1)),
        (T.flip_vertical(image, target), lambda a: np.flip(a, -2)),
        *(
            (T.rot90(image, target, k), lambda a, k=k: np.rot90(a, k, (-2, -1)))
            for k in range(-1, 5)
        ),
    ]
    for (new_image, new_target), reference in cases:
        both = [reference(image.numpy()), reference(target.numpy())]
        parity.value([new_image, new_target], both, atol=0)


def reference_warp(image, target, rows, columns):
    """scipy's interpolation; the target by nearest pixel, IGNORE_INDEX outside."""
    place = np.stack([rows, columns])
    expected = np.stack(
        [ndimage.map_coordinates(c, place, order=1, mode="reflect") for c in image]
    )
    height, width = target.shape
    inside = (rows >= -0.5) & (rows < height - 0.5)
    inside &= (columns >= -0.5) & (columns < width - 0.5)
    taken = ndimage.map_coordinates(target, place, order=0, mode="nearest")
    return expected, np.where(inside, taken, IGNORE_INDEX)


@pytest.mark.parity("affine transform", "scipy.ndimage.affine_transform")
@pytest.mark.spec("SEG-042", "`affine` equals scipy.ndimage")
@pytest.mark.parametrize("size", [(16, 16), (9, 14), (1, 6)])
@pytest.mark.parametrize(
    ("degrees", "scale", "shear", "translate"),
    [
        (31.3, 1.0, 0.0, (0.0, 0.0)),
        (0.0, 1.37, 0.0, (0.0, 0.0)),
        (0.0, 1.0, 23.1, (0.0, 0.0)),
        (0.0, 1.0, 0.0, (2.3, -1.1)),
        (-111.7, 0.61, -17.3, (1.3, 40.7)),
    ],
)
def test_affine_equals_scipy(size, degrees, scale, shear, translate, parity):
    image, target = sample(*size)
    theta = np.deg2rad(degrees)
    turn = [[np.cos(theta), -np.sin(theta)], [np.sin(theta), np.cos(theta)]]
    lean = [[1, 0], [np.tan(np.deg2rad(shear)), 1]]
    inverse = np.linalg.inv(np.array(turn) @ (scale * np.eye(2)) @ np.array(lean))
    centre = (np.array(size) - 1) / 2
    offset = centre - inverse @ (centre + translate)
    expected = np.stack(
        [
            ndimage.affine_transform(c, inverse, offset, order=1, mode="reflect")
            for c in image.numpy()
        ]
    )
    grid = np.stack(np.meshgrid(*map(np.arange, size), indexing="ij"), -1)
    rows, columns = np.moveaxis(grid @ inverse.T + offset, -1, 0)
    _, expected_target = reference_warp(image.numpy(), target.numpy(), rows, columns)
    new_image, new_target = T.affine(
        image, target, degrees=degrees, scale=scale, shear=shear, translate=translate
    )
    parity.value(new_image, expected, atol=1e-9)
    parity.value(new_target, expected_target, atol=0)


def test_affine_turns_and_moves_the_way_it_says():
    image, target = sample(7, 7)
    turned = T.affine(image, target, degrees=90.0)
    torch.testing.assert_close(turned[0], T.rot90(image, target, 1)[0])
    assert torch.equal(turned[1], T.rot90(image, target, 1)[1])
    _, moved = T.affine(image, target, translate=(2.0, 1.0))
    assert torch.equal(moved[2:, 1:], target[:-2, :-1])
    assert (moved[:2] == IGNORE_INDEX).all() and (moved[:, :1] == IGNORE_INDEX).all()


@pytest.mark.parity("elastic transform", "Simard et al. 2003 on scipy.ndimage")
@pytest.mark.spec("SEG-042", "`elastic` equals Simard's")
@pytest.mark.parametrize("size", [(24, 24), (11, 19), (3, 1)])
def test_elastic_equals_simard_by_scipy(size, parity):
    image, target = sample(*size)
    alpha, sigma = 30.0, 3.0
    drawn = np.random.default_rng(5).random((2, *size), dtype=np.float32) * 2.0 - 1
    field = [alpha * ndimage.gaussian_filter(d, sigma, mode="reflect") for d in drawn]
    rows = np.arange(size[0])[:, None] + field[0]
    columns = np.arange(size[1])[None, :] + field[1]
    expected, expected_target = reference_warp(
        image.numpy(), target.numpy(), rows, columns
    )
    new_image, new_target = T.elastic(
        image, target, np.random.default_rng(5), alpha=alpha, sigma=sigma
    )
    parity.value(new_image, expected, atol=1e-4)
    assert (new_target.numpy() == expected_target).mean() > 0.99


@pytest.mark.parity("Gaussian blur", "scipy.ndimage.gaussian_filter")
@pytest.mark.parametrize("sigma", [0.3, 1.0, 5.0])
@pytest.mark.parametrize("size", [(20, 13), (2, 3), (1, 1)])
def test_smooth_equals_scipy(size, sigma, parity):
    image, _ = sample(*size)
    expected = ndimage.gaussian_filter(image.numpy(), (0, sigma, sigma), mode="reflect")
    parity.value(smooth(image, sigma), expected, atol=1e-12)


@pytest.mark.parity("resizing", "PIL.Image.Image.resize")
@pytest.mark.spec("SEG-042", "`resize` equals PIL's")
@pytest.mark.parametrize("size", [(20, 31), (7, 5), (3, 40), (1, 1)])
def test_resize_equals_pil(size, parity):
    image, target = sample(12, 17)
    new_image, new_target = T.resize(image.float(), target, size)
    for channel, result in zip(image.float().numpy(), new_image, strict=True):
        expected = Image.fromarray(channel).resize(
            size[::-1], Image.Resampling.BILINEAR
        )
        parity.value(result, np.asarray(expected), atol=1e-5)
    expected = Image.fromarray(target.numpy().astype(np.uint8)).resize(
        size[::-1], Image.Resampling.NEAREST
    )
    np.testing.assert_array_equal(new_target, np.asarray(expected))


@pytest.mark.parametrize("size", [(5, 9), (12, 4), (40, 30), (3, 2)])
def test_pad_mirrors_the_image_and_ignores_what_it_invents(size):
    image, target = sample(5, 4)
    tall, wide = max(0, size[0] - 5), max(0, size[1] - 4)
    edges = [(tall // 2, tall - tall // 2), (wide // 2, wide - wide // 2)]
    new_image, new_target = T.pad(image, target, size)
    expected = np.pad(image.numpy(), [(0, 0), *edges], mode="symmetric")
    np.testing.assert_array_equal(new_image, expected)
    expected = np.pad(target.numpy(), edges, constant_values=IGNORE_INDEX)
    np.testing.assert_array_equal(new_target, expected)


def test_random_crops_reach_every_place_evenly():
    image, target = coordinates(5, 6)
    rng = np.random.default_rng(0)
    corners = [
        int(T.random_crop(image, target, rng, (3, 4))[1][0, 0]) for _ in range(900)
    ]
    places, counts = np.unique(corners, return_counts=True)
    assert places.tolist() == [0, 1, 2, 6, 7, 8, 12, 13, 14]
    assert counts.min() > 60 and counts.max() < 140  # 100 expected, 9.4 the spread


@pytest.mark.spec("SEG-045", "a class drawn evenly from those present")
def test_a_balanced_crop_shows_each_class_as_often():
    target = torch.zeros(40, 40, dtype=torch.int64)
    target[3, 3], target[30:33, 20:25], target[20, 35] = 1, 2, IGNORE_INDEX
    image = torch.zeros(1, 40, 40)
    rng = np.random.default_rng(0)
    shown = {1: 0, 2: 0, IGNORE_INDEX: 0}
    for _ in range(600):
        _, crop = T.balanced_crop(image, target, rng, (5, 5))
        for value in shown:
            shown[value] += bool((crop == value).any())
    assert (
        160 < shown[1] < 240 and 160 < shown[2] < 240
    )  # 200 expected, 11.5 the spread
    assert shown[IGNORE_INDEX] < 20
    rare = sum(
        bool(
            (T.balanced_crop(image, target, rng, (5, 5), probability=0.3)[1] == 1).any()
        )
        for _ in range(600)
    )
    assert 35 < rare < 85  # 0.3 / 3 of 600, the spread 7.3


@pytest.mark.spec("SEG-045", "centres on a pixel")
@pytest.mark.parametrize(
    ("pixel", "place"), [((20, 11), (2, 3)), ((0, 39), (0, 6)), ((39, 1), (4, 1))]
)
def test_a_balanced_crop_centres_on_its_pixel_or_stays_inside(pixel, place):
    target = torch.full((40, 40), IGNORE_INDEX)
    target[pixel] = 1
    image = torch.zeros(1, 40, 40)
    _, crop = T.balanced_crop(image, target, np.random.default_rng(0), (5, 7))
    assert (crop == 1).nonzero().tolist() == [list(place)]


@pytest.mark.spec("SEG-045", "a smaller image is padded")
@pytest.mark.parametrize("values", [[0], [IGNORE_INDEX], [0, 2, IGNORE_INDEX]])
def test_a_crop_larger_than_the_image_pads(values):
    image = torch.rand(2, 3, 4)
    target = torch.tensor(values)[torch.randint(len(values), (3, 4))]
    for crop in (T.random_crop, T.balanced_crop):
        new_image, new_target = crop(image, target, np.random.default_rng(0), (9, 3))
        assert new_image.shape == (2, 9, 3) and new_target.shape == (9, 3)
        assert (new_target[:3] == IGNORE_INDEX).all()


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda i, t: T.affine(i, t, scale=0.0), "scale 0.0 must be positive"),
        (lambda i, t: T.affine(i, t, shear=90.0), "shear 90.0 within 90"),
        (
            lambda i, t: T.crop(i, t, (2, 0), (4, 4)),
            r"crop \(4, 4\) at \(2, 0\) leaves",
        ),
        (lambda i, t: smooth(i, -1.0), "sigma is -1.0"),
    ],
)
def test_a_wrong_parameter_is_named(call, words):
    with pytest.raises(ValueError, match=words):
        call(*sample(5, 8))


def test_mirror_and_nearest_by_hand():
    assert mirror(torch.arange(-4, 7), 3).tolist() == [2, 2, 1, 0, 0, 1, 2, 2, 1, 0, 0]
    assert nearest(5, 2).tolist() == [0, 0, 1, 1, 1]
    assert nearest(2, 5).tolist() == [1, 3]
