"""Archives that mean harm, or are not whole."""

import gzip
import io
import resource
import stat
import tarfile
import warnings
import zipfile

import pytest

from tools import unpacking
from tools.layouts import as_it_is
from tools.projects import WorkspaceError
from tools.tests.packing import tar
from tools.unpacking import unpack


MB = 1_000_000


def tar_of(*members):
    """(name, content or type, link name) each."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, what, *link in members:
            info = tarfile.TarInfo(name)
            content = what if isinstance(what, bytes) and len(what) != 1 else b""
            info.type = what if not content and what else tarfile.REGTYPE
            info.size, info.linkname = len(content), "".join(link)
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def zip_of(files, mode=0o100644):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a name that is there already
        for name, content in files:
            info = zipfile.ZipInfo(name)
            info.external_attr = mode << 16
            archive.writestr(info, content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def unpacked(tmp_path, data, most=MB, place=as_it_is):
    (tmp_path / "archive").write_bytes(data)
    folder = tmp_path / "inner" / "folder"
    unpack(tmp_path / "archive", folder, place, most)
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def refusal(tmp_path, data, **options):
    with pytest.raises(WorkspaceError) as error:
        unpacked(tmp_path, data, **options)
    assert "\n" not in str(error.value)
    outside = set(tmp_path.rglob("*")) - set((tmp_path / "inner").rglob("*"))
    assert {path.name for path in outside} <= {"archive", "inner"}
    assert not any(path.is_symlink() for path in tmp_path.rglob("*"))
    return str(error.value)


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_tar_is_unpacked(tmp_path, mode):
    files = {"a/b.txt": b"one", "./c": b"", "d/": b""}
    assert unpacked(tmp_path, tar(files, mode)) == {
        "a/b.txt": b"one",
        "c": b"",
        "d": b"",
    }


def test_zip_is_unpacked_where_place_says(tmp_path):
    data = zip_of([("top/", b""), ("top/a.txt", b"one"), ("top/no", b"two")])
    place = {"top/a.txt": "here/b.txt"}.get
    assert unpacked(tmp_path, data, place=place) == {"here/b.txt": b"one"}


OTHERWISE = ["a.txt:stream", "CON", "a/nul.txt/b", "a.", "a /b", "a?"]
ESCAPES = ["../x", "a/../../x", "/x", "//x", "C:/x", "C:x", "\\x", "..\\x"]


@pytest.mark.spec("WSP-195", "writes outside its folder, makes a link or a device")
@pytest.mark.spec("WSP-195", "a name that Windows takes for another is refused")
@pytest.mark.parametrize(
    "name", [*ESCAPES, "a\\b", "a\nb", "x" * 2000, "a/" * 40 + "x", *OTHERWISE]
)
def test_a_name_that_leads_elsewhere_is_refused(tmp_path, name):
    for data in (tar_of((name, b"harm")), zip_of([(name, b"harm")])):
        assert "it was not unpacked" in refusal(tmp_path, data)


@pytest.mark.spec("WSP-195", "writes outside its folder, makes a link or a device")
@pytest.mark.parametrize(
    "kind",
    [
        tarfile.SYMTYPE,
        tarfile.LNKTYPE,
        tarfile.CHRTYPE,
        tarfile.BLKTYPE,
        tarfile.FIFOTYPE,
    ],
)
@pytest.mark.parametrize("target", ["/etc/passwd", "../..", "inside"])
def test_links_and_devices_are_refused(tmp_path, kind, target):
    data = tar_of(("inside", b"file"), ("link", kind, target), ("link/x", b"harm"))
    assert "link is a link or a device" in refusal(tmp_path, data)


@pytest.mark.spec("WSP-195", "writes outside its folder, makes a link or a device")
def test_a_link_in_a_zip_is_refused(tmp_path):
    data = zip_of([("link", b"/etc")], mode=stat.S_IFLNK | 0o777)
    assert "link is a link or a device" in refusal(tmp_path, data)


def test_a_link_that_is_not_needed_does_no_harm(tmp_path):
    data = tar_of(("link", tarfile.SYMTYPE, "/etc"), ("a", b"file"))
    assert unpacked(tmp_path, data, place={"a": "a"}.get) == {"a": b"file"}


@pytest.mark.spec(
    "WSP-195", "or writes a file over another, also where case is ignored"
)
@pytest.mark.parametrize(
    "names",
    [
        ["a", "a"],
        ["a", "./a"],
        ["Readme", "README"],
        ["stra\u00dfe", "STRASSE"],
        ["e\u0301", "\u00e9"],
        ["a", "a/b"],
        ["A", "a/b"],
        ["a/b", "a"],
    ],
)
def test_two_files_in_one_place_are_refused(tmp_path, names):
    refusal(tmp_path, tar_of(*((name, b"file") for name in names)))
    (tmp_path / "inner").rename(tmp_path / "first")
    with pytest.raises(WorkspaceError):
        unpacked(tmp_path, zip_of([(name, b"file") for name in names]))


def test_a_second_archive_writes_nothing_over_the_first(tmp_path):
    unpacked(tmp_path, tar({"a": b"one"}))
    assert "a is there twice" in refusal(tmp_path, tar({"a": b"two"}))
    assert (tmp_path / "inner/folder/a").read_bytes() == b"one"


@pytest.mark.spec("WSP-196", "No archive unpacks to more bytes, more entries")
def test_bombs_are_refused_before_they_are_written(tmp_path, monkeypatch):
    zeros = bytes(3 * MB)
    for data in (tar({"zeros": zeros}), zip_of([("zeros", zeros)])):
        assert "1,000,000 bytes" in refusal(tmp_path, data)
        assert not (tmp_path / "inner").exists()
    monkeypatch.setattr(unpacking, "SMALL", MB)
    assert "100 times" in refusal(tmp_path, tar({"zeros": zeros}), most=10 * MB)
    monkeypatch.setattr(unpacking, "MOST_ENTRIES", 5)
    folders = tar_of(*((f"{i}/", tarfile.DIRTYPE) for i in range(6)))
    for many in (folders, zip_of([(f"{i}", b"1") for i in range(6)])):
        assert "more than 5 entries" in refusal(tmp_path, many)
    unpacked(tmp_path, zip_of([("a/", b"")] * 5))


@pytest.mark.spec("WSP-196", "No archive unpacks to more bytes")
def test_nothing_is_read_for_ever_behind_the_end(tmp_path, monkeypatch):
    monkeypatch.setattr(unpacking, "SMALL", MB)
    short, long = (
        gzip.compress(tar({"a": b"file"}, "w") + bytes(end)) for end in (MB, 2 * MB)
    )
    assert unpacked(tmp_path, short) == {"a": b"file"}
    assert "1,000,000 bytes behind" in refusal(tmp_path, long, place={}.get)


@pytest.mark.spec("WSP-196", "more bytes")
def test_what_is_not_needed_counts_too(tmp_path):
    data = tar({"zeros": bytes(3 * MB), "a": b"file"})
    assert "1,000,000 bytes" in refusal(tmp_path, data, place={"a": "a"}.get)


@pytest.mark.spec("WSP-196", "more bytes")
def test_a_sparse_file_counts_as_large_as_it_becomes(tmp_path):
    info = tarfile.TarInfo("sparse")
    info.type, info.size = tarfile.GNUTYPE_SPARSE, 0
    head = bytearray(info.tobuf(tarfile.GNU_FORMAT))
    head[386:398] = head[398:410] = b"00000000000\0"  # one piece of no bytes
    head[483:495] = b"77777777777\0"  # 8 GB in all
    head[148:156] = b"%06o\0 " % (256 + sum(head[:148]) + sum(head[156:512]))
    assert "1,000,000 bytes" in refusal(tmp_path, bytes(head) + bytes(1024))


@pytest.mark.spec("WSP-196", "more bytes")
@pytest.mark.parametrize("kind", [tarfile.GNUTYPE_LONGNAME, tarfile.XHDTYPE])
def test_a_header_that_is_an_attack_is_refused(tmp_path, kind):
    info = tarfile.TarInfo("././@LongLink")
    info.type, info.size = kind, 1 << 40
    said = refusal(tmp_path, gzip.compress(info.tobuf(tarfile.GNU_FORMAT)))
    assert "announces 1,099,511,627,776 bytes" in said


@pytest.mark.parametrize("said", [50, 5001, 900_000])
def test_a_zip_whose_file_has_another_size_than_it_says_is_refused(tmp_path, said):
    data = zip_of([("a", b"x" * 5000)])
    sizes = [size.to_bytes(4, "little") for size in (5000, said)]
    refusal(tmp_path, data.replace(*sizes))


PLAIN = tar({"a": bytes(range(256)) * 40, "b": b"two"}, "w")
GOOD = gzip.compress(PLAIN)


@pytest.mark.spec("WSP-196", "one that is damaged or not whole is refused")
@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<html>no such page</html>",
        GOOD[:-10],
        GOOD[: len(GOOD) // 2],
        GOOD[:30] + b"?" + GOOD[31:],
        GOOD[:-8] + b"crc?" + GOOD[-4:],
        PLAIN[:10760] + b"?" + PLAIN[10761:],  # in the header of the second file
        gzip.compress(PLAIN[:5000]),
        gzip.compress(PLAIN[:10752]),  # where a header would begin
        gzip.compress(b"no tar"),
        zip_of([("a", b"one" * 1000)])[:-30],
        zip_of([("a", b"one" * 1000)]).replace(b"K\x03\x04", b"K\x03\x05", 1),
        b"BZh91AY&SY" + bytes(50),
        b"\xfd7zXZ\0" + bytes(50),
    ],
)
def test_what_is_not_whole_is_refused(tmp_path, data):
    refusal(tmp_path, data)


@pytest.mark.spec("WSP-194", "A full disk ends in one sentence")
def test_a_full_disk(tmp_path):
    data = tar({"a": b"x" * 200_000})
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        said = refusal(tmp_path, data)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "inner/folder/a: cannot be written" in said
