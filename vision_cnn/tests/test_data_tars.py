"""A tar of images: like its folder, never unpacked, refused where it is damaged."""

import gzip
import io
import itertools
import tarfile
from pathlib import Path

import numpy as np
import pytest

from src.data.image_files import image_files
from src.data.image_folder import Decoded, decode_files, open_image_folder
from src.data.image_layout import Place, place_images
from src.utils.errors import InputError
from tests.image_sets import pack, pixels_of, same_source, write_folder


CIFAR = Path(__file__).resolve().parents[3] / "shared/data/cifar10"


@pytest.fixture
def root(tmp_path):
    return write_folder(tmp_path / "pets")


def opened(root, size=0, channels=3, cache=None):
    return open_image_folder(root, size, channels, cache)


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
