"""Damaged, foreign and hostile checkpoints through `eval` and `infer`."""

import io
import os
import pickle
import subprocess
import sys
import zipfile

import pytest
import torch

from src.training.load import load_model
from src.utils.checkpoint import load_checkpoint
from tests.checkpoints import INFO, ROOT, call, make_checkpoint, save_image


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    return make_checkpoint(tmp_path_factory.mktemp("run"), info=INFO).read_bytes()


class Payload:
    """Runs a command where it is unpickled."""

    def __init__(self, command):
        self.command = command

    def __reduce__(self):
        return os.system, (self.command,)


def change(path, good, **changes):
    path.write_bytes(good)
    torch.save({**load_checkpoint(path), **changes}, path)


def describe(path, good, **changes):
    path.write_bytes(good)
    change(path, good, data=load_checkpoint(path)["data"] | changes)


def model_options(path, good, **options):
    path.write_bytes(good)
    config = load_checkpoint(path)["config"]
    change(path, good, config=config | {"model": options})


def flip(path, good):
    """Flip one bit of the largest tensor: a bit of the zip's padding harms nothing."""
    with zipfile.ZipFile(io.BytesIO(good)) as archive:
        largest = max(archive.infolist(), key=lambda member: member.file_size)
        at = good.index(archive.read(largest))
    data = bytearray(good)
    data[at + largest.file_size // 2] ^= 16
    path.write_bytes(data)


def drop_tensor(path, good):
    path.write_bytes(good)
    model = dict(load_checkpoint(path)["model"])
    model.pop("head.bias")
    change(path, good, model=model)


DAMAGE = {
    "empty": (lambda p, g: p.write_bytes(b""), "the file is empty"),
    "html": (lambda p, g: p.write_text("<html>"), "it is a web page"),
    "half": (lambda p, g: p.write_bytes(g[: len(g) // 2]), "damaged or cut short"),
    "bit flip": (flip, "is damaged"),
    "another project": (
        lambda p, g: change(p, g, project="unet_transformer_seg"),
        "made by unet_transformer_seg; this is vision_cnn",
    ),
    "newer schema": (lambda p, g: change(p, g, schema=99), "has schema 99"),
    "no keys": (lambda p, g: torch.save({"a": 1}, p), "its keys are missing"),
    "no tensor": (drop_tensor, "lacks tensor head.bias"),
    "unknown key": (lambda p, g: change(p, g, data={"klasses": 3}), "not a known key"),
    "no model of that name": (
        lambda p, g: model_options(p, g, name="simple_ccn"),
        "Did you mean simple_cnn?",
    ),
    "too large for its size": (
        lambda p, g: model_options(p, g, name="simple_cnn", widths=[2, 3, 4, 5, 6, 7]),
        "its model cannot be built",
    ),
    "another width": (
        lambda p, g: model_options(p, g, name="simple_cnn", widths=[4, 8]),
        "the model here has",
    ),
    "no class": (lambda p, g: describe(p, g, class_names=[]), "fits no training"),
    "one class twice": (
        lambda p, g: describe(p, g, class_names=["a", "a", "b"]),
        "fits no training",
    ),
    "mean of a grey image": (
        lambda p, g: describe(p, g, mean=[0.5]),
        "fits no training",
    ),
    "deviation 0": (
        lambda p, g: describe(p, g, std=[0.0, 1.0, 1.0]),
        "fits no training",
    ),
    "a folder": (lambda p, g: p.mkdir(), "is a folder"),
    "missing": (lambda p, g: None, "no such checkpoint"),
}


def arguments_of(script, tmp_path):
    return ["--input", save_image(tmp_path / "a.png")] if script == "infer" else []


@pytest.mark.spec("CNN-068", "refused in one sentence with exit code 2")
@pytest.mark.parametrize("script", ["eval", "infer"])
@pytest.mark.parametrize("kind", DAMAGE)
def test_damaged_checkpoint(tmp_path, monkeypatch, capsys, good, script, kind):
    harm, words = DAMAGE[kind]
    path = tmp_path / "best.pt"
    harm(path, good)
    arguments = arguments_of(script, tmp_path)
    code = call(monkeypatch, script, "--checkpoint", path, *arguments)
    out, err = capsys.readouterr()
    assert code == 2
    assert out == ""
    assert err.startswith(str(path)) and words in err
    assert err.count("\n") == 1 and "Traceback" not in err


@pytest.mark.spec("CNN-068", "nothing in it is run")
@pytest.mark.parametrize("form", ["zip", "bare"])
def test_malicious_pickle_does_not_run(tmp_path, monkeypatch, capsys, good, form):
    path, sign = tmp_path / "best.pt", tmp_path / "it_ran"
    payload = Payload(f"touch {sign}")
    if form == "zip":
        change(path, good, metrics={"loss": payload})
    else:
        path.write_bytes(pickle.dumps(payload, protocol=2))
    code = call(monkeypatch, "eval", "--checkpoint", path)
    err = capsys.readouterr().err
    assert code == 2
    assert "It did not run" in err or "was not opened" in err
    assert not sign.exists()


@pytest.mark.spec("CNN-068", "builds the network from the checkpoint alone")
def test_a_loaded_model_is_the_saved_one_in_evaluation_mode(tmp_path, good):
    path = tmp_path / "best.pt"
    path.write_bytes(good)
    model, config, info, content = load_model(path)
    assert info == INFO and config.model.widths == (4, 6)
    assert not any(module.training for module in model.modules())
    for name, value in model.state_dict().items():
        assert value.equal(content["model"][name])
    assert model(torch.zeros(2, 3, 12, 16)).shape == (2, 3)


@pytest.mark.parametrize(
    ("option", "words"),
    [
        (("--device", "tpu"), "choose one of auto, cpu, cuda, mps"),
        (("--tta", "turn"), "--tta turn: choose one of none, flip, flip_shift"),
    ],
)
@pytest.mark.parametrize("script", ["eval", "infer"])
def test_an_unknown_choice_lists_the_known(
    tmp_path, monkeypatch, capsys, good, script, option, words
):
    path = tmp_path / "best.pt"
    path.write_bytes(good)
    arguments = ["--checkpoint", path, *option, *arguments_of(script, tmp_path)]
    assert call(monkeypatch, script, *arguments) == 2
    assert words in capsys.readouterr().err


@pytest.mark.parametrize("script", ["eval", "infer"])
def test_help_does_not_import_torch(script):
    command = [sys.executable, "-X", "importtime", f"scripts/{script}.py", "--help"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert done.returncode == 0
    assert "Example:" in done.stdout and "--checkpoint" in done.stdout
    assert "typer" in imported and not {"torch", "numpy", "matplotlib"} & imported
    assert "\x1b" not in done.stdout
