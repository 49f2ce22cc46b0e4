"""Masks whose values are no classes: one sentence for all alike, and what to type."""

import shlex
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from src.data.check_data import check_folder
from src.data.commands import mask_values_option, train_command
from src.data.folder import FolderConfig, open_folder
from src.data.images import write_png
from src.data.mask_values import count_values
from src.data.value_faults import true_values
from src.training.task import Config
from src.utils.config import from_dict
from src.utils.errors import InputError
from tests.folders import change, make


def disc(side: int = 64, value: int = 255) -> Image.Image:
    y, x = np.mgrid[:side, :side] - side / 2
    return Image.fromarray((y**2 + x**2 < side**2 / 9).astype(np.uint8) * value)


def spoil(root: Path, kind: str, names: str = "abcdefghij") -> FolderConfig:
    """A folder whose masks of discs are all blurred or JPEG."""
    config = make(root, names, shape=(64, 64))
    for name in names:
        mask = root / "masks" / f"{name}.png"
        if kind == "jpeg":
            mask.unlink()
            disc().save(mask.with_suffix(".jpg"), quality=75)
        else:
            small = disc().resize((40, 40))
            small.resize((64, 64), Image.Resampling.BILINEAR).save(mask)
    return config


@pytest.mark.spec("SEG-030", "refused by file name with its values")
@pytest.mark.parametrize("kind", ["jpeg", "blurred"])
def test_masks_alike_are_one_fault_and_no_note(tmp_path, kind):
    report, _ = check_folder(spoil(tmp_path, kind))
    (fault,) = report.faults
    assert "masks/a." in fault and "; and 9 more masks alike (b." in fault
    assert "looks like a mask of the two values 0 and 255 with blurred" in fault
    assert "save masks as PNG without smoothing or scaling" in fault
    assert report.notes == []


@pytest.mark.parametrize("kind", ["jpeg", "blurred"])
def test_blurred_masks_are_blurred_also_where_classes_are_named(tmp_path, kind):
    config = change(spoil(tmp_path, kind), mask_values={"0": "a", "255": "b"})
    (fault,) = check_folder(config)[0].faults
    assert "the two values 0 and 255 with blurred borders" in fault


@pytest.mark.parametrize("values", [(0, 255), (0, 100, 200), (3, 40)])
def test_the_values_before_the_blur_are_found(values):
    bands = np.array(values, np.uint8)[np.arange(90) * len(values) // 90]
    picture = Image.fromarray(np.tile(bands, (90, 1)))
    soft = np.array(picture.rotate(20, Image.Resampling.BILINEAR, fillcolor=values[0]))
    counts = count_values(soft)
    assert len(counts) > len(values) + 2
    assert true_values(counts, []) == [(v,) for v in values]


def test_a_photo_for_a_mask_is_not_called_blurred(tmp_path):
    config = make(tmp_path, shape=(64, 64))
    noise = np.random.default_rng(0).integers(0, 256, (64, 64), dtype=np.uint8)
    write_png(tmp_path / "masks" / "c.png", noise)
    (fault,) = check_folder(config)[0].faults
    assert "masks/c.png: has 256 values, most often " in fault and " px)" in fault
    assert "is it a mask?" in fault and "blurred" not in fault


def test_a_dull_photo_has_no_true_values():
    noise = np.random.default_rng(0).normal(128, 5, (64, 64)).astype(np.uint8)
    assert true_values(count_values(noise), []) == []


def test_many_rare_or_absent_classes_are_counted_not_listed(tmp_path):
    names = {str(v): f"c{v}" for v in range(20)}
    config = change(make(tmp_path), mask_values={**names, "255": "white"})
    notes = check_folder(config)[0].notes
    assert sum("is in no mask" in note for note in notes) == 4
    assert "15 more classes are in no mask" in notes


@pytest.mark.spec("SEG-030", "a value that is no class is refused by file name")
def test_an_unknown_value_says_what_to_type(tmp_path):
    config = change(make(tmp_path, values=(0, 7, 9)), mask_values={"9": "cell"})
    (fault,) = check_folder(config)[0].faults
    assert "a.png: has the values 0 (24 px); 7 (24 px), which are no class" in fault
    assert "data.folder.mask_values={} to make every value found a class" in fault
    typed = 'data.folder.mask_values={"9": cell, "0": value_0, "7": value_7}'
    assert f"as in '{typed}'" in fault and "9 more masks alike" in fault
    folders = [f"data.folder.{k}={tmp_path}/{k}" for k in ("images", "masks")]
    for option in (typed, "data.folder.mask_values={}"):
        mended = from_dict(Config, {}, "x", [*folders, option]).data.folder
        assert check_folder(mended)[0].faults == []


def test_null_is_told_from_an_empty_mapping():
    with pytest.raises(InputError, match=r"mask_values must be .*\{\} for none"):
        from_dict(Config, {}, "x", ["data.folder.mask_values=null"])


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        ((0, 255), '{"0": value_0, "255": value_255}'),
        ([(0, 0, 0), (255, 0, 9)], '{"0,0,0": value_0_0_0, "255,0,9": value_255_0_9}'),
    ],
    ids=["grey", "rgb"],
)
@pytest.mark.parametrize("folder", ["data", "it's my data, 1: {x}"])
def test_the_command_printed_trains_on_the_folder(tmp_path, values, shown, folder):
    root = tmp_path / folder
    make(root, shape=(16, 16))
    for i, mask in enumerate(sorted((root / "masks").iterdir())):
        index = np.arange(256).reshape(16, 16) % 3 > i % 2
        write_png(mask, np.array(values, np.uint8)[index.astype(int)])
    checked = FolderConfig(str(root / "images"), str(root / "masks"))
    report, survey = check_folder(checked)
    line = train_command(checked.images, checked.masks, "", survey.classes)
    words = shlex.split(line)
    assert report.faults == [] and words[-1] == f"data.folder.mask_values={shown}"
    assert words[:4] == shlex.split(
        "python scripts/train.py --config configs/my_images.yaml"
    )
    config = from_dict(Config, {}, "x", words[4:])
    again = open_folder(config.data.folder, 0)["train"].info
    assert again == open_folder(checked, 0)["train"].info


@pytest.mark.parametrize("name", ["a, b", "true", "7", "it's", "x: y", "wall", "é}"])
def test_a_name_typed_comes_back(name):
    (word,) = shlex.split(mask_values_option({(0,): name, (1,): "other"}))
    config = from_dict(Config, {}, "x", [word])
    assert config.data.folder.mask_values == {"0": name, "1": "other"}
