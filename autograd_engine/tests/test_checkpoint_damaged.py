"""No file, however damaged, foreign or hostile, does more than cause one sentence."""

import io
import json
import os
import pickle
import random
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest

from src.utils.checkpoint import load_checkpoint, save_checkpoint
from src.utils.errors import InputError


WEIGHTS = {"w": np.arange(600.0), "b": np.ones(3, np.float32)}
CONTENT = {
    "kind": "training",
    "config": {"optim": {"lr": 1e-3}},
    "data": {"names": ["a", "b"]},
    "model": WEIGHTS,
    "weights": WEIGHTS,
    "optimizer": {"state": {0: {"step": 3}}, "param_groups": []},
    "progress": {"step": 3},
    "rng": {},
}


@pytest.fixture(scope="module")
def good(tmp_path_factory) -> bytes:
    path = tmp_path_factory.mktemp("good") / "x.npz"
    save_checkpoint(path, CONTENT)
    return path.read_bytes()


def entries(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(parts: dict[str, bytes], how: int = zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", how) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def with_entry(name: str, data: bytes | None):
    """Another entry in the place of `name`, or none."""

    def damage(good: bytes) -> bytes:
        parts = entries(good) | {name: data}
        return packed({n: d for n, d in parts.items() if d is not None})

    return damage


def tree(**changes):
    """Other values of top keys in the tree; None leaves the key out."""

    def damage(good: bytes) -> bytes:
        parts = entries(good)
        items = dict(json.loads(parts["tree.json"])["dict"]) | changes
        pairs = [[key, value] for key, value in items.items() if value is not None]
        return packed(parts | {"tree.json": json.dumps({"dict": pairs}).encode()})

    return damage


def twice(good: bytes) -> bytes:
    buffer = io.BytesIO(good)
    with pytest.warns(UserWarning, match="Duplicate name"):
        with zipfile.ZipFile(buffer, "a") as archive:
            archive.writestr("model/w.npy", b"other")
    return buffer.getvalue()


def lie(good: bytes) -> bytes:
    """Let the directory of the zip claim 3 GB for each entry."""
    data, at = bytearray(good), good.find(b"PK\x01\x02")
    while at >= 0:
        data[at + 20 : at + 28] = struct.pack("<II", 3 * 10**9, 3 * 10**9)
        at = good.find(b"PK\x01\x02", at + 4)
    return bytes(data)


def npy(header: str, data: bytes = b"", version: tuple[int, int] = (1, 0)) -> bytes:
    text = header.encode("latin1") + b"\n"
    return np.lib.format.magic(*version) + struct.pack("<H", len(text)) + text + data


def array(header: str, data: bytes = b"", **more):
    return with_entry("model/w.npy", npy(header, data, **more))


HEAD = "{'descr': '<f8', 'fortran_order': False, 'shape': (%s,)}"
OBJECT = "{'descr': '|O', 'fortran_order': False, 'shape': (1,)}"
BOMB = packed({"tree.json": bytes(10**7)}, zipfile.ZIP_DEFLATED)

DAMAGE = {
    "empty": (lambda g: b"", "is not a checkpoint: the file is empty"),
    "text": (lambda g: b"weights", "is not a checkpoint: it is text"),
    "html": (lambda g: b"\n<!doctype html>", "it is a web page"),
    "lfs": (
        lambda g: b"version https://git-lfs.github.com/spec/v1\n",
        "it is a git-lfs pointer; run `git lfs pull`",
    ),
    "noise": (lambda g: b"\xff\x01" * 99, "the format is unknown"),
    "raw pickle": (lambda g: pickle.dumps({}, 2), "a bare pickle, which could run"),
    "one array": (lambda g: npy(HEAD % 0), "it is a single array"),
    "safetensors": (lambda g: struct.pack("<Q", 2) + b"{}", "it is a safetensors file"),
    "of torch": (
        lambda g: packed({"archive/data.pkl": b"", "archive/version": b"3"}),
        "a checkpoint of PyTorch, whose pickle could run code; it was not opened",
    ),
    "other zip": (lambda g: packed({"a.txt": b"a"}), "it has no tree.json"),
    "half": (lambda g: g[: len(g) // 2], "is damaged or cut short"),
    "one byte less": (lambda g: g[:-1], "is damaged or cut short"),
    "head only": (lambda g: g[:4], "is damaged or cut short"),
    "zeros inside": (
        lambda g: g[:2000] + bytes(512) + g[2512:],
        "is damaged or cut short",
    ),
    "two of one name": (twice, "has two entries of one name: refused"),
    "deflated": (
        lambda g: packed(entries(g), zipfile.ZIP_DEFLATED),
        "is a compressed archive, no checkpoint: refused",
    ),
    "zip bomb": (lambda g: BOMB, "is a compressed archive, no checkpoint: refused"),
    "lying sizes": (lie, "claims to hold more than its size: refused"),
    "no tree": (with_entry("tree.json", None), "it has no tree.json"),
    "tree of noise": (with_entry("tree.json", b"\xff{"), "(UnicodeDecodeError)"),
    "tree cut": (with_entry("tree.json", b'{"dict":[['), "(JSONDecodeError)"),
    "deep tree": (with_entry("tree.json", b"[" * 10**5), "(RecursionError)"),
    "endless number": (with_entry("tree.json", b"1" * 5000), "(ValueError)"),
    "strange tag": (with_entry("tree.json", b'{"eval":"1"}'), "the tag 'eval' is not"),
    "two tags": (with_entry("tree.json", b'{"a":1,"b":2}'), "(ValueError)"),
    "lists as keys": (with_entry("tree.json", b'{"dict":[[[],1]]}'), "(TypeError)"),
    "no array": (with_entry("model/w.npy", None), "(KeyError)"),
    "array of noise": (with_entry("model/w.npy", b"abcdefgh"), "(ValueError)"),
    "huge shape": (array(HEAD % 10**15), "is not as large as its header says"),
    "too long": (array(HEAD % 2, bytes(24)), "is not as large as its header says"),
    "too short": (array(HEAD % 2, bytes(8)), "is not as large as its header says"),
    "below zero": (array(HEAD % "-1, -1", bytes(8)), "has an impossible shape"),
    "bool shape": (array(HEAD % "True", bytes(8)), "has an impossible shape"),
    "code in a header": (array("__import__('os').system('true')"), "(ValueError)"),
    "deep header": (array("(" * 9000), "cannot be read as a checkpoint"),
    "long header": (array(" " * 60_000 + HEAD % 0), "cannot be read as a checkpoint"),
    "newer header": (array(HEAD % 0, version=(3, 0)), "another version of its header"),
    "text in an array": (
        array("{'descr': '<U1', 'fortran_order': False, 'shape': (1,)}", bytes(4)),
        "an array holds <U1, not numbers: refused",
    ),
    "fields": (
        array("{'descr': [('a', 'O')], 'fortran_order': False, 'shape': (1,)}"),
        "not numbers: refused",
    ),
    "a list": (with_entry("tree.json", b"[1]"), "its keys are missing"),
    "foreign": (with_entry("tree.json", b'{"dict":[["a",1]]}'), "its keys are missing"),
    "other project": (tree(project="asr"), "was made by asr; this is autograd_engine"),
    "odd project": (tree(project={"array": "model/w"}), "was made by ndarray; this"),
    "newer schema": (tree(schema=2), "has schema 2, this version reads 1. Update"),
    "odd schema": (tree(schema={"array": "model/w"}), "has schema ndarray, this"),
    "schema of text": (tree(schema="1"), "has schema 1, this version reads 1"),
    "odd kind": (tree(kind={"array": "model/w"}), "kind is of the wrong type"),
    "weights only": (tree(kind="weights"), "holds weights only and cannot be resumed"),
    "no optimizer": (tree(optimizer=None), "no whole checkpoint: optimizer is missing"),
    "no config": (tree(config=None), "no whole checkpoint: config is missing"),
    "odd model": (tree(model=3), "no whole checkpoint: model is of the wrong type"),
}


@pytest.mark.spec("AGE-066", "is refused in one sentence")
@pytest.mark.parametrize("name", DAMAGE)
def test_damaged_checkpoint(tmp_path, good, name):
    harm, words = DAMAGE[name]
    path = tmp_path / "x.npz"
    path.write_bytes(harm(good))
    with pytest.raises(InputError) as error:
        load_checkpoint(path, "training")
    text = str(error.value)
    assert text.startswith(f"{path}") and words in text
    assert "\n" not in text and len(text) < len(str(path)) + 200


class Payload:
    def __init__(self, trace: Path):
        self.trace = trace

    def __reduce__(self):
        return os.mkdir, (str(self.trace),)


@pytest.mark.spec("AGE-066", "no code in it runs")
@pytest.mark.parametrize("place", ["the file", "the tree", "an array", "beside"])
def test_a_pickle_does_not_run(tmp_path, good, place):
    trace, path = tmp_path / "trace", tmp_path / "x.npz"
    evil = pickle.dumps(Payload(trace))
    damaged = {
        "the file": evil,
        "the tree": with_entry("tree.json", evil)(good),
        "an array": array(OBJECT, evil)(good),
        "beside": with_entry("more.npy", npy(OBJECT, evil))(good),
    }
    path.write_bytes(damaged[place])
    with pytest.raises(InputError):
        load_checkpoint(path)
    assert not trace.exists()
    pickle.loads(evil)
    assert trace.exists()


@pytest.mark.parametrize("name", ["../../up.npy", "/root.npy", "..", "a\\b.npy"])
def test_names_that_lead_elsewhere_write_nothing(tmp_path, good, name):
    folder = tmp_path / "a" / "b"
    folder.mkdir(parents=True)
    (folder / "x.npz").write_bytes(with_entry(name, npy(HEAD % 1, bytes(8)))(good))
    try:
        load_checkpoint(folder / "x.npz")
    except InputError as error:
        assert "\n" not in str(error)
    assert [p.name for p in tmp_path.rglob("*")] == ["a", "b", "x.npz"]


def same(loaded: dict) -> bool:
    weights = loaded["model"] | {f"{k}2": v for k, v in loaded["weights"].items()}
    plain = {k: v for k, v in loaded.items() if k in CONTENT.keys() - {"model"}}
    return all(
        np.array_equal(weights[k + end], v) and weights[k + end].dtype == v.dtype
        for k, v in WEIGHTS.items()
        for end in ("", "2")
    ) and all(plain[k] == CONTENT[k] for k in plain.keys() - {"weights"})


@pytest.mark.spec("AGE-066", "A damaged, foreign or hostile checkpoint")
def test_no_bit_flip_changes_a_value(tmp_path, good):
    path, draw, refused = tmp_path / "x.npz", random.Random(0), 0
    for _ in range(600):
        data = bytearray(good)
        data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)
        path.write_bytes(data)
        try:
            loaded = load_checkpoint(path)
        except InputError as error:
            assert "\n" not in str(error)
            refused += 1
            continue
        assert same(loaded)
    assert refused > 300


def test_a_file_cut_anywhere_is_refused(tmp_path, good):
    path, draw = tmp_path / "x.npz", random.Random(0)
    starts = [at for at in range(len(good)) if good.startswith(b"PK", at)]
    cuts = {at + d for at in starts for d in (-1, 0, 1, 4, 30, 46)} | set(range(64))
    cuts |= {len(good) - d for d in range(1, 64)} | set(draw.sample(range(5000), 200))
    for cut in sorted(cut for cut in cuts if 0 <= cut < len(good)):
        path.write_bytes(good[:cut])
        with pytest.raises(
            InputError, match="is damaged or cut short|not a checkpoint"
        ):
            load_checkpoint(path)


def test_the_whole_file_is_loaded(tmp_path, good):
    (tmp_path / "x.npz").write_bytes(good)
    assert same(load_checkpoint(tmp_path / "x.npz", "training"))


def test_a_file_that_may_not_be_read_is_said(tmp_path, good, monkeypatch):
    (tmp_path / "x.npz").write_bytes(good)

    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("builtins.open", refuse)
    with pytest.raises(InputError, match="x.npz cannot be read: Permission denied"):
        load_checkpoint(tmp_path / "x.npz")
