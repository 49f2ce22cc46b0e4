"""IDX files of every type, and each way in which one can be damaged."""

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from src.data.idx import open_idx_folder, read_idx
from src.data.transforms import channel_statistics
from src.utils.errors import InputError


MNIST = Path(__file__).resolve().parents[3] / "shared/data/mnist"
CODES = {"u1": 8, "i1": 9, "i2": 11, "i4": 12, "f4": 13, "f8": 14}


def idx_bytes(array: np.ndarray) -> bytes:
    """As LeCun's page describes it, written independently of the reader."""
    code = CODES[array.dtype.str[1:]]
    head = struct.pack(f">HBB{array.ndim}I", 0, code, array.ndim, *array.shape)
    return head + array.astype(array.dtype.newbyteorder(">")).tobytes()


def write_set(root: Path, train: int = 6, test: int = 4, dot: str = "-") -> Path:
    """A small MNIST; image i holds i everywhere, its label is i % 3."""
    root.mkdir(exist_ok=True)
    for prefix, n in (("train", train), ("t10k", test)):
        images = np.broadcast_to(np.arange(n, dtype=np.uint8)[:, None, None], (n, 5, 4))
        labels = np.arange(n, dtype=np.uint8) % 3
        (root / f"{prefix}-images{dot}idx3-ubyte").write_bytes(idx_bytes(images))
        packed = gzip.compress(idx_bytes(labels))
        (root / f"{prefix}-labels{dot}idx1-ubyte.gz").write_bytes(packed)
    return root


@pytest.mark.spec("AGE-074", "every type and rank")
@pytest.mark.parametrize("kind", CODES)
@settings(max_examples=5)
@example([3, 2], True)
@given(st.lists(st.integers(0, 4), max_size=5), st.booleans())
def test_what_was_written_is_read(tmp_path_factory, kind, shape, packed):
    rng = np.random.default_rng(0)
    array = np.asarray(rng.normal(0, 50, shape)).astype(kind)
    path = tmp_path_factory.mktemp("idx") / "array"
    data = idx_bytes(array)
    path.write_bytes(gzip.compress(data) if packed else data)
    read = read_idx(path)
    assert read.dtype == np.dtype(kind) and read.dtype.isnative
    assert read.shape == tuple(shape)
    np.testing.assert_array_equal(read, array)


GOOD = idx_bytes(np.arange(12, dtype=np.int16).reshape(3, 4))
DAMAGED = [
    (b"", r"begins with the bytes \(none\); an IDX file begins with 00 00"),
    (GOOD[:3], "begins with the bytes 00 00 0b;"),
    (b"\x89PNG\r\n", "begins with the bytes 89 50 4e 47"),
    (b"\0\0\x0a\x01" + GOOD[4:], "begins with the bytes 00 00 0a 01"),
    (GOOD[:9], "ends inside its header, after 9 of 12 bytes"),
    (GOOD[:-1], r"announces 24 bytes of values \(shape \(3, 4\)\), but there are 23"),
    (GOOD + b"x", "announces 24 bytes .* but there are more"),
    (b"\0\0\x08\x04" + b"\xff" * 16, "announces rank 4 and 340,"),
    (b"\0\0\x08\xff" + b"\0" * 1020, "announces rank 255 and 0 bytes; at most rank 32"),
    (gzip.compress(GOOD)[:-9], "the gzip data is damaged .*; download the file again"),
    (b"\x1f\x8b" + b"junk" * 8, "the gzip data is damaged"),
    (gzip.compress(GOOD)[:-8] + b"\0" * 8, "the gzip data is damaged"),
    (gzip.compress(GOOD[:-1]), "announces 24 bytes .* but there are 23"),
]


@pytest.mark.spec("AGE-074", "refuses a file")
@pytest.mark.parametrize("data, words", DAMAGED)
def test_a_damaged_file_is_refused_by_name(tmp_path, data, words):
    path = tmp_path / "train-images"
    path.write_bytes(data)
    with pytest.raises(InputError, match=rf"train-images: .*{words}"):
        read_idx(path)


@pytest.mark.spec("AGE-074", "refuses a file")
def test_any_cut_or_longer_file_is_refused(tmp_path):
    for data in (GOOD, gzip.compress(GOOD)):
        for size in range(len(data)):
            (tmp_path / "cut").write_bytes(data[:size])
            with pytest.raises(InputError, match="cut: "):
                read_idx(tmp_path / "cut")


def test_what_is_no_file_is_refused(tmp_path):
    with pytest.raises(InputError, match="gone: no such file"):
        read_idx(tmp_path / "gone")
    with pytest.raises(InputError, match="cannot be read"):
        read_idx(tmp_path)


@pytest.mark.parametrize("dot", ("-", "."))
def test_a_folder_is_read_under_both_spellings(tmp_path, dot):
    parts = open_idx_folder(write_set(tmp_path, dot=dot))
    assert parts["train"].features.shape == (6, 1, 5, 4)
    assert parts["train"].features[:, 0, 0, 0].tolist() == list(range(6))
    assert parts["test"].labels.tolist() == [0, 1, 2, 0]
    assert parts["test"].labels.dtype == np.int64


def other_count(root):
    labels = idx_bytes(np.zeros(5, np.uint8))
    (root / "train-labels-idx1-ubyte").write_bytes(labels)


def other_rank(root):
    (root / "t10k-images-idx3-ubyte").write_bytes(idx_bytes(np.zeros((4, 5), "u1")))


def other_type(root):
    (root / "t10k-labels-idx1-ubyte").write_bytes(idx_bytes(np.zeros(4, "i4")))


def other_size(root):
    images = idx_bytes(np.zeros((4, 5, 5), "u1"))
    (root / "t10k-images-idx3-ubyte").write_bytes(images)


def no_images(root):
    (root / "train-images-idx3-ubyte").unlink()


FAULTS = [
    (other_count, r"holds 6 images but .*train-labels-idx1-ubyte 5 labels"),
    (other_rank, r"t10k-images-idx3-ubyte: holds uint8 of shape \(4, 5\); .* 3 axes"),
    (other_type, r"t10k-labels-idx1-ubyte: holds int32 of shape \(4,\); .* 1 axis"),
    (other_size, "training images are 5x4 but test images 5x5"),
    (no_images, r"has none of train-images-idx3-ubyte, train-images\.idx3-ubyte"),
]


@pytest.mark.parametrize("spoil, words", FAULTS)
def test_a_folder_that_does_not_fit_together_is_refused(tmp_path, spoil, words):
    spoil(write_set(tmp_path))
    with pytest.raises(InputError, match=words):
        open_idx_folder(tmp_path)


def test_a_missing_folder_says_what_is_wanted(tmp_path):
    with pytest.raises(InputError, match="no such folder; data.root names the folder"):
        open_idx_folder(tmp_path / "gone")


@pytest.mark.skipif(not MNIST.is_dir(), reason=f"MNIST is not in {MNIST}")
def test_mnist_has_its_known_counts():
    parts = open_idx_folder(MNIST)
    train, test = parts["train"], parts["test"]
    counts = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert np.bincount(train.labels).tolist() == counts
    counts = [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert np.bincount(test.labels).tolist() == counts
    assert train.features.shape == (60000, 1, 28, 28)
    assert train.labels[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    mean, std = channel_statistics(train.features)
    assert mean == pytest.approx([0.1307], abs=5e-5)
    assert std == pytest.approx([0.3081], abs=5e-5)
