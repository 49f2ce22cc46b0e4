"""Damaged, foreign and hostile checkpoints through `eval` and `infer`: R5 and R7."""

import io
import os
import pickle
import subprocess
import sys
import zipfile

import pytest
import torch

from src.utils.checkpoint import load_checkpoint
from tests.inference_tools import INFO, ROOT, call, make_checkpoint, save_image


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    return make_checkpoint(tmp_path_factory.mktemp("run"), INFO).read_bytes()


class Payload:
    """Runs a command where it is unpickled."""

    def __init__(self, command):
        self.command = command

    def __reduce__(self):
        return os.system, (self.command,)


def change(path, good, **changes):
    path.write_bytes(good)
    torch.save({**load_checkpoint(path), **changes}, path)


def flip(path, good):
    """Flip one bit of the largest tensor: a bit of the zip's padding harms nothing."""
    with zipfile.ZipFile(io.BytesIO(good)) as archive:
        largest = max(archive.infolist(), key=lambda member: member.file_size)
        at = good.index(archive.read(largest))
    data = bytearray(good)
    data[at + largest.file_size // 2] ^= 16
    path.write_bytes(data)


def deflate(path, good):
    path.write_bytes(good)
    with zipfile.ZipFile(path) as old:
        entries = {name: old.read(name) for name in old.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for name, data in entries.items():
            new.writestr(name, data)


def drop_tensor(path, good):
    path.write_bytes(good)
    model = dict(load_checkpoint(path)["model"])
    model.pop("head.bias")
    change(path, good, model=model)


DAMAGE = {
    "empty": (lambda p, g: p.write_bytes(b""), "the file is empty"),
    "text": (lambda p, g: p.write_text("hello"), "it is text"),
    "html": (lambda p, g: p.write_text("<html>"), "it is a web page"),
    "lfs": (
        lambda p, g: p.write_text("version https://git-lfs.github.com/spec/v1"),
        "git lfs pull",
    ),
    "half": (lambda p, g: p.write_bytes(g[: len(g) // 2]), "damaged or cut short"),
    "one byte less": (lambda p, g: p.write_bytes(g[:-1]), "damaged or cut short"),
    "bit flip": (flip, "is damaged"),
    "deflated": (deflate, "compressed archive"),
    "bare pickle": (
        lambda p, g: p.write_bytes(pickle.dumps({"a": 1}, protocol=2)),
        "a bare pickle",
    ),
    "safetensors": (
        lambda p, g: p.write_bytes((9).to_bytes(8, "little") + b"{" + b" " * 8),
        "a safetensors file",
    ),
    "wrong project": (lambda p, g: change(p, g, project="vision_cnn"), "vision_cnn"),
    "newer schema": (lambda p, g: change(p, g, schema=99), "has schema 99"),
    "no keys": (lambda p, g: torch.save({"a": 1}, p), "its keys are missing"),
    "no tensor": (drop_tensor, "lacks tensor head.bias"),
    "other data": (lambda p, g: change(p, g, data={"classes": 3}), "not a known key"),
    "no config": (lambda p, g: change(p, g, config={}), "no model configuration"),
    "a folder": (lambda p, g: p.mkdir(), "is a folder"),
    "missing": (lambda p, g: None, "no such checkpoint"),
}


@pytest.mark.spec("SEG-100", "refused in one sentence with exit code 2")
@pytest.mark.parametrize("script", ["eval", "infer"])
@pytest.mark.parametrize("kind", DAMAGE)
def test_damaged_checkpoint(tmp_path, monkeypatch, capsys, good, script, kind):
    harm, words = DAMAGE[kind]
    path = tmp_path / "best.pt"
    harm(path, good)
    arguments = ["--input", save_image(tmp_path / "a.png")] if script == "infer" else []
    code = call(monkeypatch, script, "--checkpoint", path, *arguments)
    out, err = capsys.readouterr()
    assert code == 2
    assert out == ""
    assert err.startswith(str(path)) and words in err
    assert err.count("\n") == 1 and "Traceback" not in err


@pytest.mark.spec("SEG-100", "nothing in it is run")
@pytest.mark.parametrize("script", ["eval", "infer"])
@pytest.mark.parametrize("form", ["zip", "bare"])
def test_malicious_pickle_does_not_run(
    tmp_path, monkeypatch, capsys, good, script, form
):
    path, sign = tmp_path / "best.pt", tmp_path / "it_ran"
    payload = Payload(f"touch {sign}")
    if form == "zip":
        change(path, good, metrics={"loss": payload})
    else:
        path.write_bytes(pickle.dumps(payload, protocol=2))
    arguments = ["--input", save_image(tmp_path / "a.png")] if script == "infer" else []
    code = call(monkeypatch, script, "--checkpoint", path, *arguments)
    err = capsys.readouterr().err
    assert code == 2
    assert "It did not run" in err or "was not opened" in err
    assert not sign.exists()


@pytest.mark.parametrize("script", ["eval", "infer"])
def test_an_unknown_device_lists_the_known(tmp_path, monkeypatch, capsys, good, script):
    path = tmp_path / "best.pt"
    path.write_bytes(good)
    arguments = ["--input", save_image(tmp_path / "a.png")] if script == "infer" else []
    code = call(
        monkeypatch, script, "--checkpoint", path, "--device", "tpu", *arguments
    )
    assert code == 2
    assert "choose one of auto, cpu, cuda, mps" in capsys.readouterr().err


@pytest.mark.parametrize("script", ["eval", "infer"])
def test_help_does_not_import_torch(script):
    command = [sys.executable, "-X", "importtime", f"scripts/{script}.py", "--help"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert done.returncode == 0
    assert "Example:" in done.stdout and "--checkpoint" in done.stdout
    assert "typer" in imported and not {"torch", "numpy", "matplotlib"} & imported
    assert "\x1b" not in done.stdout
