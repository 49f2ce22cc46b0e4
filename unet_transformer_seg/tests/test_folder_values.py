"""Mask values become classes and come back bit for bit; blurred masks are refused."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from src.data.folder import FolderConfig, open_folder
from src.data.images import read_mask, write_png
from src.data.info import DataInfo
from src.data.mask_values import count_values, restore_mask, texture, to_classes
from src.utils.errors import InputError


def folder(root: Path, masks: list[np.ndarray], kind: str = "png", **options):
    for i, mask in enumerate(masks):
        image = np.full(mask.shape[:2], 30 * i, np.uint8)
        write_png(root / "images" / f"{i}.png", image)
        path = root / "masks" / f"{i}.{kind}"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(mask).save(path)
    return FolderConfig(str(root / "images"), str(root / "masks"), **options)


def data_info(values, ignore=None) -> DataInfo:
    names = tuple(map(str, range(len(values))))
    return DataInfo(1, names, values, ignore, (0.0,), (1.0,), (1,) * len(values), "")


values_grey = st.sets(st.integers(0, 65535), min_size=2, max_size=12)
values_rgb = st.sets(st.tuples(*[st.integers(0, 255)] * 3), min_size=2, max_size=12)


@pytest.mark.spec("SEG-029", "bit for bit")
@given(values=st.one_of(values_grey, values_rgb), seed=st.integers(0, 99))
def test_restore_undoes_to_classes(values, seed):
    values = [v if isinstance(v, tuple) else (v,) for v in sorted(values)]
    rng = np.random.default_rng(seed)
    mask = np.array(values)[rng.integers(0, len(values), (5, 7))]
    mask = mask[..., 0] if len(values[0]) == 1 else mask
    assert sum(count_values(mask).values()) == 35
    for order, ignore in ((values, None), (values[:0:-1], values[0])):
        info = data_info(tuple(order), ignore)
        classes = to_classes(mask, order, ignore)
        assert set(np.unique(classes)) <= {*range(len(order)), 255}
        restored = restore_mask(torch.from_numpy(classes).long(), info)
        assert np.array_equal(restored, mask)
        assert restored.dtype == (np.uint8 if max(map(max, values)) < 256 else "uint16")


@pytest.mark.spec("SEG-029", "in ascending order")
@pytest.mark.parametrize("kind", ["grey", "rgb", "rgba", "short", "palette"])
def test_files_of_each_kind_come_back_bit_for_bit(tmp_path, kind):
    rng = np.random.default_rng(0)
    index = rng.integers(0, 3, (4, 9, 9))
    table = {
        "grey": np.array([0, 128, 255], np.uint8),
        "short": np.array([0, 300, 65535], np.uint16),
        "palette": np.array([0, 1, 2], np.uint8),
        "rgb": np.array([[0, 0, 0], [0, 0, 255], [255, 0, 0]], np.uint8),
        "rgba": np.array([[0, 0, 0], [0, 0, 255], [255, 0, 0]], np.uint8),
    }[kind]
    config = folder(tmp_path, list(table[index]), split="contiguous")
    for file in sorted((tmp_path / "masks").iterdir()):
        image = Image.open(file)
        if kind == "rgba":
            image.putalpha(77)
        if kind == "palette":
            image = Image.frombytes("P", image.size, image.tobytes())
            image.putpalette([255, 255, 255, 0, 0, 0, 9, 9, 9])
        image.save(file)
    parts = open_folder(config, 0)
    info = parts["train"].info
    assert info.mask_values == tuple(map(tuple, table.reshape(3, -1).tolist()))
    for i, key in enumerate((0, 1, 2)):
        target = parts["train"][(0, key)]["target"]
        assert np.array_equal(target, index[i])
        write_png(tmp_path / "out.png", restore_mask(target, info))
        restored = read_mask(tmp_path / "out.png")
        assert np.array_equal(restored, table[index[i]])


@pytest.mark.spec("SEG-029", "or as `mask_values` says")
def test_mask_values_decide_order_and_names(tmp_path):
    mask = np.array([[0, 0, 255, 255]] * 4, np.uint8)
    wanted = {"255": "cell", "0": "membrane", "9": "rare"}
    parts = open_folder(folder(tmp_path, [mask] * 3, mask_values=wanted), 0)
    info = parts["train"].info
    assert info.class_names == ("cell", "membrane", "rare")
    assert info.class_pixels == (16, 16, 0)
    assert parts["val"][(0, 0)]["target"][0].tolist() == [1, 1, 0, 0]


def test_grey_and_rgb_masks_together_are_rgb(tmp_path):
    grey = np.array([[0, 0, 255, 255]] * 4, np.uint8)
    rgb = np.repeat(grey[..., None], 3, -1)
    info = open_folder(folder(tmp_path, [grey, rgb, rgb]), 0)["train"].info
    assert info.mask_values == ((0, 0, 0), (255, 255, 255))
    assert info.class_pixels == (16, 16)


@pytest.mark.parametrize("coded", ["grey", "rgb"])
def test_settings_in_rgb_fit_masks_in_grey_and_the_reverse(tmp_path, coded):
    grey = np.array([[0, 9, 255, 255]] * 4, np.uint8)
    masks = [grey if coded == "grey" else np.repeat(grey[..., None], 3, -1)] * 3
    values = {"grey": {"0,0,0": "a", "9,9,9": "b"}, "rgb": {"0": "a", "9": "b"}}[coded]
    ignore = (255, 255, 255) if coded == "grey" else (255,)
    config = folder(tmp_path, masks, mask_values=values, ignore=ignore)
    train = open_folder(config, 0)["train"]
    assert train[(0, 0)]["target"][0].tolist() == [0, 1, 255, 255]
    assert train.info.class_pixels == (8, 8)


@pytest.mark.spec("SEG-029", "the number of names")
def test_names_must_fit_the_values(tmp_path):
    mask = np.array([[0, 1, 255, 255]] * 4, np.uint8)
    config = folder(tmp_path, [mask] * 3, class_names=("a", "b"))
    with pytest.raises(
        InputError, match=r"2 names, but the masks have 3 values: 0 \(12"
    ):
        open_folder(config, 0)


def disc(side=64) -> Image.Image:
    y, x = np.mgrid[:side, :side]
    inside = (y - side / 2) ** 2 + (x - side / 2) ** 2 < (side / 3) ** 2
    return Image.fromarray((inside * 255).astype(np.uint8))


@pytest.mark.spec("SEG-030", "refused by file name with its values")
@pytest.mark.parametrize("blur", ["resize", "jpeg", "shrink"])
def test_a_blurred_mask_is_refused(tmp_path, blur):
    mask = disc()
    config = folder(tmp_path, [np.array(mask)] * 3)
    bad = tmp_path / "masks" / "1.png"
    if blur == "jpeg":
        bad.unlink()
        bad = bad.with_suffix(".jpg")
        mask.save(bad, quality=90)
    elif blur == "resize":
        mask.resize((40, 40)).resize((64, 64), Image.Resampling.BILINEAR).save(bad)
    else:
        disc(128).resize((64, 64), Image.Resampling.BOX).save(bad)
    words = r"the two values 0 and 255 with blurred borders \(\d+ values in all\)"
    with pytest.raises(InputError, match=f"{bad.name}: looks like a mask of {words}"):
        open_folder(config, 0)


@pytest.mark.spec("SEG-030", "refused by file name with its values")
def test_a_value_that_is_no_class_is_refused(tmp_path):
    mask = np.array([[0, 0, 255, 255]] * 4, np.uint8)
    odd = mask.copy()
    odd[1, 2] = 254
    config = folder(tmp_path, [mask, odd, mask], mask_values={"0": "a", "255": "b"})
    words = r"masks/1.png: has the values 254 \(1 px\), which are no class; .* 0; 255"
    with pytest.raises(InputError, match=words):
        open_folder(config, 0)


def test_true_classes_are_not_taken_for_blur():
    stairs = np.repeat(np.arange(20, dtype=np.uint8), 3)[None].repeat(9, 0)
    assert texture(stairs, count_values(stairs))[0] == []
    border = np.array(disc()) // 255
    edge = border.astype(bool) ^ np.roll(border, 1, 1).astype(bool)
    trimap = np.where(edge, 3, border).astype(np.uint8)
    assert texture(trimap, count_values(trimap))[0] == []


def test_blur_is_found_in_colour():
    grey = np.array(disc(128).resize((64, 64), Image.Resampling.BOX))
    colour = np.stack([grey, 255 - grey, grey // 2], -1)
    found, solid = texture(colour, count_values(colour))
    assert len(found) >= 3 and (0, 255, 0) in solid


def test_more_than_255_classes_are_refused(tmp_path):
    pixels = np.arange(300, dtype=np.uint16).reshape(15, 20)
    config = folder(tmp_path, [pixels[:5], pixels[5:10], pixels[10:]])
    named = {str(v): f"c{v}" for v in range(300)}
    with pytest.raises(InputError, match="300 values; at most 255 classes"):
        open_folder(dataclasses.replace(config, mask_values=named), 0)


def test_classes_that_are_not_there_cannot_be_restored():
    info = data_info(((0,), (255,)))
    with pytest.raises(ValueError, match=r"classes \[2\]; there are 2"):
        restore_mask(torch.tensor([[2]]), info)
    with pytest.raises(ValueError, match="no ignore value"):
        restore_mask(torch.tensor([[255]]), info)
    with pytest.raises(ValueError, match="classes"):
        restore_mask(torch.tensor([[-1]]), info)


def test_one_unknown_pixel_is_enough():
    with pytest.raises(InputError, match=r"the values 7 \(1 px\).* allowed are 0; 255"):
        to_classes(np.array([[0, 7, 255]]), [(0,), (255,)])
