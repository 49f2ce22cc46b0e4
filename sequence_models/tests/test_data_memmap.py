"""Token files: larger than memory, whole or not at all, and every kind of damage."""

import json
import os
import pickle
import signal
from pathlib import Path

import numpy as np
import pytest
import torch

from src.data import memmap
from src.data.memmap import PAGE, TokenFile, open_tokens, write_tokens
from src.data.windows import EveryWindow, RandomWindows
from src.tokenizers import ByteTokenizer, CharTokenizer
from src.utils.errors import InputError
from tests.batches import check_worker, keys, whole
from tests.forked import in_fork, wait


TOKENIZER = ByteTokenizer(["<|bos|>"])
LARGE = CharTokenizer("".join(map(chr, range(0x10000, 0x10000 + 70000))))


def resident() -> int:
    """Bytes of this process in memory, mapped files included."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf(
        "SC_PAGESIZE"
    )


@pytest.mark.parametrize("tokenizer", [TOKENIZER, LARGE], ids=["uint16", "uint32"])
def test_what_was_written_is_read(tmp_path, tokenizer):
    top = tokenizer.vocab_size - 1
    chunks = [[0, top, 5], np.array([], np.int64), torch.tensor([top]), np.uint8([7])]
    path = tmp_path / "a.bin"
    assert write_tokens(path, iter(chunks), tokenizer.to_dict()) == 5
    tokens, told, checksum = open_tokens(path)
    assert tokens.tolist() == [0, top, 5, top, 7]
    assert tokens.dtype == (np.uint16 if tokenizer is TOKENIZER else np.uint32)
    assert told == tokenizer.to_dict() and checksum.encode() in path.read_bytes()
    assert [file.name for file in tmp_path.iterdir()] == ["a.bin"]
    with pytest.raises(ValueError, match="read-only"):
        tokens[0] = 1


def test_a_part_travels_as_a_name_and_a_place(tmp_path):
    path = tmp_path / "a.bin"
    ids = np.arange(100_000) % 256
    write_tokens(path, [ids], TOKENIZER.to_dict())
    tokens = open_tokens(path).tokens
    for part in (tokens, tokens[90_000:], tokens[7:60_000][3:]):
        packed = pickle.dumps(part)
        assert len(packed) < 500
        back = pickle.loads(packed)
        assert type(back) is TokenFile and np.array_equal(back, part)
    for part in (tokens[::2], tokens + 1, tokens[[3, 1]]):  # no plain part of the file
        assert np.array_equal(pickle.loads(pickle.dumps(part)), part)


@pytest.fixture
def huge(tmp_path) -> Path:
    """16 billion tokens of zero, of which the disk holds a few pages."""
    path, count, told = tmp_path / "huge.bin", 16 * 10**9, TOKENIZER.to_dict()
    with open(path, "w+b") as file:
        start = memmap._write_header(file, 0, "uint16", "0" * 64, told)
        file.truncate(start + 2 * count)
        sha = memmap._checksum(file, start, 2 * count, told)
        memmap._write_header(file, count, "uint16", sha, told)
    assert path.stat().st_size > 30e9
    if path.stat().st_blocks * 512 > 10e6:
        pytest.skip("this file system stores every zero")
    return path


@pytest.mark.spec("SEQ-019", "grows by less than 16 MB")
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is of Linux")
def test_a_file_far_larger_than_memory_costs_only_its_windows(huge):
    before = resident()
    tokens = open_tokens(huge).tokens
    cut = len(tokens) // 10 * 9
    train = RandomWindows(tokens[:cut], 256, 10**6, seed=0)
    val = EveryWindow(tokens[cut:], 256)
    assert len(val) > 6e6
    for epoch in range(20):
        batch = train.__getitems__(keys(64, epoch))
        assert batch["tokens"].shape == (64, 256)
    last = val[0, len(val) - 1]
    assert (last["targets"] == -100).sum() == len(val) * 256 - (len(tokens) - cut - 1)
    assert len(pickle.dumps((train, val))) < 2000
    assert resident() - before < 16e6


@pytest.mark.spec("SEQ-015", "in a worker process")
def test_a_worker_reads_the_same_windows(tmp_path):
    write_tokens(tmp_path / "a.bin", [np.arange(5000) % 251], TOKENIZER.to_dict())
    tokens = open_tokens(tmp_path / "a.bin").tokens
    windows = RandomWindows(tokens, 16, 32, seed=1)
    check_worker(windows, 8)
    plain = RandomWindows(torch.from_numpy(np.array(tokens, np.int64)), 16, 32, seed=1)
    assert torch.equal(whole(windows)["targets"], whole(plain)["targets"])


@pytest.fixture
def good(tmp_path) -> Path:
    path = tmp_path / "tokens.bin"
    write_tokens(path, [np.arange(2000) % 250], TOKENIZER.to_dict())
    return path


@pytest.mark.spec("SEQ-020", "cut, lengthened, foreign")
@pytest.mark.parametrize(
    "damage, words",
    [
        (lambda d: d[:-1], "holds 3999 bytes of tokens, its header announces 4000;"),
        (lambda d: d[:PAGE], "holds 0 bytes of tokens, its header announces 4000;"),
        (lambda d: d + b"\0\0", "holds 4002 bytes of tokens, its header"),
        (lambda d: d[:100], "ends inside its header"),
        (lambda d: d[:20], "ends inside its header"),
        (lambda d: d[:7], r"is not a file of tokens \(it begins with b'sequenc'\)"),
        (lambda d: b"", "is not a file of tokens"),
        (lambda d: b"\x93NUMPY" + d, "is not a file of tokens .*NUMPY"),
        (lambda d: d[PAGE:], "is not a file of tokens"),
        (lambda d: d.replace(b'"uint16"', b'"uint64"'), "its header is damaged"),
        (lambda d: d.replace(b"2000", b"-999"), "its header is damaged"),
        (lambda d: d.replace(b'{"dtype"', b'["dtype"'), "its header is damaged"),
        (lambda d: d.replace(b'"count"', b'"c\xffunt"'), "its header is damaged"),
        (lambda d: d[:-1] + b"\x01", "the checksum is wrong"),
        (lambda d: d[:PAGE] + b"\x09" + d[PAGE + 1 :], "the checksum is wrong"),
        (lambda d: d.replace(b"<|bos|>", b"<|eos|>"), "the checksum is wrong"),
        (lambda d: d[:16] + b"\xff" * 8 + d[24:], "ends inside its header"),
    ],
)
def test_a_damaged_file_is_refused_by_name(good, damage, words):
    before = good.read_bytes()
    good.write_bytes(damage(before))
    assert good.read_bytes() != before
    with pytest.raises(InputError, match=f"tokens.bin: .*{words}"):
        open_tokens(good)


@pytest.mark.spec("SEQ-020", "refused in one sentence with its path")
def test_what_cannot_be_opened_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"none\.bin: cannot be read \(No such file"):
        open_tokens(tmp_path / "none.bin")
    with pytest.raises(InputError, match="cannot be read"):
        open_tokens(tmp_path)
    with pytest.raises(
        InputError, match=r"no/a\.bin: cannot be written \(No such file"
    ):
        write_tokens(tmp_path / "no" / "a.bin", [[1]], TOKENIZER.to_dict())


@pytest.mark.spec("SEQ-021", "a whole file or what was there before")
@pytest.mark.parametrize(
    "chunks, error, words",
    [
        (
            [[1, 2], [257]],
            ValueError,
            "ids from 257 to 257; the tokenizer has 0 to 256",
        ),
        ([[-1]], ValueError, "ids from -1 to -1"),
        ([[1], [0.5]], ValueError, "a chunk is float64"),
        ([[[1]]], ValueError, r"a chunk is int64 \(1, 1\)"),
        ([[], []], InputError, "there are no tokens to write"),
        ((1 / n for n in [0]), ZeroDivisionError, "division"),
    ],
)
def test_a_fault_leaves_what_was_there(good, chunks, error, words):
    before = good.read_bytes()
    with pytest.raises(error, match=words):
        write_tokens(good, chunks, TOKENIZER.to_dict())
    assert good.read_bytes() == before
    assert [file.name for file in good.parent.iterdir()] == ["tokens.bin"]


@pytest.mark.spec("SEQ-021", "also when it is killed")
@pytest.mark.skipif(not hasattr(os, "fork"), reason="the writer is a forked process")
def test_a_killed_writer_leaves_what_was_there(good):
    before = good.read_bytes()

    def chunks():
        yield np.ones(100_000, np.int64)
        os.kill(os.getpid(), signal.SIGKILL)

    child = in_fork(lambda: write_tokens(good, chunks(), TOKENIZER.to_dict()))
    assert wait(child) == -signal.SIGKILL
    assert good.read_bytes() == before
    open_tokens(good)


def test_the_header_is_json_that_a_person_can_read(good):
    text = good.read_bytes()[24:PAGE].decode().strip()
    header = json.loads(text)
    assert (header["count"], header["dtype"]) == (2000, "uint16")
    assert header["tokenizer"]["kind"] == "byte"
