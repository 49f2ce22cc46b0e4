"""Items and statistics of a folder; real membranes where they are at hand."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch

from src.data import survey as survey_module
from src.data.augment import AugmentConfig
from src.data.folder import FolderConfig, open_folder
from src.data.images import write_png
from src.data.info import IGNORE_INDEX
from src.utils.errors import InputError
from tests.folders import change, grey, make


def find_membranes() -> Path | None:
    """The real data: $SEG_DATA, or shared/data beside or above the project."""
    places = [Path(os.environ["SEG_DATA"])] if "SEG_DATA" in os.environ else []
    places += [p / "shared" / "data" for p in Path(__file__).resolve().parents]
    found = (place / "isbi_membrane" for place in places)
    return next((place for place in found if place.is_dir()), None)


MEMBRANES = find_membranes()


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
    torch.testing.assert_close(info.restore(normal), image)
    assert torch.equal(item["target"], target) and target.dtype == torch.int64
    assert item["image"].dtype == torch.float32 and item["image"].shape == (1, 8, 8)


def test_without_room_in_memory_the_items_are_the_same(tmp_path, monkeypatch):
    config = make(tmp_path)
    kept = open_folder(config, 0)["train"]
    monkeypatch.setattr(survey_module, "CACHE_BYTES", 0)
    read = open_folder(config, 0)["train"]
    assert read.cached[0] is None and kept.cached[0] is not None
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


def test_a_colour_image_in_validation_counts_too(tmp_path):
    config = change(make(tmp_path), split="contiguous")
    write_png(tmp_path / "images" / "j.png", np.zeros((8, 8, 3), np.uint8))
    info = open_folder(config, 0)["train"].info
    assert info.in_channels == len(info.mean) == len(info.std) == 3


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
    names = {pair.name for part in parts.values() for pair in part.pairs}
    assert names == {"a b", "猫", "\u00e9t\u00e9", "new\nline"}


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
