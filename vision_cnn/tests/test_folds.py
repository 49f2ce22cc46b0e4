import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from src.data.splits import stratified_folds
from src.utils.errors import InputError


@pytest.mark.spec("CNN-118", "differ by at most one image, in all and in each class")
@given(st.lists(st.integers(0, 4), min_size=1, max_size=60), st.integers(2, 7))
def test_each_image_is_held_out_once(labels, count):
    labels = torch.tensor(labels)
    if len(labels) < count:
        with pytest.raises(InputError, match=f"{len(labels)} images cannot make"):
            stratified_folds(labels, count, seed=0)
        return
    folds = stratified_folds(labels, count, seed=0)
    assert torch.equal(torch.cat(folds).sort()[0], torch.arange(len(labels)))
    sizes = [len(fold) for fold in folds]
    assert max(sizes) - min(sizes) <= 1
    for label in labels.unique():
        held = [(labels[fold] == label).sum().item() for fold in folds]
        assert max(held) - min(held) <= 1
    assert all(torch.equal(fold, fold.sort()[0]) for fold in folds)


def test_folds_are_a_function_of_the_seed():
    labels = torch.arange(40) % 3
    first, again, other = (stratified_folds(labels, 4, seed) for seed in (1, 1, 2))
    assert all(map(torch.equal, first, again))
    assert not all(map(torch.equal, first, other))


def test_neighbours_are_not_left_together():
    folds = stratified_folds(torch.zeros(100, dtype=torch.long), 5, seed=0)
    assert len(set(folds[0].diff().tolist())) > 3


def test_one_fold_is_refused():
    with pytest.raises(ValueError, match="folds = 1: must be 2 or more"):
        stratified_folds(torch.zeros(4, dtype=torch.long), 1, seed=0)
