"""IDX files of every type, the sets that come in them, and each kind of damage."""

import gzip
import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from src.data.idx import open_idx, read_idx
from src.utils.errors import InputError
from tests.image_sets import CODES, idx_bytes, pixels_of, ramp, same_source, write_idx


MNIST = Path(__file__).resolve().parents[3] / "shared/data/mnist"


@pytest.mark.parametrize("kind", CODES)
@settings(max_examples=5)
@example([3, 2], True)
@given(st.lists(st.integers(0, 4), max_size=5), st.booleans())
def test_what_was_written_is_read(tmp_path_factory, kind, shape, packed):
    array = np.asarray(np.random.default_rng(0).normal(0, 50, shape)).astype(kind)
    path = tmp_path_factory.mktemp("idx") / "array"
    data = idx_bytes(array)
    path.write_bytes(gzip.compress(data) if packed else data)
    read = read_idx(path)
    assert read.dtype == np.dtype(kind) and read.dtype.isnative
    np.testing.assert_array_equal(read, array)


GOOD = idx_bytes(np.arange(12, dtype=np.int16).reshape(3, 4))
HUGE = b"\0\0\x08\x03" + struct.pack(">3I", 1000, 1000, 1000)
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
    (HUGE, "announces 1,000,000,000 bytes .* far fewer"),
    (gzip.compress(HUGE), "announces 1,000,000,000 bytes .* far fewer"),
    (gzip.compress(GOOD)[:-9], "the gzip data is damaged .*; download the file again"),
    (b"\x1f\x8b" + b"junk" * 8, "the gzip data is damaged"),
    (gzip.compress(GOOD)[:-8] + b"\0" * 8, "the gzip data is damaged"),
    (gzip.compress(GOOD[:-1]), "announces 24 bytes .* but there are 23"),
]


@pytest.mark.spec("CNN-031", "refused in one sentence")
@pytest.mark.parametrize("data, words", DAMAGED)
def test_a_damaged_file_is_refused_by_name(tmp_path, data, words):
    path = tmp_path / "train-images"
    path.write_bytes(data)
    with pytest.raises(InputError, match=rf"train-images: .*{words}"):
        read_idx(path)


@pytest.mark.spec("CNN-031", "refused in one sentence")
def test_any_cut_file_is_refused(tmp_path):
    for data in (GOOD, gzip.compress(GOOD)):
        for size in range(len(data)):
            (tmp_path / "cut").write_bytes(data[:size])
            with pytest.raises(InputError, match="cut: "):
                read_idx(tmp_path / "cut")


@pytest.mark.spec("CNN-031", "costs no memory")
def test_a_header_that_announces_a_gigabyte_costs_no_memory(tmp_path):
    path = tmp_path / "bomb"
    path.write_bytes(HUGE + bytes(100))
    tracemalloc.start()
    with pytest.raises(InputError, match="far fewer"):
        read_idx(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10_000_000


def test_what_is_no_file_is_refused(tmp_path):
    with pytest.raises(InputError, match="gone: no such file"):
        read_idx(tmp_path / "gone")
    with pytest.raises(InputError, match="cannot be read"):
        read_idx(tmp_path)


@pytest.mark.spec("CNN-030", "in both spellings")
@pytest.mark.parametrize("dot", ("-", "."))
def test_a_folder_is_read_under_both_spellings(tmp_path, dot):
    source = open_idx(write_idx(tmp_path, dot=dot))
    train, test = source.parts["train"], source.parts["test"]
    np.testing.assert_array_equal(pixels_of(train), ramp(6)[:, None])
    assert train.images.dtype == torch.uint8 and test.labels.dtype == torch.int64
    assert test.labels.tolist() == [0, 1, 2, 0]
    assert source.class_names == ("0", "1", "2")


def test_an_image_says_in_which_file_it_is(tmp_path):
    names = open_idx(write_idx(tmp_path)).parts["train"].names
    assert len(names) == 6 and names[5] == "train-images-idx3-ubyte[5]"
    assert names[-1] == names[5] and names[1:3] == [names[1], names[2]]
    assert list(names)[0] == "train-images-idx3-ubyte[0]"
    with pytest.raises(IndexError, match="image 6 of 6"):
        names[6]


def test_names_of_classes_are_taken_as_given(tmp_path):
    names = ("T-shirt", "Trouser", "Pullover", "Dress")
    source = open_idx(write_idx(tmp_path), names)
    assert source.class_names == names
    with pytest.raises(InputError, match="label 2 is 2, but there are 2 classes, 0 to"):
        open_idx(tmp_path, names[:2])


@pytest.mark.spec("CNN-030", "turned upright")
@pytest.mark.parametrize("name, first", [("emnist-digits", 0), ("emnist-letters", 1)])
def test_emnist_is_upright_and_counts_from_zero(tmp_path, name, first):
    prefixes = (f"{name}-train", f"{name}-test")
    source = open_idx(write_idx(tmp_path, prefixes=prefixes, first=first))
    train = source.parts["train"]
    np.testing.assert_array_equal(pixels_of(train)[:, 0], ramp(6).transpose(0, 2, 1))
    assert train.labels.tolist() == [0, 1, 2, 0, 1, 2]
    expected = ("A", "B", 26) if first else ("0", "1", 10)
    assert (*source.class_names[:2], len(source.class_names)) == expected
    assert train.names[0] == f"{name}-train-images-idx3-ubyte[0]"


def test_one_of_several_sets_of_emnist_is_named_by_the_root(tmp_path):
    for name in ("emnist-digits", "emnist-balanced"):
        write_idx(tmp_path, prefixes=(f"{name}-train", f"{name}-test"))
    with pytest.raises(InputError, match="holds 2 sets .*; end data.root with the one"):
        open_idx(tmp_path)
    assert len(open_idx(tmp_path / "emnist-balanced").class_names) == 47
    assert len(open_idx(tmp_path / "emnist-digits").class_names) == 10


def test_a_letter_below_the_first_is_refused(tmp_path):
    name = "emnist-letters"
    write_idx(tmp_path, prefixes=(f"{name}-train", f"{name}-test"), first=0)
    with pytest.raises(InputError, match=r"has the label 0; the letters .* from 1"):
        open_idx(tmp_path)


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


def empty(root):
    images = idx_bytes(np.zeros((0, 5, 4), "u1"))
    (root / "train-images-idx3-ubyte").write_bytes(images)
    (root / "train-labels-idx1-ubyte").write_bytes(idx_bytes(np.zeros(0, "u1")))


def gap(root):
    labels = idx_bytes(np.array([0, 1, 2, 0, 1, 9], "u1"))
    (root / "train-labels-idx1-ubyte").write_bytes(labels)


def unknown_class(root):
    labels = idx_bytes(np.array([0, 1, 3, 0], "u1"))
    (root / "t10k-labels-idx1-ubyte").write_bytes(labels)


FAULTS = [
    (other_count, r"holds 6 images but train-labels-idx1-ubyte 5 labels"),
    (other_rank, r"t10k-images-idx3-ubyte: holds uint8 of shape \(4, 5\); .* 3 axes"),
    (other_type, r"t10k-labels-idx1-ubyte: holds int32 of shape \(4,\); .* 1 axis"),
    (other_size, "training images are 5x4 but test images 5x5"),
    (no_images, r"has none of train-images-idx3-ubyte, train-images\.idx3-ubyte"),
    (empty, "holds 0 images but .* 0 labels; .* at least one"),
    (gap, "labels-idx1-ubyte: has labels up to 9 but none is 3; labels count"),
    (unknown_class, "t10k-labels-idx1-ubyte: label 2 is 3, but there are 3 classes"),
]


@pytest.mark.parametrize("spoil, words", FAULTS)
def test_a_folder_that_does_not_fit_together_is_refused(tmp_path, spoil, words):
    spoil(write_idx(tmp_path))
    with pytest.raises(InputError, match=words):
        open_idx(tmp_path)


def test_a_missing_folder_says_what_is_wanted(tmp_path):
    with pytest.raises(InputError, match="no such folder; data.root names the folder"):
        open_idx(tmp_path / "gone")


def test_the_fingerprint_is_that_of_the_content(tmp_path):
    one = open_idx(write_idx(tmp_path / "one"))
    assert same_source(open_idx(write_idx(tmp_path / "two")), one)
    labels = idx_bytes(np.array([0, 1, 2, 0, 1, 1], "u1"))
    (tmp_path / "two/train-labels-idx1-ubyte").write_bytes(labels)
    assert open_idx(tmp_path / "two").fingerprint != one.fingerprint


@pytest.mark.spec("CNN-030", "MNIST, the sets")
@pytest.mark.skipif(not MNIST.is_dir(), reason=f"MNIST is not in {MNIST}")
def test_mnist_has_its_known_counts_and_mean():
    source = open_idx(MNIST)
    train, test = source.parts["train"], source.parts["test"]
    counts = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert torch.bincount(train.labels).tolist() == counts
    counts = [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert torch.bincount(test.labels).tolist() == counts
    assert train.images.shape == (60000, 1, 28, 28)
    assert train.labels[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert train.images.numpy().mean() / 255 == pytest.approx(0.1307, abs=5e-5)
