"""Folders of images and tars of them, and everything that can be wrong in one."""

import gzip
import io
import itertools
import os
import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from src.data.image_cache import read_cache
from src.data.image_folder import (
    find_images,
    open_image_folder,
    read_image,
    source_key,
)
from src.utils.errors import InputError


CIFAR = Path(__file__).resolve().parents[3] / "shared/data/cifar10"
CLASSES = ("cat", "dog")


def pixels(value: int, height: int = 6, width: int = 4) -> np.ndarray:
    image = np.full((height, width, 3), value, np.uint8)
    image[0, 0] = (255, 0, 0)
    return image


def make(root: Path) -> Path:
    """Three training and two test images of each of two classes, each its own grey."""
    value = 0
    for part, count in (("train", 3), ("test", 2)):
        for label in CLASSES:
            folder = root / part / label
            folder.mkdir(parents=True)
            for number in range(count):
                value += 10
                Image.fromarray(pixels(value)).save(folder / f"{number}.png")
    return root


def pack(root: Path, path: Path, top: str = "") -> Path:
    with tarfile.open(path, "w:gz") as archive:
        files = sorted(root.rglob("*.*"), reverse=True)  # not in the order of a folder
        for file in files:
            archive.add(file, f"{top}{file.relative_to(root)}")
    return path


@pytest.fixture
def root(tmp_path):
    return make(tmp_path / "pets")


def same(one, other) -> bool:
    (a, names), (b, more) = one, other
    pairs = [(a[part], b[part]) for part in a]
    return names == more and all(
        np.array_equal(x.features, y.features) and np.array_equal(x.labels, y.labels)
        for x, y in pairs
    )


def test_a_folder_is_read_in_the_order_of_its_names(root):
    parts, classes = open_image_folder(root, None)
    train = parts["train"]
    assert classes == ["cat", "dog"] and train.labels.tolist() == [0, 0, 0, 1, 1, 1]
    assert train.features.shape == (6, 3, 6, 4) and train.features.dtype == np.uint8
    assert train.features[:, 0, 3, 3].tolist() == [10, 20, 30, 40, 50, 60]
    assert train.features[0, :, 0, 0].tolist() == [255, 0, 0]
    assert parts["test"].features[:, 2, 5, 0].tolist() == [70, 80, 90, 100]


@pytest.mark.spec("AGE-075", "give the same arrays")
@pytest.mark.parametrize("top", ("", "./", "pets/", "../../"))
def test_a_tar_gives_the_same_and_unpacks_nothing(root, tmp_path, top):
    path = pack(root, tmp_path / "pets.tar.gz", top)
    before = sorted(tmp_path.rglob("*"))
    assert same(open_image_folder(path, None), open_image_folder(root, None))
    assert sorted(tmp_path.rglob("*")) == before


def test_links_and_other_things_in_a_tar_are_passed_over(root, tmp_path):
    path = tmp_path / "pets.tar"
    with tarfile.open(path, "w") as archive:
        archive.add(root, "")
        link = tarfile.TarInfo("train/cat/link.png")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
        for name in ("train/cat/._0.png", "train/notes.txt", "docs/cat/0.png"):
            member = tarfile.TarInfo(name)
            member.size = 3
            archive.addfile(member, io.BytesIO(b"abc"))
    assert same(open_image_folder(path, None), open_image_folder(root, None))


def test_a_val_folder_becomes_a_part(root):
    (root / "test").rename(root / "val")
    make(root / "more")
    (root / "more" / "test").rename(root / "test")
    parts, _ = open_image_folder(root, None)
    assert {name: len(part) for name, part in parts.items()} == {
        "train": 6 + 6,
        "val": 4,
        "test": 4,
    }


@pytest.mark.spec("AGE-075", "decoded once")
def test_the_second_time_nothing_is_decoded(root, tmp_path, monkeypatch):
    first = open_image_folder(root, tmp_path / "cache")
    monkeypatch.setattr("src.data.image_folder.decode_image", None)
    assert same(open_image_folder(root, tmp_path / "cache"), first)
    with pytest.raises(TypeError):  # another number of channels is decoded anew
        open_image_folder(root, tmp_path / "cache", 1)


def test_a_changed_source_is_decoded_anew(root, tmp_path):
    open_image_folder(root, tmp_path / "cache")
    path = root / "train" / "cat" / "0.png"
    Image.fromarray(pixels(99)).save(path)
    os.utime(path, ns=(1, 1))
    parts, _ = open_image_folder(root, tmp_path / "cache")
    assert parts["train"].features[0, 0, 3, 3] == 99


@pytest.mark.spec("AGE-075", "cache is made anew")
def test_a_cache_damaged_anywhere_is_made_anew(root, tmp_path):
    first = open_image_folder(root, tmp_path / "cache")
    (path,) = (tmp_path / "cache").iterdir()
    whole = path.read_bytes()
    for place in range(0, len(whole), 61):
        damaged = bytearray(whole)
        damaged[place] ^= 0x55
        path.write_bytes(damaged)
        assert same(open_image_folder(root, tmp_path / "cache"), first), place
    for size in (0, 1, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:size])
        assert same(open_image_folder(root, tmp_path / "cache"), first), size
    assert path.read_bytes() == whole and len(list(path.parent.iterdir())) == 1


def test_a_cache_of_another_source_counts_as_absent(root, tmp_path):
    open_image_folder(root, tmp_path)
    (path,) = tmp_path.glob("*.npz")
    assert read_cache(path, source_key(root, 3)) is not None
    assert read_cache(path, source_key(root, 1)) is None


def test_a_cache_that_cannot_be_written_says_so(root, tmp_path):
    (tmp_path / "cache").write_text("a file, not a folder")
    with pytest.raises(InputError, match="name another folder in data.cache"):
        open_image_folder(root, tmp_path / "cache")


def cut(root):
    path = root / "train" / "dog" / "1.png"
    path.write_bytes(path.read_bytes()[:60])


def no_image(root):
    (root / "test" / "cat" / "0.png").write_text("<html>not found</html>")


def empty_file(root):
    (root / "test" / "cat" / "1.png").write_bytes(b"")


def other_size(root):
    Image.fromarray(pixels(1, 8, 4)).save(root / "train" / "dog" / "2.png")


def deep(root):
    grey = np.full((6, 4), 40000, np.uint16)
    Image.fromarray(grey).save(root / "train" / "cat" / "1.png")


def no_test_class(root):
    for file in (root / "test" / "dog").iterdir():
        file.unlink()


def no_train_class(root):
    (root / "test" / "cow").mkdir()
    Image.fromarray(pixels(1)).save(root / "test" / "cow" / "0.png")


def nothing(root):
    for file in (root / "train").rglob("*.png"):
        file.unlink()


def no_test(root):
    (root / "test").rename(root / "holdout")


FAULTS = [
    (cut, r"train/dog/1\.png: is not a whole PNG or JPEG image"),
    (no_image, r"test/cat/0\.png: is not a whole .*begins with b'<html>not fo'"),
    (empty_file, r"test/cat/1\.png: is empty \(0 bytes\)"),
    (
        other_size,
        r"dog/[12]\.png: is (8x4|6x4) but .*\.png is (8x4|6x4); all images must",
    ),
    (deep, r"train/cat/1\.png: has 16 or 32 bits a pixel"),
    (no_test_class, "train/ has the class 'dog' but test/ has no image of it"),
    (no_train_class, "test/ has the class 'cow' but train/ has no image of it"),
    (nothing, r"has no image in train/<class>/ that ends with \.png, \.jpg"),
    (no_test, "has no image in test/<class>/"),
]


@pytest.mark.spec("AGE-075", "ends in one sentence with the path")
@pytest.mark.parametrize("packed", (False, True))
@pytest.mark.parametrize("spoil, words", FAULTS)
def test_a_faulty_folder_is_refused_by_path(root, tmp_path, spoil, words, packed):
    spoil(root)
    source = pack(root, tmp_path / "pets.tar.gz") if packed else root
    with pytest.raises(InputError, match=words) as told:
        open_image_folder(source, tmp_path / "cache")
    text = str(told.value)
    assert "\n" not in text and "pets" in text and "0x" not in text
    assert not (tmp_path / "cache").exists()


@pytest.mark.spec("AGE-075", "ends in one sentence with the path")
def test_a_cut_tar_is_refused(root, tmp_path):
    path = pack(root, tmp_path / "pets.tar.gz")
    whole = path.read_bytes()
    for data in (whole[: len(whole) // 2], whole[:20], b"", b"no tar at all" * 99):
        path.write_bytes(data)
        with pytest.raises(InputError, match=r"pets\.tar\.gz: is not a whole tar"):
            open_image_folder(path, None)


@pytest.mark.spec("AGE-075", "ends in one sentence with the path")
def test_a_tar_cut_anywhere_is_refused(root, tmp_path):
    whole = gzip.decompress(pack(root, tmp_path / "pets.tar.gz").read_bytes())
    path = tmp_path / "pets.tar"
    path.write_bytes(whole)
    with tarfile.open(path) as archive:
        ends = [m.offset_data + (m.size + 511) // 512 * 512 for m in archive]
    open_image_folder(path, None)
    for end in [*ends, *(end + 100 for end in ends), ends[0] - 1]:
        path.write_bytes(whole[:end])
        with pytest.raises(InputError, match=r"pets\.tar: is not a whole tar"):
            open_image_folder(path, None)


def test_a_missing_source_says_what_is_wanted(tmp_path):
    with pytest.raises(InputError, match="no such folder or file; data.root names"):
        open_image_folder(tmp_path / "gone", None)


@pytest.mark.parametrize("mode", ("RGB", "L", "P", "RGBA", "LA", "1", "CMYK"))
def test_every_usual_kind_of_image_is_read(tmp_path, mode):
    image = Image.fromarray(pixels(128)).convert(mode)
    path = tmp_path / ("x.jpg" if mode == "CMYK" else "x.png")
    image.save(path)
    colour, grey = read_image(path, 3), read_image(path, 1)
    assert colour.shape == (3, 6, 4) and grey.shape == (1, 6, 4)
    wanted = np.asarray(image.convert("RGB")).transpose(2, 0, 1)
    np.testing.assert_allclose(colour.astype(int), wanted, atol=32)


def test_a_rotated_photograph_is_turned(tmp_path):
    exif = Image.Exif()
    exif[274] = 6  # the camera was held upright
    Image.fromarray(pixels(50)).save(tmp_path / "x.png", exif=exif)
    image = read_image(tmp_path / "x.png", 3)
    assert image.shape == (3, 4, 6) and image[0, 0, -1] == 255


def test_a_huge_image_is_refused_before_it_is_decoded(tmp_path):
    Image.new("1", (5000, 5000)).save(tmp_path / "x.png")
    with pytest.raises(InputError, match=r"x\.png: has more than 16,777,216 pixels"):
        read_image(tmp_path / "x.png", 1)


def test_a_single_file_that_is_missing_is_named(tmp_path):
    with pytest.raises(InputError, match=r"x\.png: no such file"):
        read_image(tmp_path / "x.png", 1)
    with pytest.raises(InputError, match="cannot be read"):
        read_image(tmp_path, 1)


@pytest.mark.skipif(not CIFAR.is_dir(), reason=f"CIFAR-10 is not in {CIFAR}")
def test_cifar_begins_with_images_of_32_by_32():
    path = CIFAR / "cifar10_imagefolder.tar.gz"
    found = list(itertools.islice(find_images(path), 300))
    assert len(found) == 300 and {item.part for item in found} <= {"train", "test"}
    assert Image.open(io.BytesIO(found[0].data)).size == (32, 32)
