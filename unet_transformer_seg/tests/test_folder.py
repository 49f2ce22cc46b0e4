"""Pairs, splits and items of a folder; real membranes where they are at hand."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from src.data import survey as survey_module
from src.data.augment import AugmentConfig
from src.data.folder import FolderConfig, open_folder
from src.data.images import write_png
from src.data.info import IGNORE_INDEX
from src.data.pairs import natural
from src.data.splits import split_indices
from src.utils.errors import InputError


def find_membranes() -> Path | None:
    """The real data: $SEG_DATA, or shared/data beside or above the project."""
    places = [Path(os.environ["SEG_DATA"])] if "SEG_DATA" in os.environ else []
    places += [p / "shared" / "data" for p in Path(__file__).resolve().parents]
    found = (place / "isbi_membrane" for place in places)
    return next((place for place in found if place.is_dir()), None)


MEMBRANES = find_membranes()


def make(
    root: Path, names="abcdefghij", suffix="", shape=(8, 8), values=(0, 255)
) -> FolderConfig:
    """A folder of grey images of distinct brightness, with masks of vertical bands."""
    for i, name in enumerate(names):
        image = np.full(shape, 20 * i + 5, np.uint8)
        bands = np.arange(shape[1]) * len(values) // shape[1]
        mask = np.asarray(values, np.uint8)[np.tile(bands, (shape[0], 1))]
        write_png(root / "images" / f"{name}.png", image)
        write_png(root / "masks" / f"{name}{suffix}.png", mask)
    return FolderConfig(str(root / "images"), str(root / "masks"), suffix)


def change(config: FolderConfig, **changes) -> FolderConfig:
    import dataclasses

    return dataclasses.replace(config, **changes)


def grey(*shape, value=0) -> np.ndarray:
    return np.full(shape, value, np.uint8)


@pytest.mark.spec("SEG-031", "disjoint and together all")
@given(
    count=st.integers(3, 40),
    kind=st.sampled_from(["random", "contiguous"]),
    seed=st.integers(0, 9),
    val=st.floats(0.01, 0.5),
    test=st.sampled_from([0.0, 0.1, 0.3]),
)
def test_splits_are_disjoint_and_cover_all(count, kind, seed, val, test):
    parts = split_indices(count, kind, seed, val, test)
    assert parts == split_indices(count, kind, seed, val, test)
    assert sorted(i for part in parts.values() for i in part) == list(range(count))
    assert all(parts.values())
    assert ("test" in parts) == (test > 0)


@pytest.mark.spec("SEG-031", "each image validates exactly once")
@pytest.mark.parametrize("kind", ["random", "contiguous"])
def test_every_image_outside_test_validates_in_one_fold(kind):
    parts = [split_indices(17, kind, 3, 0.2, 0.2, 4, fold) for fold in range(4)]
    assert len({tuple(part["test"]) for part in parts}) == 1
    judged = [i for part in parts for i in part["val"]] + parts[0]["test"]
    assert sorted(judged) == list(range(17))
    for part in parts:
        assert not set(part["train"]) & {*part["val"], *part["test"]}


def test_contiguous_takes_the_end_and_random_depends_on_the_seed():
    assert split_indices(20, "contiguous", 0, 0.2)["val"] == [16, 17, 18, 19]
    first, second = (split_indices(20, "random", seed, 0.2)["val"] for seed in (0, 1))
    assert first != second


@pytest.mark.parametrize(
    "count, options, words",
    [
        (1, {}, "^1 image cannot be split by val_share=0.2.*2 at least"),
        (2, {"test_share": 0.1}, "2 images cannot be split.*3 at least"),
        (3, {"folds": 4}, "3 images cannot be split by folds=4.*4 at least"),
    ],
)
def test_too_few_images_say_how_many_are_needed(count, options, words):
    with pytest.raises(InputError, match=words):
        split_indices(count, "random", 0, **options)


def test_slice_2_comes_before_slice_10():
    names = ["s10", "s2", "s1", "t", "10", "9", "a1b2", "a1b10", "ü3"]
    expected = ["9", "10", "a1b2", "a1b10", "s1", "s2", "s10", "t", "ü3"]
    assert sorted(names, key=natural) == expected


@pytest.mark.spec("SEG-032", "of the training images only")
def test_statistics_come_from_the_training_images_only(tmp_path):
    config = change(make(tmp_path), split="contiguous")
    info = open_folder(config, 0)["train"].info
    bright = np.array([20 * i + 5 for i in range(8)]) / 255
    assert info.mean == pytest.approx((bright.mean(),))
    assert info.std == pytest.approx((bright.std(),))
    assert info.class_pixels == (8 * 32, 8 * 32)
    write_png(tmp_path / "images" / "j.png", grey(8, 8, value=255))
    write_png(tmp_path / "masks" / "j.png", grey(8, 8, value=255))
    changed = open_folder(config, 0)["train"].info
    assert (changed.mean, changed.class_pixels) == (info.mean, info.class_pixels)
    assert changed.fingerprint != info.fingerprint


@pytest.mark.spec("SEG-033", "pure function of seed, epoch and index")
def test_an_item_is_a_pure_function_of_its_key(tmp_path):
    config = change(make(tmp_path, shape=(16, 16)), repeat=3)
    augment = AugmentConfig(flips=True, rot90=True, crop=8, noise=0.2)
    first, again = (open_folder(config, 5, augment)["train"] for _ in range(2))
    keys = [(epoch, index) for epoch in (0, 1) for index in (0, 8, 23)]
    items = {key: first[key]["image"] for key in keys}
    assert all(torch.equal(again[key]["image"], items[key]) for key in keys[::-1])
    distinct = {item.numpy().tobytes() for item in items.values()}
    assert len(distinct) == len(keys)
    assert first[(0, 0)]["name"] == first[(0, 8)]["name"] != first[(0, 1)]["name"]
    assert len(first) == 24


def test_validation_is_neither_augmented_nor_repeated(tmp_path):
    config = change(make(tmp_path), repeat=4)
    val = open_folder(config, 0, AugmentConfig(noise=0.5, flips=True))["val"]
    assert len(val) == 2
    assert torch.equal(val[(0, 1)]["image"], val[(7, 1)]["image"])
    item, info = val[(0, 0)], val.info
    image, target = val.sample(0)
    normal = (image - torch.tensor(info.mean)) / torch.tensor(info.std)
    torch.testing.assert_close(item["image"], normal)
    assert torch.equal(item["target"], target) and target.dtype == torch.int64
    assert item["image"].dtype == torch.float32 and item["image"].shape == (1, 8, 8)


def test_without_room_in_memory_the_items_are_the_same(tmp_path, monkeypatch):
    config = make(tmp_path)
    kept = open_folder(config, 0)["train"]
    monkeypatch.setattr(survey_module, "CACHE_BYTES", 0)
    read = open_folder(config, 0)["train"]
    assert read.scans[0].pixels is None
    for name in ("image", "target"):
        assert torch.equal(kept[(0, 3)][name], read[(0, 3)][name])


def test_one_colour_image_makes_all_colour(tmp_path):
    config = make(tmp_path)
    rgb = np.random.default_rng(0).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    write_png(tmp_path / "images" / "c.png", rgb)
    train = open_folder(change(config, split="contiguous"), 0)["train"]
    planes = [np.full((8, 8, 3), 20 * i + 5) for i in range(8)]
    planes[2] = rgb
    pixels = np.stack(planes).reshape(-1, 3) / 255
    assert train.info.in_channels == 3
    assert train.info.mean == pytest.approx(tuple(pixels.mean(0)))
    assert train.info.std == pytest.approx(tuple(pixels.std(0)))
    assert train[(0, 0)]["image"].shape == (3, 8, 8)


def test_ignore_is_no_class_and_counts_nowhere(tmp_path):
    config = change(make(tmp_path, values=(0, 7, 255, 99)), ignore=(255,))
    train = open_folder(config, 0)["train"]
    assert train.info.mask_values == ((0,), (7,), (99,))
    assert train.info.class_names == ("value_0", "value_7", "value_99")
    assert train.info.ignore_value == (255,)
    assert train[(0, 0)]["target"][0].tolist() == [0, 0, 1, 1, 255, 255, 2, 2]
    assert IGNORE_INDEX == 255 and train.info.class_pixels == (128, 128, 128)


def test_masks_beside_their_images(tmp_path):
    config = make(tmp_path, suffix="_mask")
    for file in (tmp_path / "masks").iterdir():
        file.rename(tmp_path / "images" / file.name)
    config = change(config, masks=config.images)
    assert len(open_folder(config, 0)["train"]) == 8
    with pytest.raises(InputError, match="folder of both images and masks; set mask_s"):
        open_folder(change(config, mask_suffix=""), 0)


def test_names_from_other_systems(tmp_path):
    config = make(tmp_path, names=["a b", "猫", "e\u0301te\u0301", "new\nline"])
    composed = tmp_path / "masks" / "\u00e9t\u00e9.png"
    (tmp_path / "masks" / "e\u0301te\u0301.png").rename(composed)
    parts = open_folder(config, 0)
    names = {scan.pair.name for part in parts.values() for scan in part.scans}
    assert names == {"a b", "猫", "\u00e9t\u00e9", "new\nline"}


def remove_mask(root):
    (root / "masks" / "c.png").unlink()


def remove_image(root):
    (root / "images" / "c.png").unlink()


def twice(root):
    data = (root / "images" / "c.png").read_bytes()
    (root / "images" / "c.tif").write_bytes(data)


def empty_folder(root):
    for file in (root / "images").iterdir():
        file.unlink()


def only_text(root):
    empty_folder(root)
    (root / "images" / "notes.txt").write_text("hello")


def no_folder(root):
    (root / "masks").rename(root / "labels")


def wrong_size(root):
    write_png(root / "masks" / "c.png", grey(4, 8, value=255))


def loop(root):
    (root / "images" / "loop.png").symlink_to("loop.png")


def dangling(root):
    (root / "masks" / "gone.png").symlink_to("nowhere.png")


def folder_loop(root):
    empty_folder(root)
    (root / "images").rmdir()
    (root / "images").symlink_to("images")


def one_value(root):
    for file in (root / "masks").iterdir():
        write_png(file, grey(8, 8))


def sizes(root):
    write_png(root / "images" / "c.png", grey(12, 8))
    write_png(root / "masks" / "c.png", grey(12, 8))


FAULTS = {
    remove_mask: r"images/c\.png: no mask; expected .*masks/c\.png",
    remove_image: r"masks/c\.png: mask without an image",
    twice: r"images/c\.png and .*images/c\.tif: have the same stem",
    empty_folder: r"images: no images of type .* \(it is empty\)",
    only_text: r"images: no images of type .* \(it holds notes\.txt\)",
    no_folder: r"masks: no such folder; give the folder of masks",
    wrong_size: r"images/c\.png: is 8x8 .*masks/c\.png is 8x4; export",
    loop: r"images/loop\.png: link to no file",
    dangling: r"masks/gone\.png: link to no file",
    folder_loop: r"images: cannot be read \(Too many levels",
    one_value: r"the masks hold one class only: 0 \(640 px\)",
    sizes: r"is 8x8 .*c\.png is 8x12; .* one size: set augment\.crop",
}


@pytest.mark.spec("SEG-028", "are refused by name")
@pytest.mark.parametrize("spoil", FAULTS, ids=lambda spoil: spoil.__name__)
def test_a_bad_folder_is_refused_by_name(tmp_path, spoil):
    config = change(make(tmp_path), split="contiguous")
    spoil(tmp_path)
    with pytest.raises(InputError, match=FAULTS[spoil]) as caught:
        open_folder(config, 0)
    assert "\n" not in str(caught.value)


def test_sizes_may_differ_where_samples_are_cropped(tmp_path):
    config = make(tmp_path)
    sizes(tmp_path)
    train = open_folder(config, 0, AugmentConfig(crop=8))["train"]
    assert {train[(0, i)]["image"].shape for i in range(8)} == {(1, 8, 8)}


def test_one_image_says_what_a_split_needs(tmp_path):
    config = make(tmp_path, names="a")
    with pytest.raises(InputError, match="1 image cannot be split .* 2 at least"):
        open_folder(config, 0)


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"val_share": 0.0}, r"val_share must lie in \(0, 1\), got 0"),
        ({"test_share": 1.0}, r"test_share must lie in \[0, 1\), got 1"),
        ({"val_share": 0.5, "test_share": 0.5}, "leave nothing to train on"),
        ({"folds": 1}, "folds must be 0 or at least 2, got 1"),
        ({"folds": 3, "fold": 3}, "fold must be below folds=3, got 3"),
        ({"repeat": 0}, "repeat must be at least 1, got 0"),
        ({"ignore": (1, 2)}, r"ignore must be \[v\] or \[r, g, b\]"),
        ({"class_names": ("a", "a")}, "class_names has a name twice"),
        ({"mask_values": {"0": "a"}, "ignore": (0,)}, "ignore is also a class"),
        ({"mask_values": {"x": "a"}}, "mask_values has the key 'x'"),
        ({"mask_values": {"0": "a", "1": "a"}}, "mask_values names a class"),
        ({"mask_values": {"0": "a", "1,2,3": "b"}}, "mask_values mixes grey"),
    ],
)
def test_impossible_settings_are_refused(changes, words):
    with pytest.raises(ValueError, match=words):
        FolderConfig(**changes)


@pytest.mark.parametrize("key", ["images", "masks"])
def test_a_folder_that_is_not_set_is_asked_for(tmp_path, key):
    with pytest.raises(InputError, match=f"data.folder.{key} is not set"):
        open_folder(change(make(tmp_path), **{key: ""}), 0)


@pytest.mark.skipif(
    MEMBRANES is None, reason="isbi_membrane is not there: set SEG_DATA"
)
def test_real_membranes():
    config = FolderConfig(
        str(MEMBRANES / "images"),
        str(MEMBRANES / "masks"),
        mask_values={"255": "cell", "0": "membrane"},
        split="contiguous",
    )
    parts = open_folder(config, 0)
    names = {split: [path.stem for path in part.paths] for split, part in parts.items()}
    assert names["val"] == ["16", "17", "18", "19"]
    assert names["train"] == [f"{i:02d}" for i in range(16)]
    info = parts["train"].info
    assert (info.in_channels, info.mask_values) == (1, ((255,), (0,)))
    assert sum(info.class_pixels) == 16 * 512 * 512
    image = torch.stack([parts["train"][(0, i)]["image"] for i in range(16)])
    assert image.mean().abs() < 1e-3 and abs(image.std() - 1) < 1e-3
