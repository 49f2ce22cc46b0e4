# pattern: tests/test_checkpoint_damaged.py -- the same in every sub-project; edit one, then: python -m tools.copies sync tests/test_checkpoint_damaged.py --from <sub-project>
"""No file, however damaged, foreign or hostile, does more than cause one sentence."""

import os
import pickle
import random
import struct
import zipfile
from pathlib import Path

import pytest
import torch

from src.utils.checkpoint import PROJECT, load_checkpoint, save_checkpoint
from src.utils.errors import InputError
from tests.tiny import command, resume, start


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    out = tmp_path_factory.mktemp("trained")
    assert start(out, "train.epochs=1") == 0
    return out


@pytest.fixture(scope="module")
def good(out) -> bytes:
    return (out / "run/checkpoints/last.pt").read_bytes()


def entries(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def pack(path: Path, parts: dict[str, bytes], how: int = zipfile.ZIP_STORED) -> None:
    with zipfile.ZipFile(path, "w", how) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)


def deflate(path: Path, good: bytes) -> None:
    path.write_bytes(good)
    pack(path, entries(path), zipfile.ZIP_DEFLATED)


def leave_out(part: str):
    def damage(path: Path, good: bytes) -> None:
        path.write_bytes(good)
        pack(path, {n: d for n, d in entries(path).items() if not n.endswith(part)})

    return damage


def lie(path: Path, good: bytes) -> None:
    """Let the directory of the zip claim 3 GB for each entry."""
    data, at = bytearray(good), good.find(b"PK\x01\x02")
    while at >= 0:
        data[at + 20 : at + 28] = struct.pack("<II", 3 * 10**9, 3 * 10**9)
        at = good.find(b"PK\x01\x02", at + 4)
    path.write_bytes(data)


def change(**changes):
    def damage(path: Path, good: bytes) -> None:
        path.write_bytes(good)
        content = {**torch.load(path, weights_only=True), **changes}
        torch.save({k: v for k, v in content.items() if v is not None}, path)

    return damage


class Payload:
    def __init__(self, command: str):
        self.command = command

    def __reduce__(self):
        return os.system, (self.command,)


DAMAGE = {
    "empty": (
        lambda p, g: p.write_bytes(b""),
        "is not a checkpoint: the file is empty",
    ),
    "text": (lambda p, g: p.write_text("weights"), "is not a checkpoint: it is text"),
    "html": (lambda p, g: p.write_text("\n<!doctype html>"), "it is a web page"),
    "lfs": (
        lambda p, g: p.write_text("version https://git-lfs.github.com/spec/v1\n"),
        "it is a git-lfs pointer; run `git lfs pull`",
    ),
    "noise": (lambda p, g: p.write_bytes(b"\xff\x01" * 99), "the format is unknown"),
    "half": (lambda p, g: p.write_bytes(g[: len(g) // 2]), "is damaged or cut short"),
    "one byte less": (lambda p, g: p.write_bytes(g[:-1]), "is damaged or cut short"),
    "head only": (lambda p, g: p.write_bytes(g[:4]), "is damaged or cut short"),
    "zeros inside": (
        lambda p, g: p.write_bytes(g[:9000] + bytes(4096) + g[13096:]),
        "is damaged",
    ),
    "deflated": (deflate, "is a compressed archive, no checkpoint: refused"),
    "lying sizes": (lie, "claims to hold more than its size: refused"),
    "raw pickle": (lambda p, g: p.write_bytes(pickle.dumps({}, 2)), "a bare pickle"),
    "legacy torch": (
        lambda p, g: torch.save({}, p, _use_new_zipfile_serialization=False),
        "a bare pickle, which could run code; it was not opened",
    ),
    "safetensors": (
        lambda p, g: p.write_bytes(struct.pack("<Q", 2) + b"{}"),
        "it is a safetensors file",
    ),
    "no data.pkl": (leave_out("data.pkl"), "cannot be read as a checkpoint"),
    "no tensor data": (leave_out("data/0"), "cannot be read as a checkpoint"),
    "other zip": (lambda p, g: pack(p, {"a.txt": b"a"}), "cannot be read as a check"),
    "a tensor": (lambda p, g: torch.save(torch.ones(2), p), "its keys are missing"),
    "a list": (lambda p, g: torch.save([1], p), "its keys are missing"),
    "foreign": (lambda p, g: torch.save({"state_dict": {}}, p), "its keys are missing"),
    "other project": (change(project="asr"), f"made by asr; this is {PROJECT}"),
    "newer schema": (change(schema=2), "has schema 2, this version reads 1"),
    "odd schema": (change(schema=torch.ones(2)), "has schema tensor"),
    "weights only": (
        change(kind="weights"),
        "holds weights only and cannot be resumed",
    ),
    "no optimizer": (
        change(optimizer=None),
        "no whole checkpoint: optimizer is missing",
    ),
    "no config": (change(config=None), "no whole checkpoint: config is missing"),
    "odd model": (change(model=3), "no whole checkpoint: model is of the wrong type"),
    "empty optimizer": (change(optimizer={}), "cannot be resumed"),
    "other optimizer": (
        change(optimizer={"state": {}, "param_groups": []}),
        "cannot be resumed: loaded state dict has a different number",
    ),
    "other progress": (change(progress={"stepp": 1}), "cannot be resumed"),
    "other weights": (change(weights={"a": torch.ones(1)}), "lacks tensor"),
    "unknown key": (change(config={"lr": 1}), "lr is not a known key"),
    "a folder": (lambda p, g: p.mkdir(), "is a folder; name a file"),
    "missing": (lambda p, g: None, "no such checkpoint"),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_damaged_checkpoint(out, good, capsys, name):
    harm, words = DAMAGE[name]
    last = out / "run/checkpoints/last.pt"
    last.unlink()
    try:
        harm(last, good)
        longer = ("train.epochs=9", "--device", "cpu", "--quiet")
        assert command("--resume", out / "run", *longer) == 2
    finally:
        last.rmdir() if last.is_dir() else last.unlink(missing_ok=True)
        last.write_bytes(good)
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith(str(last)) and words in said.err
    assert said.err.count("\n") == 1 and "Traceback" not in said.err


@pytest.mark.parametrize("form", ["zip", "pickle", "broken"])
def test_malicious_pickle_does_not_run(out, good, tmp_path, capsys, form):
    last, trace = out / "run/checkpoints/last.pt", tmp_path / "trace"
    evil = {"a": Payload(f"touch {trace}")}
    try:
        torch.save(evil, last)
        if form == "pickle":
            last.write_bytes(pickle.dumps(evil))
        if form == "broken":
            parts = entries(last)
            pickled = next(name for name in parts if name.endswith("data.pkl"))
            pack(last, parts | {pickled: parts[pickled][:-4]})
        assert (
            command("--resume", out / "run", "train.epochs=9", "--device", "cpu") == 2
        )
    finally:
        last.write_bytes(good)
    said = capsys.readouterr().err
    assert not trace.exists()
    assert "a bare pickle" in said if form == "pickle" else "It did not run" in said
    assert form != "zip" or "system" in said
    assert "weights_only" not in said


def test_no_bit_flip_changes_a_tensor(tmp_path):
    content = {"kind": "weights", "config": {}, "data": {"names": ["a", "b"]}}
    weights = {"w": torch.arange(600.0), "b": torch.ones(3)}
    path, random_bits = tmp_path / "x.pt", random.Random(0)
    save_checkpoint(path, {**content, "model": weights})
    good, refused = path.read_bytes(), 0
    for _ in range(200):
        data = bytearray(good)
        data[random_bits.randrange(len(data))] ^= 1 << random_bits.randrange(8)
        path.write_bytes(data)
        try:
            loaded = load_checkpoint(path)
        except InputError as error:
            assert "\n" not in str(error)
            refused += 1
            continue
        assert loaded["data"] == content["data"]
        assert all(
            torch.equal(loaded["model"][name], weights[name]) for name in weights
        )
    assert refused > 100


def test_a_kind_of_checkpoint_that_was_asked_for(out, tmp_path):
    with pytest.raises(InputError, match="Resume from .*last.pt"):
        load_checkpoint(out / "run/checkpoints/best.pt", "training")
    with pytest.raises(
        InputError, match=r"last.pt: no such checkpoint. .* has: best.pt"
    ):
        load_checkpoint(_without_last(out, tmp_path) / "last.pt")


def test_a_resume_without_metrics_is_refused(out):
    metrics = out / "run/metrics.csv"
    text = metrics.read_text()
    try:
        for lost in (metrics.unlink, lambda: metrics.write_text("")):
            lost()
            with pytest.raises(InputError, match="metrics.csv is missing or empty"):
                resume(out, "train.epochs=9")
    finally:
        metrics.write_text(text)


def _without_last(out: Path, tmp_path: Path) -> Path:
    (tmp_path / "best.pt").write_bytes((out / "run/checkpoints/best.pt").read_bytes())
    return tmp_path


# local: begin
pytest.mark.spec("ASR-162", "refused in one sentence with exit code 2")(
    test_damaged_checkpoint
)
pytest.mark.spec("ASR-162", "no code in it runs")(test_malicious_pickle_does_not_run)
pytest.mark.spec("ASR-162", "A damaged, foreign or hostile checkpoint is refused")(
    test_no_bit_flip_changes_a_tensor
)
# local: end
