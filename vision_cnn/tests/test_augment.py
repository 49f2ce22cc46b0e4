"""What is drawn for an image, in which order it is applied, and nothing else."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from src.data import augment
from src.data.augment import RANGES, Augment, AugmentConfig
from src.data.dataloader import EpochBatches, train_loader
from src.data.draws import Draws
from src.data.image_set import ImageSet
from src.data.info import DataInfo
from src.data.mixing import Mixing
from src.data.source import Labelled
from src.data.transforms import crop, flip_horizontal, to_input
from src.data.trivial import CHANGES, trivial_augment
from tests.drawn_bytes import random_bytes, random_images


N = 40
IMAGES = random_bytes(N, 3, 12, 10)
INFO = DataInfo(3, 12, 10, ("a", "b"), (0.5, 0.4, 0.3), (0.2, 0.3, 0.4), (20, 20), "")
EACH = {
    "flip": {"flip": "random"},
    "alternating": {"flip": "alternating"},
    "crop": {"crop": 3},
    "zero": {"crop": 3, "crop_fill": "zero"},
    "degrees": {"degrees": 40.0},
    "translate": {"translate": 0.3},
    "scale": {"scale": 0.5},
    "shear": {"shear": 30.0},
    "trivial": {"trivial": True},
    "brightness": {"brightness": 0.5},
    "contrast": {"contrast": 0.5},
    "saturation": {"saturation": 0.5},
    "hue": {"hue": 0.4},
    "cutout": {"cutout": 5},
    "erasing": {"erasing": 0.7},
}
ALL = {key: value for config in EACH.values() for key, value in config.items()}


def augmented(config: dict, epoch: int, indices, seed: int = 0):
    indices = torch.as_tensor(indices)
    change = Augment(AugmentConfig(**config), INFO, seed, N)
    return change(IMAGES[indices], epoch, indices)


@pytest.mark.spec("CNN-050", "Augmentation that is off gives what `DataInfo.normalise`")
def test_off_only_normalises():
    out = augmented({}, 3, range(N))
    wanted = INFO.normalise(IMAGES.float() / 255)
    torch.testing.assert_close(out, wanted, atol=1e-6, rtol=0)


@pytest.mark.spec("CNN-048", "the same in any batch")
@pytest.mark.parametrize("config", [*EACH.values(), ALL], ids=[*EACH, "all"])
def test_an_image_is_the_same_in_any_batch_and_another_in_each_epoch(config):
    whole = augmented(config, 5, range(N))
    some = [31, 4, 4, 17]
    torch.testing.assert_close(augmented(config, 5, some), whole[some])
    torch.testing.assert_close(augmented(config, 5, [31]), whole[[31]])
    assert not torch.equal(augmented(config, 6, range(N)), whole)
    assert not torch.equal(augmented(config, 5, range(N), seed=1), whole)


@pytest.mark.spec("CNN-048", "by any number of workers")
def test_workers_make_the_batches_of_the_trainer():
    labels, names = torch.arange(N) % 2, [str(i) for i in range(N)]
    config = AugmentConfig(**ALL, mixup=0.3, cutmix=1.0)
    change, mixing = Augment(config, INFO, 0, N), Mixing(config, 0, N)
    dataset = ImageSet(Labelled(IMAGES, labels, names), INFO, change, mixing)
    here, there = (
        list(train_loader(dataset, EpochBatches(N, 8, seed=0, epoch=2), workers=w))
        for w in (0, 2)
    )
    for one, other in zip(here, there, strict=True):
        assert one["name"] == other["name"]
        for key in ("image", "target", "partner", "share"):
            assert torch.equal(one[key], other[key])


@pytest.mark.parametrize("config", [*EACH.values(), ALL], ids=[*EACH, "all"])
@pytest.mark.parametrize("shape", [(1, 1), (2, 9)], ids=str)
def test_tiny_and_grey_images_and_an_empty_batch(config, shape):
    info = DataInfo(1, *shape, (), (0.5,), (0.2,), (), "")
    change = Augment(AugmentConfig(**config), info, 0, 9)
    out = change(random_bytes(9, 1, *shape), 0, torch.arange(9))
    assert out.shape == (9, 1, *shape) and out.isfinite().all()
    none = torch.zeros(0, dtype=torch.long)
    assert change(random_bytes(0, 1, *shape), 0, none).shape == (0, 1, *shape)


@pytest.mark.spec("CNN-049", "mirrored in every second epoch")
def test_alternating_flip_alternates_from_a_coin():
    views = [augmented({"flip": "alternating"}, e, range(N)) for e in range(4)]
    plain = augmented({}, 0, range(N))
    first = (views[0] == plain).all((1, 2, 3))
    assert 8 < first.sum() < 32
    for epoch, view in enumerate(views):
        shown = first if epoch % 2 == 0 else ~first
        assert torch.equal(view[shown], plain[shown])
        assert torch.equal(view[~shown], plain[~shown].flip(-1))


def test_random_flip_is_a_new_coin_in_each_epoch():
    epochs = (Draws(0, epoch, 500, torch.arange(500)) for epoch in range(8))
    flags = torch.stack([draws.chance("flip") for draws in epochs])
    assert 0.45 < flags.double().mean() < 0.55
    assert 0.4 < (flags[1:] ^ flags[:-1]).double().mean() < 0.6


def test_crop_and_flip_together_are_one_after_the_other():
    draws = Draws(0, 1, N, torch.arange(N))
    top, left = draws.integers("crop_y", 7), draws.integers("crop_x", 7)
    cut = flip_horizontal(crop(IMAGES, top, left, pad=3), draws.chance("flip"))
    wanted = to_input(cut, INFO.mean, INFO.std)
    assert torch.equal(augmented({"crop": 3, "flip": "random"}, 1, range(N)), wanted)


@pytest.mark.spec("CNN-051", "blank to the mean of the data")
def test_what_is_erased_is_zero_after_normalisation():
    plain, cut = augmented({}, 0, range(N)), augmented({"cutout": 4}, 0, range(N))
    changed = (cut != plain).all(1)
    assert (cut.movedim(1, -1)[changed] == 0).all()
    assert changed.sum((1, 2)).max() == 16 and changed.sum((1, 2)).min() >= 4
    erased = augmented({"erasing": 0.5}, 0, range(N)) != plain
    assert 8 < erased.flatten(1).any(1).sum() < 32


@pytest.mark.spec("CNN-053", "each image one of 14 changes")
def test_trivial_augment_makes_one_change_an_image():
    images = random_images(len(CHANGES), 3, 9, 9)
    strengths = torch.linspace(-1, 1, len(CHANGES))
    out = trivial_augment(images, torch.arange(len(CHANGES)), strengths)
    assert len(CHANGES) == 14
    for i, change in enumerate(CHANGES.values()):
        alone = change(images[i : i + 1], strengths[i : i + 1])
        torch.testing.assert_close(out[i : i + 1], alone)


@pytest.mark.spec("CNN-053", "drawn evenly, at one of 31 strengths")
def test_changes_and_strengths_are_even(monkeypatch):
    drawn = {}

    def note(images, changes, strengths):
        drawn.update(changes=changes, strengths=strengths)
        return images

    monkeypatch.setattr(augment, "trivial_augment", note)
    n, info = 20000, DataInfo(1, 1, 1, (), (0.5,), (0.2,), (), "")
    all_on = Augment(AugmentConfig(trivial=True), info, 0, n)
    all_on(random_bytes(n, 1, 1, 1), 0, torch.arange(n))
    counts = torch.bincount(drawn["changes"], minlength=len(CHANGES))
    assert (counts * len(CHANGES) / n - 1).abs().max() < 0.12
    levels = (drawn["strengths"].abs() * 30).round().long()
    counts = torch.bincount(levels, minlength=31)
    assert len(counts) == 31 and (counts * 31 / n - 1).abs().max() < 0.16
    assert drawn["strengths"].sign().mean().abs() < 0.03


@pytest.mark.parametrize("name", CHANGES)
def test_each_change_shows_at_full_strength_and_stays_in_range(name):
    images, full = random_images(2, 3, 16, 16) * 0.5 + 0.2, torch.tensor([1.0, -1.0])
    out = CHANGES[name](images, full)
    assert 0 <= out.min() <= out.max() <= 1
    assert torch.equal(out, images) == (name == "identity")


@given(st.integers(0, 5), st.integers(0, 5), st.integers(1, 60))
def test_a_draw_does_not_depend_on_how_many_images_there_are(seed, epoch, n):
    few, many = (Draws(seed, epoch, k, torch.arange(n)) for k in (n, 100))
    assert torch.equal(few.uniform("a"), many.uniform("a"))
    assert not torch.equal(few.uniform("a"), few.uniform("b"))


def test_draws_are_even_in_their_range():
    draws = Draws(0, 0, 20000, torch.arange(20000))
    assert torch.bincount(draws.integers("i", 5)).div(4000).sub(1).abs().max() < 0.08
    numbers = draws.uniform("u", -2, 3)
    assert -2 <= numbers.min() < -1.99 and 2.99 < numbers.max() < 3
    assert draws.chance("c", 0.2).double().mean().sub(0.2).abs() < 0.01
    factors = draws.factor("f", 0.5).log()
    assert factors.abs().max() <= torch.tensor(1.5).log()
    assert factors.mean().abs() < 0.01
    assert not draws.factor("f", 0.0).sub(1).any()


@pytest.mark.parametrize("name", RANGES)
def test_a_strength_out_of_range_is_an_error(name):
    for value in (-1, RANGES[name] + 1, float("nan")):
        with pytest.raises(ValueError, match=f"{name} is {value}; from 0 to"):
            AugmentConfig(**{name: value})
    AugmentConfig(**{name: RANGES[name]})
