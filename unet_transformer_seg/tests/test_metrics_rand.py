"""V_rand against counted pairs of pixels and scikit-image.

scikit-image's `adapted_rand_error` differs from the challenge's formula in two ways: it
leaves out the pair that a pixel makes with itself, and takes predicted label 0 for one
cell. So it must agree with `pair_counts` less the pixels, if each predicted membrane
pixel gets its own label.
"""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from src.metrics import components, pair_counts, v_rand


seeds = st.integers(0, 10_000)


def masks(seed, size=(9, 11), share=0.7):
    rng = np.random.default_rng(seed)
    truth = rng.random(size) < share
    pred = truth ^ (rng.random(size) < 0.15)
    return torch.from_numpy(pred), torch.from_numpy(truth)


def read(text):
    rows = text.split()
    return torch.tensor([[letter == "#" for letter in row] for row in rows])


def flood(mask):
    """Components one pixel at a time."""
    numbers = torch.zeros(mask.shape, dtype=torch.int64)
    for y, x in mask.nonzero().tolist():
        if numbers[y, x]:
            continue
        todo, number = [(y, x)], int(numbers.max()) + 1
        while todo:
            y, x = todo.pop()
            inside = 0 <= y < mask.shape[0] and 0 <= x < mask.shape[1]
            if inside and mask[y, x] and not numbers[y, x]:
                numbers[y, x] = number
                todo += [(y + 1, x), (y - 1, x), (y, x + 1), (y, x - 1)]
    return numbers


def counted_pairs(pred, truth):
    """Every ordered pair of pixels of true cells, one by one: shared, pred, truth."""
    t = flood(truth)[truth].tolist()
    p = flood(pred)[truth].tolist()
    p = [-i if number == 0 else number for i, number in enumerate(p, start=1)]
    both = in_pred = in_truth = 0
    for i in range(len(t)):
        for j in range(len(t)):
            both += t[i] == t[j] and p[i] == p[j]
            in_pred += p[i] == p[j]
            in_truth += t[i] == t[j]
    return both, in_pred, in_truth


@pytest.mark.spec("SEG-077", "pairs of pixels")
@given(seeds, st.floats(0.3, 0.95))
def test_v_rand_counts_pairs_of_pixels(seed, share):
    pred, truth = masks(seed, size=(7, 8), share=share)

    expected = counted_pairs(pred, truth)

    assert pair_counts(pred, truth) == expected
    both, in_pred, in_truth = expected
    assert v_rand(pred, truth) == pytest.approx(both / (in_pred / 2 + in_truth / 2))


@pytest.mark.parity("V_rand without lone pixels", "skimage.metrics.adapted_rand_error")
@pytest.mark.spec("SEG-077", "a cell of its own")
@pytest.mark.parametrize("seed", range(15))
def test_without_pairs_of_one_pixel_it_is_the_adapted_rand_of_scikit_image(
    seed, parity
):
    metrics = pytest.importorskip("skimage.metrics")
    pred, truth = masks(seed, size=(40, 31), share=0.65)
    labels = components(pred).numpy()
    alone = labels == 0
    labels[alone] = labels.max() + 1 + np.arange(alone.sum())

    error, precision, recall = metrics.adapted_rand_error(
        components(truth).numpy(), labels
    )

    pixels = int(truth.sum())
    both, in_pred, in_truth = (count - pixels for count in pair_counts(pred, truth))
    parity.value(2 * both / (in_pred + in_truth), 1 - error, atol=1e-12)
    # its precision and recall are named after the transposed table
    ours = sorted([both / in_pred, both / in_truth])
    parity.value(ours, sorted([precision, recall]), atol=1e-12)


def test_one_broken_membrane_merges_two_cells():
    truth = read("###.### ###.### ###.###")
    pred = read("###.### ####### ###.###")

    assert v_rand(truth, truth) == 1.0
    assert pair_counts(pred, truth) == (2 * 81, 18**2, 2 * 81)
    assert v_rand(pred, truth) == pytest.approx(2 * 162 / (324 + 162))
    assert v_rand(torch.zeros_like(truth), truth) == pytest.approx(2 * 18 / (18 + 162))


@pytest.mark.spec("SEG-077", "leaves pixels of true membrane out")
@given(st.lists(st.booleans(), min_size=5, max_size=5))
def test_what_is_predicted_inside_a_true_membrane_does_not_count(middle):
    truth = read("##### ..... ..... ..... #####")
    pred = truth.clone()
    pred[2] = torch.tensor(middle)

    assert v_rand(pred, truth) == 1.0


def test_no_true_cell_is_nan():
    pred, empty = torch.ones(3, 3, dtype=torch.bool), torch.zeros(3, 3).bool()

    assert math.isnan(v_rand(pred, empty))


@pytest.mark.parity("connected components", "skimage.measure.label")
@pytest.mark.spec("SEG-077", "4-connected cells")
@pytest.mark.parametrize("share", [0.05, 0.4, 0.6, 0.95])
@pytest.mark.parametrize("size", [(1, 1), (1, 40), (40, 1), (64, 50)])
def test_components_are_numbered_as_those_of_scikit_image(share, size, parity):
    measure = pytest.importorskip("skimage.measure")
    for seed in range(5):
        _, mask = masks(seed, size=size, share=share)
        expected = measure.label(mask.numpy(), connectivity=1)
        parity.value(components(mask), expected, atol=0)


@pytest.mark.spec("SEG-077", "4-connected cells")
def test_components_of_shapes_made_by_hand():
    diagonal = read("#. .#")
    comb = read("#.#.#.# #.#.#.# #######")
    spiral = read("##### ....# ###.# #...# #####")

    assert components(diagonal).tolist() == [[1, 0], [0, 2]]
    assert torch.equal(components(comb), comb.long())
    assert torch.equal(components(spiral), spiral.long())
    assert components(torch.zeros(0, 5).bool()).shape == (0, 5)


@given(seeds, st.floats(0.2, 0.9))
def test_components_equal_a_flood_fill(seed, share):
    _, mask = masks(seed, share=share)

    assert torch.equal(components(mask), flood(mask))
