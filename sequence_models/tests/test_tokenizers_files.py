"""Tokenizers on disk, damaged ones too."""

import json

import pytest

from src.inference.tokenize_text import open_tokenizer
from src.tokenizers import (
    BPETokenizer,
    ByteTokenizer,
    CharTokenizer,
    from_dict,
    load,
    load_gpt2,
    save,
    save_gpt2,
)
from src.tokenizers.gpt2_symbols import BYTE_ORDER
from src.utils.checkpoint import save_checkpoint
from src.utils.errors import InputError


STORY = "the cat, then the hat; naïve 中文\n" * 3
MERGES = [
    (71, 68),
    (83, 256),
    (64, 83),
    (220, 257),
    (64, 127),
    (66, 258),
    (71, 258),
    (77, 260),
    (85, 68),
    (107, 264),
    (116, 255),
    (160, 266),
    (162, 244),
]
BPE = BPETokenizer.from_merges(MERGES, "gpt4", ["<|bos|>"])
"""What a training on STORY gives, without a training where tests are collected."""
EACH = {
    "char": CharTokenizer(STORY + '"\\', ["<|bos|>"]),
    "byte": ByteTokenizer(["<|bos|>"]),
    "bpe": BPE,
}
every_kind = pytest.mark.parametrize("ours", EACH.values(), ids=EACH)


@pytest.mark.spec("SEQ-007", "gives an equal one")
@every_kind
def test_what_is_saved_is_loaded(ours, tmp_path):
    path, _ = save(ours, tmp_path / "new" / "t.json")
    for again in (load(path), from_dict(ours.to_dict())):
        assert again.to_dict() == ours.to_dict()
        assert again.token_bytes() == ours.token_bytes()
        assert again.encode(STORY) == ours.encode(STORY)


@pytest.mark.spec("SEQ-007", "in the checkpoint")
@every_kind
def test_a_tokenizer_travels_in_a_checkpoint(ours, tmp_path):
    content = {"kind": "weights", "config": {}, "model": {}}
    data = {"data": {"tokenizer": ours.to_dict()}}
    save_checkpoint(tmp_path / "last.pt", content | data)
    assert open_tokenizer(tmp_path / "last.pt").to_dict() == ours.to_dict()


@pytest.mark.spec("SEQ-007", "a line for each id")
def test_the_listing_can_be_read(tmp_path):
    _, listing = save(BPE, tmp_path / "t.json")
    lines = listing.read_text("utf-8").splitlines()
    assert lines[0] == "# bpe: 270 ids, 13 merges, 1 special tokens"
    assert len(lines) == 271
    assert lines[1] == "     0  [!]" and lines[-1] == "   269  <|bos|>  special"
    assert "   256  [h][e] -> [he]" in lines
    assert r"   198  [\n]" in lines and any(r"[\xe4]" in line for line in lines)
    # A merge per line that joins what stands in its brackets.
    for line in lines[257:-1]:
        left, right = line.split("  [", 1)[1][:-1].split("] -> [")
        assert left.replace("][", "") == right or "\\x" in line


@pytest.mark.spec("SEQ-008", "refused in one sentence that names the file")
@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"kind": "words"}, "kind 'words' is not one of char, word, byte, bpe"),
        ({"split": "gpt5"}, "split 'gpt5' is not one of gpt2, gpt4"),
        ({"merges": [[0, 999]]}, "merge 0 of ids 0 and 999 gives no token"),
        ({"merges": [[-1, 3]]}, "merge 0 of ids -1 and 3 gives no token"),
        ({"merges": [[269, 3]]}, "merge 0 of ids 269 and 3 gives no token"),
        ({"merges": [[1, 2, 3]]}, "too many values"),
        ({"merges": None}, "not iterable"),
        ({"tokens": ["a"] * 270}, "two ids have the same bytes"),
        ({"tokens": ["\u4e2d"]}, "stands for no byte"),
        ({"tokens": ["a"], "specials": {}}, "byte 0x00 has no id"),
        ({"specials": {"<|bos|>": 1000}}, "out of range"),
        ({"specials": {"<|bos|>": 3, "x": 3}}, "the same bytes"),
    ],
)
def test_a_tokenizer_that_does_not_fit_is_refused(change, said, tmp_path):
    path = tmp_path / "t.json"
    path.write_text(json.dumps(BPE.to_dict() | change), "utf-8")
    with pytest.raises(InputError, match=said) as caught:
        load(path)
    assert str(caught.value).startswith(f"{path} is not whole: ")


@pytest.mark.spec("SEQ-008", "refused in one sentence that names the file")
@pytest.mark.parametrize("key", ["kind", "split", "tokens", "merges", "specials"])
def test_a_missing_key_is_named(key, tmp_path):
    values = {k: v for k, v in BPE.to_dict().items() if k != key}
    (tmp_path / "t.json").write_text(json.dumps(values), "utf-8")
    with pytest.raises(InputError, match=f"it has no '{key}'"):
        load(tmp_path / "t.json")


@pytest.mark.spec("SEQ-008", "refused in one sentence that names the file")
@pytest.mark.parametrize(
    ("content", "said"),
    [(b"\xff", "is not JSON"), (b"{", "is not JSON"), (b"[" * 99999, "is not JSON"),
     (b"[]", "is not whole"), (b"null", "is not whole"), (b'{"kind": []}', "no 'spec")],
)  # fmt: skip
def test_what_is_no_tokenizer_is_refused(content, said, tmp_path):
    (tmp_path / "t.json").write_bytes(content)
    with pytest.raises(InputError, match=f"t.json {said}|{said}"):
        load(tmp_path / "t.json")


@pytest.mark.spec("SEQ-008", "refused in one sentence that names the file")
@pytest.mark.parametrize("cut", range(0, 1400, 97))
def test_a_truncated_file_is_refused(cut, tmp_path):
    path, _ = save(BPE, tmp_path / "t.json")
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(InputError, match="t.json is not"):
        load(path)


def test_a_path_that_cannot_be_used_is_named(tmp_path):
    with pytest.raises(InputError, match="none.json: No such file"):
        load(tmp_path / "none.json")
    with pytest.raises(InputError, match="has no vocab.json or encoder.json"):
        load(tmp_path)
    with pytest.raises(InputError, match="t.bin: a tokenizer is saved as JSON"):
        save(BPE, tmp_path / "t.bin")
    (tmp_path / "folder.json").mkdir()
    (tmp_path / "file").write_text("x")
    for taken in ("folder.json", "file/t.json"):
        with pytest.raises(InputError, match=f"{taken}: cannot be written"):
            save(BPE, tmp_path / taken)
    with pytest.raises(InputError, match="--tokenizer FILE"):
        open_tokenizer(None)


@pytest.mark.spec("SEQ-004", "read with their ids")
def test_a_merge_that_looks_like_the_header_is_read(tmp_path):
    letters = [BYTE_ORDER.index(byte) for byte in b"#versions"]
    grown = [letters[0], *range(256, 263)]
    ours = BPETokenizer.from_merges(list(zip(grown, letters[1:], strict=True)), "gpt2")
    save_gpt2(ours, tmp_path)
    assert "\n#version s\n" in (tmp_path / "merges.txt").read_text("utf-8")
    assert load_gpt2(tmp_path).merges == ours.merges


@pytest.mark.spec("SEQ-004", "named with file and line")
@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        ("merges.txt", "h e\n", "h \u4e2d\n", r"merges.txt:2: 'h 中' .*'中' is not"),
        ("merges.txt", "h e\n", "he\n", r"merges.txt:2: 'he' must be two tokens"),
        ("merges.txt", "h e\n", "h e\n# x\n", r"merges.txt:3: '# x'"),
        ("vocab.json", '"!": 0', '"!": 1', "ids are not 0 .. 269, each once"),
        ("vocab.json", '"!"', '"!!"', "byte 0x21 has no id.*merges.txt"),
        ("vocab.json", '"', "", "is not a JSON of token: id"),
    ],
)  # fmt: skip
def test_damaged_files_of_gpt2_are_named(file, old, new, said, tmp_path):
    save_gpt2(BPE, tmp_path)
    text = (tmp_path / file).read_text("utf-8")
    assert old in text
    (tmp_path / file).write_text(text.replace(old, new, 1), "utf-8")
    with pytest.raises(InputError, match=said):
        load_gpt2(tmp_path)
