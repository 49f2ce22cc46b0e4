"""Arrays in a .npz under every accepted name, and what is refused."""

import io
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from src.data.npz import open_npz
from src.utils.errors import InputError
from tests.image_sets import cifar_pixels, pixels_of, ramp


LABELS = np.array([0, 1, 2, 0], np.uint8)
NAMES = [
    ("x_train", "y_train", "x_test", "y_test"),
    ("train_images", "train_labels", "test_images", "test_labels"),
]


def save(path: Path, **arrays) -> Path:
    np.savez(path, **arrays)
    return path


@pytest.mark.spec("CNN-034", "under the names")
@pytest.mark.parametrize("names", NAMES, ids=lambda names: names[0])
def test_train_and_test_are_found_under_each_spelling(tmp_path, names):
    values = (ramp(4), LABELS, ramp(3), LABELS[:3])
    path = save(tmp_path / "a.npz", **dict(zip(names, values, strict=True)))
    source = open_npz(path)
    train, test = source.parts["train"], source.parts["test"]
    np.testing.assert_array_equal(pixels_of(train), ramp(4)[:, None])
    assert train.labels.tolist() == [0, 1, 2, 0] and train.labels.dtype == torch.int64
    assert len(test.labels) == 3 and source.class_names == ("0", "1", "2")
    assert test.names[2] == f"a.npz:{names[2]}[2]"


@pytest.mark.parametrize("names", (("images", "labels"), ("x", "y")))
def test_images_alone_are_for_training(tmp_path, names):
    pair = dict(zip(names, (ramp(4), LABELS), strict=True))
    assert list(open_npz(save(tmp_path / "a.npz", **pair)).parts) == ["train"]


@pytest.mark.parametrize("names", ("x_val y_val", "val_images val_labels"))
def test_a_validation_part_is_found(tmp_path, names):
    images, labels = names.split()
    kept = {"x_train": ramp(4), "y_train": LABELS, images: ramp(2), labels: LABELS[:2]}
    assert list(open_npz(save(tmp_path / "a.npz", **kept)).parts) == ["train", "val"]


LAYOUTS = {
    "channels last": lambda p: p.transpose(0, 2, 3, 1),
    "channels second": lambda p: p,
    "fortran": lambda p: np.asfortranarray(p),
    "grey last": lambda p: p[:, :1].transpose(0, 2, 3, 1),
    "grey": lambda p: p[:, 0],
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("column", (False, True))
def test_each_layout_gives_the_same_images(tmp_path, layout, column):
    pixels, labels = cifar_pixels(4), LABELS[:, None] if column else LABELS
    path = save(tmp_path / "a.npz", images=LAYOUTS[layout](pixels), labels=labels)
    wanted = pixels[:, :1] if layout.startswith("grey") else pixels
    train = open_npz(path).parts["train"]
    np.testing.assert_array_equal(pixels_of(train), wanted)
    assert train.labels.tolist() == [0, 1, 2, 0]


def test_names_of_classes_come_from_the_file_or_the_argument(tmp_path):
    names = np.array(["cat", "dog", "Ünï", "none"])
    path = save(tmp_path / "a.npz", x=ramp(4), y=LABELS, class_names=names)
    assert open_npz(path).class_names == ("cat", "dog", "Ünï", "none")
    assert open_npz(path, ("a", "b", "c")).class_names == ("a", "b", "c")


@given(st.sampled_from(["u1", "i1", "<i2", ">i4", "i8", ">u8"]), st.booleans())
def test_labels_of_any_whole_type(tmp_path_factory, kind, packed):
    path = tmp_path_factory.mktemp("npz") / "a.npz"
    write = np.savez_compressed if packed else np.savez
    write(path, x=ramp(4), y=LABELS.astype(kind))
    assert open_npz(path).parts["train"].labels.tolist() == [0, 1, 2, 0]


GOOD = {"x_train": ramp(4), "y_train": LABELS}
TEST = {"x_test": ramp(4, 6), "y_test": LABELS}
OBJECTS = np.array([{}, {}, {}, {}], object)
FAULTS = [
    ({"other": LABELS}, "a.npz: holds no known name; training images and labels are"),
    ({"x_train": ramp(4)}, "a.npz: has x_train but no y_train"),
    ({"y_train": LABELS}, "a.npz: has y_train but no x_train"),
    (GOOD | {"x": ramp(4), "y": LABELS}, "has both x_train and x; keep one"),
    (GOOD | {"x_train": ramp(4) / 255}, "x_train is float64; needed is uint8"),
    (GOOD | {"x_train": ramp(4)[0]}, r"x_train has the shape \(5, 4\)"),
    (GOOD | {"x_train": cifar_pixels(4)[:, :2]}, r"has the shape \(4, 2, 32, 32\)"),
    (GOOD | {"x_train": ramp(0), "y_train": LABELS[:0]}, r"the shape \(0, 5, 4\)"),
    (GOOD | {"y_train": LABELS[:3]}, "y_train has 3 labels for 4 images"),
    (GOOD | {"y_train": LABELS * 1.0}, r"y_train is float64 of shape \(4,\); needed"),
    (GOOD | {"y_train": np.eye(4, dtype="u1")}, r"y_train is uint8 of shape \(4, 4\)"),
    (GOOD | {"y_train": LABELS - np.int8(1)}, "y_train: label 0 is -1, but classes"),
    (GOOD | {"y_train": LABELS * 2}, "has labels up to 4 but none is 1"),
    (GOOD | {"y_train": LABELS + np.uint64(2**63)}, "y_train: label 0 is -"),
    (GOOD | TEST, r"images of x_train are \(1, 5, 4\) .* but those of x_test \(1, 6"),
    (GOOD | {"class_names": OBJECTS}, "class_names holds Python objects"),
    (GOOD | {"class_names": LABELS}, r"class_names is uint8 of shape \(4,\); needed"),
    (GOOD | {"class_names": np.array(["a", "b"])}, "label 2 is 2, but there are 2"),
]


@pytest.mark.parametrize("arrays, words", FAULTS)
def test_arrays_that_do_not_fit_are_refused(tmp_path, arrays, words):
    with pytest.raises(InputError, match=words):
        open_npz(save(tmp_path / "a.npz", **arrays))


@pytest.mark.spec("CNN-034", "nothing pickled")
def test_objects_are_not_unpickled(tmp_path, monkeypatch):
    monkeypatch.setattr("pickle.load", lambda *_, **__: pytest.fail("unpickled"))
    path = save(tmp_path / "a.npz", x_train=ramp(4), y_train=OBJECTS)
    with pytest.raises(InputError, match=r"y_train holds Python objects \(pickled\)"):
        open_npz(path)


@pytest.mark.spec("CNN-031", "refused in one sentence")
def test_a_cut_or_changed_file_is_refused(tmp_path):
    path = save(tmp_path / "a.npz", x_train=ramp(4, 64, 64), y_train=LABELS)
    whole = path.read_bytes()
    for size in (0, 1, 30, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:size])
        with pytest.raises(InputError, match="a.npz: is not a whole .npz file"):
            open_npz(path)
    for place in range(200, len(whole) - 400, 3001):  # inside of the pixels
        damaged = bytearray(whole)
        damaged[place] ^= 1
        path.write_bytes(damaged)
        with pytest.raises(InputError, match="a.npz"):
            open_npz(path)


def header(shape: tuple[int, ...], kind: str = "|u1") -> bytes:
    text = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}}}"
    text = text.ljust(117) + "\n"
    return b"\x93NUMPY\x01\0" + struct.pack("<H", len(text)) + text.encode()


@pytest.mark.spec("CNN-031", "costs no memory")
@pytest.mark.parametrize("shape", ((2**60, 4, 4), (10**9,), (3, 2, 2), (-1, 2, 2)))
def test_a_header_that_announces_what_is_not_there_is_refused(tmp_path, shape):
    path = tmp_path / "a.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("images.npy", header(shape) + bytes(10))
    with pytest.raises(InputError, match="a.npz: .*(announces|whole)"):
        open_npz(path)


def test_what_is_no_npz_is_refused(tmp_path):
    with pytest.raises(InputError, match="gone.npz: no such file"):
        open_npz(tmp_path / "gone.npz")
    with pytest.raises(InputError, match="is not a whole .npz file"):
        open_npz(tmp_path)
    buffer = io.BytesIO()
    np.save(buffer, ramp(4))
    (tmp_path / "a.npy").write_bytes(buffer.getvalue())
    with pytest.raises(InputError, match="a.npy: is not a whole .npz file"):
        open_npz(tmp_path / "a.npy")
