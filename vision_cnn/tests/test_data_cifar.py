"""CIFAR in both versions and both wrappings, and what can be wrong in one."""

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch

from src.data.cifar import open_cifar
from src.utils.errors import InputError
from tests.image_sets import cifar_binary, cifar_pixels, pack, pixels_of, python2_pickle


NAMES = ["airplane", "automobile", "bird"]
SIZES = {f"data_batch_{i}": i for i in range(1, 6)} | {"test_batch": 2}


def images_of(name: str) -> np.ndarray:
    return cifar_pixels(SIZES[name], seed=SIZES[name])


def labels_of(name: str) -> list[int]:
    return [i % 3 for i in range(SIZES[name])]


def write_binary(root: Path) -> Path:
    root.mkdir(parents=True)
    for name in SIZES:
        data = cifar_binary(images_of(name), labels_of(name))
        (root / f"{name}.bin").write_bytes(data)
    (root / "batches.meta.txt").write_text("\n".join(NAMES) + "\n\n")
    return root


def write_python(root: Path, dump=python2_pickle) -> Path:
    root.mkdir(parents=True)
    for name in SIZES:
        rows = images_of(name).reshape(-1, 3072)
        kept = {"batch_label": "one", "labels": labels_of(name), "data": rows}
        (root / name).write_bytes(dump(kept | {"filenames": ["x.png"] * len(rows)}))
    (root / "batches.meta").write_bytes(dump({"label_names": NAMES, "num_vis": 3}))
    return root


def check_ten(source):
    assert source.class_names == tuple(NAMES)
    train = source.parts["train"]
    expected = np.concatenate([images_of(f"data_batch_{i}") for i in range(1, 6)])
    np.testing.assert_array_equal(pixels_of(train), expected)
    assert train.labels.tolist() == [i % 3 for n in range(1, 6) for i in range(n)]
    assert train.labels.dtype == torch.int64 and train.images.dtype == torch.uint8
    np.testing.assert_array_equal(
        pixels_of(source.parts["test"]), images_of("test_batch")
    )


@pytest.mark.spec("CNN-032", "the same images and labels")
@pytest.mark.parametrize("write", (write_binary, write_python))
@pytest.mark.parametrize("wrap", ("folder", "above", "tar", "tar.gz"))
def test_both_versions_open_from_a_folder_and_from_a_tar(tmp_path, write, wrap):
    root = write(tmp_path / "data" / "batches")
    if wrap.startswith("tar"):
        mode = "w:gz" if wrap == "tar.gz" else "w"
        root = pack(root, tmp_path / "cifar.tar", "cifar-10-batches/", mode)
    source = open_cifar(root.parent if wrap == "above" else root)
    check_ten(source)
    end = ".bin" if write is write_binary else ""
    names = source.parts["train"].names
    assert [names[0], names[1], names[14]] == [
        f"data_batch_1{end}[0]",
        f"data_batch_2{end}[0]",
        f"data_batch_5{end}[4]",
    ]


@pytest.mark.spec("CNN-032", "the same images and labels")
@pytest.mark.parametrize("protocol", (2, 3, 4, 5))
def test_pickles_saved_again_with_python_3_open(tmp_path, protocol):
    check_ten(
        open_cifar(write_python(tmp_path / "p", lambda d: pickle.dumps(d, protocol)))
    )


def test_keys_may_be_bytes(tmp_path):
    def dump(kept):
        return pickle.dumps({key.encode(): value for key, value in kept.items()})

    check_ten(open_cifar(write_python(tmp_path / "p", dump)))


@pytest.mark.spec("CNN-032", "the 100 fine classes")
@pytest.mark.parametrize("version", ("binary", "python"))
def test_cifar_100_has_its_fine_labels(tmp_path, version):
    fine, coarse, names = [3, 99, 0], [1, 2, 3], [f"class{i}" for i in range(100)]
    for name in ("train", "test"):
        rows = cifar_pixels(3)
        if version == "binary":
            data = cifar_binary(rows, coarse, fine)
            (tmp_path / f"{name}.bin").write_bytes(data)
        else:
            kept = {"coarse_labels": coarse, "fine_labels": fine}
            kept["data"] = rows.reshape(3, -1)
            (tmp_path / name).write_bytes(python2_pickle(kept))
    (tmp_path / "fine_label_names.txt").write_text("\n".join(names))
    kept = {"coarse_label_names": ["x"] * 20, "fine_label_names": names}
    if version == "python":
        (tmp_path / "fine_label_names.txt").unlink()
        (tmp_path / "meta").write_bytes(python2_pickle(kept))
    source = open_cifar(tmp_path)
    assert source.class_names == tuple(names)
    for part in source.parts.values():
        assert part.labels.tolist() == fine
        np.testing.assert_array_equal(pixels_of(part), cifar_pixels(3))


def cut(root):
    path = root / "data_batch_2.bin"
    path.write_bytes(path.read_bytes()[:-1])


def no_record(root):
    (root / "test_batch.bin").write_bytes(b"")


def wrong_label(root):
    data = cifar_binary(cifar_pixels(2), [0, 3])
    (root / "data_batch_3.bin").write_bytes(data)


def gone(root):
    (root / "data_batch_4.bin").unlink()


def no_names(root):
    (root / "batches.meta.txt").write_text("\n")


BINARY_FAULTS = [
    (cut, "data_batch_2.bin: has 6,145 bytes, which is not one or more records of"),
    (no_record, "test_batch.bin: has 0 bytes, which is not"),
    (wrong_label, "data_batch_3.bin: label 1 is 3, but there are 3 classes, 0 to 2"),
    (gone, "looks like CIFAR-10 binary but has no data_batch_4.bin; download"),
    (no_names, "batches.meta.txt: holds no list of class names"),
]


@pytest.mark.spec("CNN-031", "refused in one sentence")
@pytest.mark.parametrize("spoil, words", BINARY_FAULTS)
def test_a_faulty_binary_version_is_refused(tmp_path, spoil, words):
    spoil(write_binary(tmp_path / "c"))
    with pytest.raises(InputError, match=words):
        open_cifar(tmp_path / "c")


ROWS = cifar_pixels(2).reshape(2, -1)
PICKLES = [
    ({"labels": [0, 1]}, "data is absent; needed is an array of images x 3,072"),
    ({"data": ROWS[:, :9], "labels": [0, 1]}, r"data is \(2, 9\)"),
    ({"data": ROWS[:0], "labels": []}, r"data is \(0, 3072\)"),
    ({"data": ROWS, "labels": [0]}, "has 2 images but 1 labels"),
    ({"data": ROWS, "labels": "ab"}, "labels is no list of whole numbers"),
    ({"data": ROWS, "labels": [0, 1.0]}, "labels is no list of whole numbers"),
    ({"data": ROWS, "labels": [0, 2**70]}, "label 1 is .*, but there are 3 classes"),
    ({"data": ROWS, "labels": [0, -1]}, "label 1 is -1, but there are 3 classes"),
    ([1, 2], "holds list instead of a dict"),
]


@pytest.mark.spec("CNN-031", "refused in one sentence")
@pytest.mark.parametrize("kept, words", PICKLES)
def test_a_faulty_python_version_is_refused(tmp_path, kept, words):
    root = write_python(tmp_path / "c")
    (root / "data_batch_2").write_bytes(pickle.dumps(kept))
    with pytest.raises(InputError, match=f"data_batch_2: {words}"):
        open_cifar(root)


def test_what_is_no_cifar_is_refused(tmp_path):
    with pytest.raises(InputError, match="no such folder or file; data.root names"):
        open_cifar(tmp_path / "gone")
    with pytest.raises(InputError, match="has no file of CIFAR; expected are those"):
        open_cifar(tmp_path)
    (tmp_path / "text.tar.gz").write_text("no archive")
    with pytest.raises(InputError, match="text.tar.gz: is not a whole tar file"):
        open_cifar(tmp_path / "text.tar.gz")


@pytest.mark.spec("CNN-031", "refused in one sentence")
def test_a_cut_or_flipped_archive_is_refused(tmp_path):
    path = pack(write_binary(tmp_path / "c"), tmp_path / "cifar.tar.gz")
    whole = path.read_bytes()
    for size in (0, 1, 100, len(whole) // 2, len(whole) - 9, len(whole) - 1):
        path.write_bytes(whole[:size])
        with pytest.raises(InputError, match="cifar.tar.gz: is not a whole tar file"):
            open_cifar(path)
    for place in range(200, len(whole), len(whole) // 7):
        damaged = bytearray(whole)
        damaged[place] ^= 0x10
        path.write_bytes(damaged)
        with pytest.raises(InputError, match="cifar.tar.gz"):
            open_cifar(path)
