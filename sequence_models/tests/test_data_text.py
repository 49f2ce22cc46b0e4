"""Text files: as they are, or refused in one sentence."""

import pytest

from src.data.text import read_files, read_text, split_text
from src.utils.errors import InputError


def write(path, data):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


@pytest.mark.spec("SEQ-018", "without its byte order mark and with its line ends")
@pytest.mark.parametrize(
    "data, text",
    [
        ("día\r\nzwei\n\r".encode(), "día\r\nzwei\n\r"),
        (b"\xef\xbb\xbfa\xef\xbb\xbfb", "a\ufeffb"),  # only the first is a mark
        (b"\0 \x85\xe2\x80\xa8".replace(b"\x85", b"\xc2\x85"), "\0 \x85\u2028"),
        ("𝄞".encode(), "𝄞"),
    ],
)
def test_a_text_is_read_as_it_is(tmp_path, data, text):
    assert read_text(write(tmp_path / "a.txt", data)) == text


@pytest.mark.spec("SEQ-018", "not UTF-8 (with line and byte offset)")
@pytest.mark.parametrize(
    "data, words",
    [
        (b"ab\ncd\xff", r":2: byte ff at offset 5 is not UTF-8; save"),
        (b"\xef\xbb\xbfab\n\xe9t\xe9", r":2: byte e9 at offset 6 is not UTF-8; save"),
        (b"abc\xe2\x82", r":1: byte e2 at offset 3 is not UTF-8"),
        ("hi".encode("utf-16"), r":1: byte ff at offset 0 .*seems to be UTF-16"),
        (b"\xed\xa0\x80", r":1: byte ed at offset 0"),  # half of a surrogate pair
    ],
)
def test_the_first_wrong_byte_is_named(tmp_path, data, words):
    path = write(tmp_path / "bad.txt", data)
    with pytest.raises(InputError, match=f"bad.txt{words}"):
        read_text(path)


@pytest.mark.spec("SEQ-018", "what is missing, empty")
def test_missing_and_empty_are_refused(tmp_path):
    with pytest.raises(InputError, match=r"none\.txt: no such file"):
        read_text(tmp_path / "none.txt")
    for data in (b"", b"\xef\xbb\xbf"):
        path = write(tmp_path / "empty.txt", data)
        with pytest.raises(
            InputError, match=rf"empty.txt: is empty \({len(data)} byte"
        ):
            read_text(path)
    with pytest.raises(InputError, match="all 1 .txt files are empty"):
        read_text(tmp_path)
    (tmp_path / "folder").mkdir()
    with pytest.raises(InputError, match=r"folder: no \.txt file"):
        read_text(tmp_path / "folder")


def test_a_folder_gives_its_txt_files_by_name(tmp_path):
    for name, data in {
        "b.txt": b"2",
        "a/z.txt": b"1",
        "c.md": b"no",
        "d.txt": b"",
    }.items():
        write(tmp_path / name, data)
    assert read_files(tmp_path) == ["1", "2", ""]
    assert read_text(tmp_path) == "12"


def test_the_last_tenth_is_held_out_as_nanogpt_does():
    train, val = split_text("x" * 1115394)
    assert (len(train), len(val)) == (1003854, 111540)
    assert split_text("abcdefghij") == ("abcdefghi", "j")
    assert split_text("ab", 0.5) == ("a", "b")
    with pytest.raises(InputError, match="text of 1 characters leaves nothing"):
        split_text("a")
