"""What fetch writes is read by the commands that it shows, in the sub-projects."""

import json
import os
import re
import shlex
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from tools import fetch as module
from tools.datasets import DATASETS
from tools.fetch import main
from tools.layouts import place_chapters, place_pets, separate_stories, split_pets
from tools.projects import ROOT
from tools.tests.fake import write
from tools.tests.packing import pack, stand_in
from tools.tests.serving import files, serving


# Runs several commands of a sub-project in one process: torch is imported once.
DRIVER = """
import json, runpy, sys
for words in json.loads(sys.argv[1]):
    print("$", *words, flush=True)
    sys.argv = words
    try:
        if words[0] == "-m":
            del sys.argv[0]
            runpy.run_module(words[0], run_name="__main__", alter_sys=True)
        else:
            runpy.run_path(words[0], run_name="__main__")
    except SystemExit as end:
        if end.code:
            raise
"""
QUICK = {
    "vision_cnn": ["data.batch_size=4", "train.precision=fp32"],
    "unet_transformer_seg": ["data.batch_size=1", "model.width=4"],
    "paraformer_asr": ["data.batch_frames=400"],
    "sequence_models": ["data.batch_size=2"],
}
LINES = {  # what the sub-projects say of the made-up data
    "vision_cnn": ["idx 280 train / 20 val", "Sneaker", "cifar 290 train", "(100)"],
    "unet_transformer_seg": ["folder 5 train / 1 val · classes background, pet"],
    "paraformer_asr": ["30 recordings", "manifest", "librispeech 6 train / 6 val"],
    "sequence_models": ["text 22,320 train", "documents"],
    "autograd_engine": ["idx 270 train", "text 8000 train"],
}


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    """Every data set fetched; sub-project -> the commands that were shown for it."""
    folder, commands = tmp_path_factory.mktemp("data sets"), {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("no_proxy", "127.0.0.1")
        patch.setattr("urllib.request._opener", None)
        for name in DATASETS:
            patch.setitem(module.DATASETS, name, stand_in(name, pack(name)))
            target = folder / name
            with serving(files(pack(name))) as server:
                code = main([name, "--to", str(target), "--from", server.url])
            assert code == 0
            text = module.next_commands(DATASETS[name], target)
            for project, *lines in map(str.splitlines, text.split("next, in ")[1:]):
                commands.setdefault(project.rstrip("/:"), []).extend(lines)
    return folder, commands


@pytest.mark.spec("WSP-186", "read by the commands of the sub-projects that are shown")
@pytest.mark.parametrize("project", LINES)
def test_the_sub_project_reads_it(project, shown):
    runs = []
    for line in shown[1][project]:
        python, *words = shlex.split(line)
        assert python == "python"
        if words[0].endswith("train.py"):
            words += [*QUICK.get(project, []), "--dry-run"]
        if not words[0].endswith("eval.py"):
            runs.append(words)
    command = [sys.executable, "-W", "ignore", "-c", DRIVER, json.dumps(runs)]
    env = {**os.environ, "OMP_NUM_THREADS": "1", "JAXTYPING_DISABLE": "1"}
    done = subprocess.run(
        command, cwd=ROOT / project, env=env, text=True, capture_output=True
    )
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    assert said.count("loss of the first batch") == sum("--dry-run" in r for r in runs)
    for line in LINES[project]:
        assert line in said


@pytest.mark.spec("WSP-186", "commands of the sub-projects")
def test_the_other_commands_have_options_that_exist(shown):
    (line,) = (line for line in shown[1]["unet_transformer_seg"] if "eval.py" in line)
    command = [sys.executable, "scripts/eval.py", "--help"]
    text = subprocess.check_output(
        command, cwd=ROOT / "unet_transformer_seg", text=True
    )
    assert {*re.findall("--[a-z]+", line)} <= {*re.findall("--[a-z]+", text)}


@pytest.mark.spec("WSP-198", "Pets are laid out by the official split")
def test_pets_have_their_official_split_and_masks(shown):
    folder = shown[0] / "oxford_pet"
    parts = {
        "trainval": [f"Abyssinian_{i}" for i in range(6)],
        "test": ["beagle_0", "beagle_1"],
    }
    for part, names in parts.items():
        for kind, suffix in (("images", ".jpg"), ("masks", ".png")):
            found = sorted(path.name for path in (folder / part / kind).iterdir())
            assert found == [f"{name}{suffix}" for name in names]
    mask = np.array(Image.open(folder / "trainval/masks/Abyssinian_0.png"))
    assert set(np.unique(mask)) == {1, 2, 3} and mask.dtype == np.uint8


@pytest.mark.spec("WSP-198", "what cannot be read is left out and named")
def test_what_is_no_picture_is_named(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    packed = pack("oxford_pet")
    monkeypatch.setitem(module.DATASETS, "oxford_pet", stand_in("oxford_pet", packed))
    with serving(files(packed)) as server:
        main(["oxford_pet", "--to", str(tmp_path / "a"), "--from", server.url])
    said = "trainval 6, test 2; without a readable picture and mask: Egyptian_Mau_1"
    assert said in capsys.readouterr().err


@pytest.mark.spec("WSP-198", "what cannot be read is left out and named")
def test_a_picture_without_a_mask_is_named(tmp_path):
    masks = {"a": "\x89PNG", "b": "no mask", "c": None}
    for name, mask in masks.items():
        write(tmp_path / f"images/{name}.jpg", "").write_bytes(b"\xff\xd8\xff")
        if mask is not None:
            write(tmp_path / f"masks/{name}.png", "").write_bytes(
                mask.encode("latin-1")
            )
    write(tmp_path / "masks" / "d.png", "")
    write(tmp_path / "trainval.txt", "# a list\na 1 1\nb 1 1\nc 1 1\n")
    write(tmp_path / "test.txt", "")
    said = "trainval 1, test 0; without a readable picture and mask: b, c"
    assert split_pets(tmp_path) == said


def test_what_is_not_needed_has_no_place():
    assert place_pets("annotations/trimaps/._beagle_1.png") is None
    assert place_chapters("LibriSpeech/speakers.txt") is None
    assert place_chapters("LibriSpeech/dev-clean-2/84/1/84-1.trans.txt")


@pytest.mark.spec("WSP-198", "stories end with an empty line and have none inside")
def test_stories_are_documents(tmp_path):
    end = "<|endoftext|>\n"
    text = f"A.\r\n\r\n \nB “b”.\n{end}\n{end}C.\n\n\nD.\n{end}"
    (tmp_path / "x.txt").write_bytes(text.encode())
    assert separate_stories(tmp_path) == "2 stories"
    assert (tmp_path / "x.txt").read_bytes() == "A.\nB “b”.\n\nC.\nD.\n".encode()


def test_the_path_of_a_command_is_from_the_folder_where_it_is_typed():
    text = module.next_commands(DATASETS["mnist"], ROOT / "data" / "mnist")
    assert "data.root=../data/mnist" in text


@pytest.mark.parametrize(
    "arguments, said",
    [
        ([], "which data set? There are mnist"),
        (["cifar"], "did you mean cifar10?"),
        (["mnist", "--from", "file:///etc"], "must begin with http"),
        (["mnist", "--from", "http://[x"], "must begin with http"),
        (["mnist", "--from", "http://"], "and name a server"),
        (["mnist", "--from", "http://a b/"], "is no address"),
        (["mnist", "--from", "http://host:port/"], "is no address"),
        (["mnist", "--to", "/dev/null/x"], "cannot be made (Not a directory)"),
    ],
)
def test_bad_input_is_one_sentence(arguments, said, capsys):
    assert main(arguments) == 2
    err = capsys.readouterr().err
    assert said in err and err.count("\n") == 1
