"""Texts in pieces, how a text is shown, and the script."""

import pytest
import scripts.tokenizer as script

from src.data.memmap import open_tokens
from src.tokenizers import BPETokenizer, CharTokenizer, load, save, show, stream_text
from src.utils.errors import InputError
from tests.fuzzed_text import fuzzed
from tests.test_tokenizers_files import BPE, STORY


@pytest.mark.spec("SEQ-011", "the ids of the whole")
@pytest.mark.parametrize("size", [1, 2, 7, 64, 1 << 20])
def test_a_text_in_pieces_has_the_ids_and_merges_of_the_whole(size, tmp_path):
    whole = "".join(fuzzed(150, seed=13))
    path = tmp_path / "t.txt"
    path.write_bytes(whole.encode())
    pieces = list(stream_text(path, size))
    assert "".join(pieces) == whole
    for split in ("gpt2", "gpt4"):
        ours = BPETokenizer.train([whole], 320, split)
        ids = [i for piece in pieces for i in ours.encode(piece)]
        assert ids == ours.encode(whole)
        again = BPETokenizer.train(stream_text(path, size), 320, split)
        assert again.merges == ours.merges


@pytest.mark.spec("SEQ-011", "never more than a piece")
def test_pieces_are_small_where_there_are_letters(tmp_path):
    (tmp_path / "t.txt").write_text("some words, " * 5000)
    pieces = list(stream_text(tmp_path / "t.txt", 100))
    assert max(map(len, pieces)) < 120 and len(pieces) > 500


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_a_byte_order_mark_is_left_out_and_line_ends_are_kept(size, tmp_path):
    (tmp_path / "t.txt").write_bytes(b"\xef\xbb\xbfone\r\ntwo\r")
    assert "".join(stream_text(tmp_path / "t.txt", size)) == "one\r\ntwo\r"


@pytest.mark.spec("SEQ-010", "by line and by the offset of the byte")
@pytest.mark.parametrize("size", [1, 3, 64, 1000])
@pytest.mark.parametrize(
    ("data", "where"),
    [(b"caf\xe9 au lait", 3), (b"\xef\xbb\xbfa\xff", 4), ("中文".encode()[:-1], 3),
     (b"a" * 99 + b"\xf0\x9f\x92" + b"b", 99), (b"\xff\xfea\x00", 0)],
)  # fmt: skip
def test_what_is_not_utf8_is_named_by_its_byte(data, where, size, tmp_path):
    (tmp_path / "t.txt").write_bytes(data)
    said = f"t.txt:1: byte {data[where]:02x} at offset {where} is not UTF-8"
    with pytest.raises(InputError, match=said):
        list(stream_text(tmp_path / "t.txt", size))


@pytest.mark.parametrize("size", [1, 4, 1000])
def test_the_line_is_named_too(size, tmp_path):
    (tmp_path / "t.txt").write_bytes("\ufeffone\n中\r\n\n".encode() + b"ab\xe4\xb8\n")
    with pytest.raises(InputError, match="t.txt:4: byte e4 at offset 15 is not UTF-8"):
        list(stream_text(tmp_path / "t.txt", size))


@pytest.mark.spec("SEQ-010", "An empty text")
def test_an_empty_or_missing_file_is_named(tmp_path):
    (tmp_path / "t.txt").write_bytes(b"")
    with pytest.raises(InputError, match=r"t.txt: is empty \(0 bytes\)"):
        list(stream_text(tmp_path / "t.txt"))
    with pytest.raises(InputError, match="u.txt: no such file; name a text file"):
        list(stream_text(tmp_path / "u.txt"))
    with pytest.raises(InputError, match=f"{tmp_path.name}: cannot be read"):
        list(stream_text(tmp_path))


@pytest.mark.spec("SEQ-012", "its ids below its tokens")
def test_a_text_is_shown_with_its_ids():
    ours = BPETokenizer.from_merges([(71, 68)], "gpt4", ["<|bos|>"])
    lines = show(ours, "the 中\n<|bos|>", coloured=False).split("\n")
    assert lines[0] == r"[t] [he] [␣] [\xe4] [\xb8] [\xad] [⏎] [<|bos|>]"
    assert lines[1].split() == [str(i) for i in ours.encode("the 中\n<|bos|>", "all")]
    assert lines[3] == "13 characters, 15 bytes, 8 tokens (1.88 bytes a token)"


@pytest.mark.spec("SEQ-012", "in lines of the width")
@pytest.mark.parametrize("coloured", [True, False])
def test_lines_are_not_wider_than_asked_and_lose_no_token(coloured):
    text = "the cat 中文 " * 30
    ours = CharTokenizer(text)
    lines = show(ours, text, coloured, width=40).split("\n")
    for above, below in zip(lines[::3], lines[1::3], strict=False):
        assert len(below) <= 40
        if not coloured:
            assert above.count("[") == len(below.split())
    shown = [int(i) for line in lines[1::3] for i in line.split()]
    assert shown[: len(text)] == ours.encode(text)
    assert ("\x1b[" in "".join(lines)) == coloured


@pytest.mark.spec("SEQ-012", "trains, encodes into a token file and shows")
def test_the_script_trains_encodes_and_shows(tmp_path, capsys):
    text, saved, tokens = (tmp_path / n for n in ("t.txt", "t.json", "t.bin"))
    text.write_text(STORY, "utf-8")
    script.command("train", [text], out=saved, vocab_size=270, special=["<|bos|>"])
    said = capsys.readouterr().out
    assert "270 ids" in said and "next  scripts/tokenizer.py show" in said
    assert load(saved).to_dict() == BPE.to_dict()
    script.command("encode", [text, text], saved, out=tokens)
    assert f"{2 * len(BPE.encode(STORY))} tokens of" in capsys.readouterr().out
    opened = open_tokens(tokens)
    assert opened.tokens.tolist() == BPE.encode(STORY) * 2
    assert opened.tokenizer == BPE.to_dict()
    script.command("show", [text], saved, limit=9)
    out = capsys.readouterr().out
    assert "9 characters" in out and "\x1b" not in out


def test_what_the_script_cannot_do_is_refused(tmp_path):
    text, saved = tmp_path / "t.txt", tmp_path / "t.json"
    text.write_text(STORY, "utf-8")
    save(BPE, saved)
    for action in ("train", "encode"):
        with pytest.raises(InputError, match="--out .*t.txt cannot be written"):
            script.command(action, [text], saved, out=text / "t.json", kind="char")
    with pytest.raises(InputError, match="--limit -1: must be 1 or more"):
        script.command("show", [text], saved, limit=-1)


@pytest.mark.spec("SEQ-009", "its position")
def test_the_script_names_the_file_of_an_unknown_character(tmp_path):
    text = tmp_path / "t.txt"
    text.write_text("the cat €")
    save(CharTokenizer("the cat"), tmp_path / "t.json")
    with pytest.raises(InputError, match="t.txt: character '€' .* at position 8,"):
        script.command("encode", [text], tmp_path / "t.json", out=tmp_path / "t.bin")
    assert not (tmp_path / "t.bin").exists()


def test_a_text_without_pairs_makes_a_smaller_vocabulary_and_says_so(tmp_path, capsys):
    (tmp_path / "t.txt").write_text("abab")
    script.command("train", [tmp_path / "t.txt"], out=tmp_path / "t.json")
    assert "257 ids" in (said := capsys.readouterr().out)
    assert "fewer than 1,024: no pair occurs twice" in said
