"""Every bad folder and impossible setting is refused by name."""

import pytest

from src.data.augment import AugmentConfig
from src.data.folder import FolderConfig, open_folder
from src.data.images import write_png
from src.utils.errors import InputError
from tests.folders import change, grey, make


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
