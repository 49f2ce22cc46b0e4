"""Folders of images and tars of them, and everything that can be wrong in one."""

import gzip
import io
import itertools
import os
import shutil
import tarfile
import unicodedata
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from src.data.image_files import image_files
from src.data.image_folder import Decoded, decode_files, open_image_folder
from src.data.image_layout import Place, place_images
from src.utils.errors import InputError
from tests.image_sets import pack, pixels_of, same_source, square, write_folder


CIFAR = Path(__file__).resolve().parents[3] / "shared/data/cifar10"


@pytest.fixture
def root(tmp_path):
    return write_folder(tmp_path / "pets")


def opened(root, size=0, channels=3, cache=None):
    return open_image_folder(root, size, channels, cache)


def test_a_folder_is_read_in_the_order_of_its_names(root):
    source = opened(root)
    train, test = source.parts["train"], source.parts["test"]
    assert source.class_names == ("cat", "dog")
    assert train.labels.tolist() == [0, 0, 0, 1, 1, 1]
    assert train.labels.dtype == torch.int64
    assert pixels_of(train).shape == (6, 3, 6, 4)
    assert pixels_of(train).dtype == np.uint8
    assert pixels_of(train)[:, 0, 3, 3].tolist() == [10, 20, 30, 40, 50, 60]
    assert pixels_of(train)[0, :, 0, 0].tolist() == [255, 0, 0]
    assert pixels_of(test)[:, 2, 5, 0].tolist() == [70, 80, 90, 100]
    assert train.names[3] == "train/dog/0.png" and len(train.images) == 6


@pytest.mark.spec("CNN-035", "the same images, labels")
@pytest.mark.parametrize("top", ("", "./", "pets/", "../../", "/", "a/b/"))
@pytest.mark.parametrize("mode", ("w", "w:gz", "w:bz2", "w:xz"))
def test_a_tar_gives_the_same_and_unpacks_nothing(root, tmp_path, top, mode):
    path = pack(root, tmp_path / "pets.tar", top, mode)
    before = sorted(tmp_path.rglob("*"))
    if top == "../../":  # hidden, for a part of it begins with a dot
        with pytest.raises(InputError, match="has no image in a folder of its class"):
            opened(path)
    else:
        one, other = opened(path), opened(root)
        assert one.fingerprint == other.fingerprint
        assert same_source(one, other) or top in ("pets/", "a/b/")
        assert np.array_equal(
            pixels_of(one.parts["test"]), pixels_of(other.parts["test"])
        )
    assert sorted(tmp_path.rglob("*")) == before


LAYOUTS = {
    "classes alone": (["cat/0.png", "dog/0.png"], ["train cat", "train dog"]),
    "one folder above": (["x/cat/0.png", "x/dog/0.png"], ["train cat", "train dog"]),
    "folders inside": (["cat/a/0.png", "dog/b/c/0.png"], ["train cat", "train dog"]),
    "parts": (
        ["a/train/cat/0.png", "a/train/dog/0.png", "a/test/dog/0.png"],
        ["train cat", "train dog", "test dog"],
    ),
    "other names of val": (
        ["train/a/0.png", "train/b/0.png", "valid/a/0.png", "validation/b/0.png"],
        ["train a", "train b", "val a", "val b"],
    ),
    "beside the parts": (
        ["train/a/0.png", "train/b/0.png", "docs/a/0.png", "0.png", "train/1.png"],
        ["train a", "train b", None, None, None],
    ),
    "a class called train": (
        ["plane/0.png", "train/0.png", "train/1.png"],
        ["train plane", "train train", "train train"],
    ),
    "deep inside a class": (
        ["train/a/train/b/0.png", "train/c/0.png"],
        ["train a", "train c"],
    ),
}


@pytest.mark.parametrize("names, wanted", LAYOUTS.values(), ids=LAYOUTS)
def test_the_layout_is_found(names, wanted):
    places = place_images(Path("r"), names)
    found = [places.get(name) for name in names]
    assert found == [place and Place(*place.split()) for place in wanted]


@pytest.mark.spec("CNN-035", "whatever the order")
@given(st.permutations(LAYOUTS["parts"][0] + LAYOUTS["beside the parts"][0][2:]))
def test_the_layout_does_not_depend_on_the_order(names):
    ordered = place_images(Path("r"), sorted(names))
    assert place_images(Path("r"), names) == ordered


BAD_LAYOUTS = [
    ([], "r: has no image in a folder of its class that ends with .png"),
    (["0.png", "1.png"], "has no image in a folder of its class"),
    (["train/0.png"], "has images of one class only, 'train'; a classifier needs two"),
    (["a/0.png", "a/1.png"], "has images of one class only, 'a'"),
    (["test/a/0.png", "test/b/0.png"], r"has test/ but no train/; expected are train/"),
    (["x/val/a/0.png", "x/val/b/0.png"], "has val/ but no train/"),
    (
        ["train/a/0.png", "train/b/0.png", "test/c/0.png"],
        "test/ has the class 'c' but train/ has no image of it; add train/c/",
    ),
    (["a/0.png", "b/0.png", "a/0.png"], "holds a/0.png twice; keep one"),
]


@pytest.mark.parametrize("names, words", BAD_LAYOUTS)
def test_what_is_no_layout_is_refused(names, words):
    with pytest.raises(InputError, match=words):
        place_images(Path("r"), names)


def test_names_are_unicode_and_may_be_written_in_two_ways(root):
    for part, form in (("train", "NFC"), ("test", "NFD")):
        old = root / part / "cat"
        old.rename(root / part / unicodedata.normalize(form, "Kätzchen 猫"))
    (root / "train/dog/0.png").rename(root / "train/dog/new\nline 😀.png")
    source = opened(root)
    assert source.class_names == (unicodedata.normalize("NFC", "Kätzchen 猫"), "dog")
    assert source.parts["test"].labels.tolist() == [0, 0, 1, 1]
    assert source.parts["train"].names[5] == "train/dog/new\nline 😀.png"


def test_a_name_of_other_bytes_stays_printable(root, tmp_path):
    folder = os.fsencode(root / "train/dog")
    os.rename(folder + b"/0.png", folder + b"/\xff.png")
    names = opened(root, cache=tmp_path / "cache").parts["train"].names
    assert names[5] == r"train/dog/\xff.png"
    assert opened(root, cache=tmp_path / "cache").parts["train"].names[5] == names[5]


def test_hidden_files_and_other_kinds_are_passed_over(root):
    first = opened(root)
    for name in (".DS_Store", "._0.png", "notes.txt", "Thumbs.db", ".hidden.png"):
        (root / "train/cat" / name).write_bytes(b"no image")
    (root / "__MACOSX/train/cat").mkdir(parents=True)
    (root / "__MACOSX/train/cat/0.png").write_bytes(b"no image")
    (root / "train/.ipynb_checkpoints").mkdir()
    (root / "train/.ipynb_checkpoints/0.png").write_bytes(b"no image")
    assert same_source(opened(root), first)


def test_links_to_folders_and_files_are_followed(root, tmp_path):
    first = opened(root)
    shutil.move(root / "train/cat", tmp_path / "elsewhere")
    (root / "train/cat").symlink_to(tmp_path / "elsewhere")
    shutil.move(root / "train/dog/1.png", tmp_path / "one.png")
    (root / "train/dog/1.png").symlink_to(tmp_path / "one.png")
    assert same_source(opened(root), first)


@pytest.mark.spec("CNN-038", "ends in one sentence that names it")
@pytest.mark.parametrize(
    "make, words",
    [
        (lambda at: (at / "up").symlink_to(".."), "up: is a link to a folder that"),
        (lambda at: (at / "self.png").symlink_to("self.png"), "self.png: .*link"),
        (lambda at: (at / "x.png").symlink_to("gone"), "x.png: is a link to gone"),
        (lambda at: os.mkfifo(at / "p.png"), "p.png: is not a regular file"),
        (lambda at: (at / "e.png").touch(), "e.png: is empty"),
        (lambda at: (at / "t.jpg").write_text("hi"), "t.jpg: is not a PNG"),
        (
            lambda at: Image.fromarray(square(1, 9, 4)).save(at / "z.png"),
            r"z.png: is 9x4 but .*cat/0.png is 6x4 .*; set data.size",
        ),
    ],
)
def test_a_file_that_is_no_image_is_named(root, make, words):
    make(root / "train" / "dog")
    with pytest.raises(InputError, match=words):
        opened(root)


@pytest.mark.parametrize("cache", (None, "cache"))
def test_size_and_channels_are_as_asked_for(root, tmp_path, cache):
    Image.fromarray(square(200, 30, 20)).save(root / "train/dog/9.png")
    cache = cache and tmp_path / cache
    images = opened(root, 8, 1, cache).parts["train"].images
    assert images[torch.tensor([6, 0])].shape == (2, 1, 8, 8)
    assert images[torch.tensor([6])][0, 0, 7, 7] == 200


def test_what_is_not_there_is_refused(tmp_path):
    with pytest.raises(InputError, match="gone: no such folder or file; data.root"):
        opened(tmp_path / "gone")
    with pytest.raises(ValueError, match="channels is 2; 1 or 3"):
        opened(tmp_path, channels=2)


@pytest.mark.spec("CNN-031", "refused in one sentence")
@pytest.mark.parametrize("packed", (False, True))
def test_a_cut_tar_is_refused(root, tmp_path, packed):
    path = pack(root, tmp_path / "pets.tar", "", "w", tarfile.USTAR_FORMAT)
    whole = path.read_bytes()
    header = whole.index(b"train/cat/1.png")  # a cut before it looks like an end
    end = len(whole.rstrip(b"\0"))  # behind the last image only zeros follow
    whole = gzip.compress(whole) if packed else whole
    last = (len(whole) - 1,) if packed else (header, header + 300, end)
    for size in (0, 1, 99, len(whole) // 2, *last):
        path.write_bytes(whole[:size])
        with pytest.raises(InputError, match="pets.tar: is not a whole tar file"):
            opened(path)


def member(
    name: str, data: bytes = b"", kind: bytes = tarfile.REGTYPE, link="", size=0
):
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.size = kind, link, size or len(data)
    return info, io.BytesIO(data)


@pytest.mark.spec("CNN-035", "never unpacked")
@pytest.mark.parametrize(
    "info, words",
    [
        (member("train/cat/x.png", kind=tarfile.SYMTYPE, link="/etc/passwd"), "a link"),
        (
            member("train/cat/x.png", kind=tarfile.LNKTYPE, link="train/cat/0.png"),
            "a l",
        ),
        (member("train/cat/x.png", kind=tarfile.CHRTYPE), "is a link or a device"),
        (member("train/cat/x.png", b"no image"), "x.png: is not a PNG"),
        (member("train/cat/x.png", size=2**60), "it stops before its end"),
        (member("l", kind=tarfile.GNUTYPE_LONGNAME, size=2**30), "header announces"),
        (member("p", kind=tarfile.XHDTYPE, size=2**30), "header announces 1,073,741,8"),
    ],
)
def test_a_hostile_member_is_refused(root, tmp_path, info, words):
    path = tmp_path / "pets.tar"
    with tarfile.open(path, "w") as archive:
        for file in sorted(root.rglob("*.png")):
            archive.add(file, file.relative_to(root))
        archive.fileobj.write(info[0].tobuf())
        archive.fileobj.write(info[1].getvalue().ljust(512, b"\0"))
        archive.fileobj.write(bytes(1024))
    with pytest.raises(InputError, match=words):
        opened(path)


def test_names_that_lead_out_of_a_tar_are_passed_over(root, tmp_path):
    path = tmp_path / "pets.tar"
    with tarfile.open(path, "w") as archive:
        archive.add(root, "")
        for name in ("../x.png", "train/../../cat/x.png", "train/cat/._0.png"):
            archive.addfile(*member(name, b"abc"))
        for name, kind in itertools.product(("l", "d"), (tarfile.SYMTYPE, b"4")):
            archive.addfile(*member(name, kind=kind, link="/"))
    assert same_source(opened(path), opened(root))


@pytest.mark.spec("CNN-031", "refused in one sentence")
def test_a_wrong_header_in_the_middle_is_not_the_end(root, tmp_path):
    path = pack(root, tmp_path / "pets.tar", "", "w", tarfile.USTAR_FORMAT)
    data = bytearray(path.read_bytes())
    at = data.index(b"train/cat/1.png")
    data[at] ^= 1
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"not a whole tar file \(bad checksum\)"):
        opened(path)


def test_a_member_of_many_bytes_is_not_read(root, tmp_path, monkeypatch):
    monkeypatch.setattr("src.data.image_files.MAX_FILE", 70)
    with pytest.raises(InputError, match=r"pets.tar: .*png: is larger than 70 bytes"):
        opened(pack(root, tmp_path / "pets.tar"))


@pytest.mark.skipif(not CIFAR.is_dir(), reason=f"CIFAR-10 is not in {CIFAR}")
def test_cifar_10_is_found_in_its_tar():
    files = image_files(CIFAR / "cifar10_imagefolder.tar.gz")
    first = [Decoded(*pair) for pair in decode_files(itertools.islice(files, 40), 0, 3)]
    names = [file.name for file, _ in first]
    assert names == [f"train/airplane/{i:04}.jpg" for i in range(40)]
    assert {pixels.shape for _, pixels in first} == {(3, 32, 32)}
    places = place_images(CIFAR, [*names, "train/frog/0.jpg"])
    assert places[names[7]] == Place("train", "airplane")
