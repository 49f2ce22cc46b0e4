"""Paths, names and files that a hurried person gives, and what each command says."""

import errno
from dataclasses import replace

import numpy as np
import pytest
import torch

from src.data import AugmentConfig, DataConfig, build_datasets
from src.data.labels import check_names
from src.inference.infer import verdict
from src.inference.predictor import load_predictor
from src.inference.report import next_commands
from src.inference.splits import open_split
from src.losses import LossConfig
from src.models import ModelConfig
from src.training.task import build
from src.utils import cli
from src.utils.errors import InputError
from src.utils.folders import make_folder
from tests.checkpoints import CONFIG, make_checkpoint


@pytest.mark.spec("CNN-172", "an expected error is one sentence without a traceback")
@pytest.mark.parametrize("number", [errno.ENAMETOOLONG, errno.EACCES, errno.EROFS])
def test_a_path_that_the_system_refuses_is_bad_input(monkeypatch, capsys, number):
    def command(value: str = "") -> None:
        raise OSError(number, "Refused", "x" * 300)

    monkeypatch.setattr("sys.argv", ["command"])
    with pytest.raises(SystemExit) as end:
        cli.run(command)
    said = capsys.readouterr().err
    assert end.value.code == 2 and said.count("\n") == 1
    assert f"{'x' * 300}: Refused" in said


def test_another_fault_of_the_system_is_not_hidden(monkeypatch):
    def command(value: str = "") -> None:
        raise OSError(errno.EIO, "Input/output error", "disk")

    monkeypatch.setattr("sys.argv", ["command"])
    with pytest.raises(OSError, match="Input/output"):
        cli.run(command)


def test_a_folder_below_a_file_or_read_only_is_refused(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError, match="cannot be written: Not a directory"):
        make_folder(tmp_path / "file" / "below")
    monkeypatch.setattr("os.access", lambda path, mode: False)
    with pytest.raises(InputError, match="it is read-only. Choose another"):
        make_folder(tmp_path / "new")


@pytest.mark.parametrize("script", ["cross_validate", "find_lr"])
def test_a_place_for_results_is_tried_before_the_time_is_spent(
    script, tmp_path, monkeypatch
):
    from src.training import cross_validate, lr_finder

    def spent(*_):
        raise AssertionError("trained although nothing can be written")

    monkeypatch.setattr(cross_validate, "train", spent)
    monkeypatch.setattr(lr_finder, "range_test", spent)
    (tmp_path / "file").write_text("x")
    (tmp_path / "c.yaml").write_text("data: {toy: {size: 16, n_train: 16, n_val: 8}}")
    given = (tmp_path / "c.yaml", ["model.widths=[4, 4]"])
    with pytest.raises(InputError, match="--out .*file/x cannot be written"):
        if script == "find_lr":
            lr_finder.find_lr(*given, 1e-4, 1.0, 10, tmp_path / "file" / "x", "cpu")
        else:
            cross_validate.cross_validate(*given, 2, out=tmp_path / "file" / "x")


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (("cat",), "has one class .cat.; a classifier needs two"),
        (("a", "b", "a"), "class 2 is named as a, which another has"),
        (("a", " "), "class 1 is named with ''"),
    ],
)
def test_classes_that_cannot_be_told_apart_are_refused(names, said, tmp_path):
    with pytest.raises(InputError, match=said):
        check_names("x.npz", names)
    images = np.zeros((12, 8, 8), np.uint8)
    path, labels = tmp_path / "x.npz", np.arange(12) % len(names)
    np.savez(path, x_train=images, y_train=labels, class_names=np.array(names))
    with pytest.raises(InputError, match=said):
        build_datasets(DataConfig("npz", str(path)), AugmentConfig(), 0)


def test_files_that_changed_are_seen_with_the_normalisation_of_the_training(tmp_path):
    path = make_checkpoint(tmp_path)
    trained = load_predictor(path)
    moved = tuple(value + 0.25 for value in trained.info.mean)
    predictor = replace(trained, info=replace(trained.info, mean=moved))
    found = open_split(predictor, "val").dataset
    pixels = found.images[torch.tensor([3])].float() / 255
    shown = predictor.info.normalise(pixels)[0]
    assert torch.allclose(found[(0, 3)]["image"], shown, atol=1e-5)


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (MemoryError("Unable to allocate 9 PiB"), 1),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: 36 bytes"), 1),
        (OSError(errno.ENOSPC, "No space left on device"), 1),
        (RuntimeError("shapes do not fit"), None),
    ],
)
def test_memory_or_disk_that_runs_out_is_a_sentence_and_other_faults_are_not_hidden(
    fault, code, monkeypatch, capsys
):
    def command(value: str = "") -> None:
        raise fault

    monkeypatch.setattr("sys.argv", ["command"])
    with pytest.raises(SystemExit if code else RuntimeError) as end:
        cli.run(command)
    if code:
        assert end.value.code == code
        what = "disk full. Free" if isinstance(fault, OSError) else "out of memory. Ask"
        assert capsys.readouterr().err.startswith(what)


def test_the_next_command_can_be_typed_where_paths_have_spaces():
    path = "my runs/best.pt"
    said = next_commands({"checkpoint": path, "worst": [], "split": "test"})
    assert said.count("--checkpoint 'my runs/best.pt' --input") == 2
    empty = {"failures": [], "not_images": [], "notes": [], "files": {}}
    said = verdict({"checkpoint": path, "images": [{"input": "a b.png"}], **empty})
    assert said.endswith("--checkpoint 'my runs/best.pt' --input 'a b.png'")


@pytest.mark.parametrize("sam_rho", [0.0, 0.1])
def test_a_batch_too_small_for_batch_norm_is_bad_input(sam_rho):
    config = replace(CONFIG, model=ModelConfig("fast_cnn", widths=(4, 4, 4)))
    setup = build(replace(config, loss=LossConfig(sam_rho=sam_rho)))
    batch = setup.datasets["train"].__getitems__([(0, 0)])
    with pytest.raises(InputError, match="batch_size: batch norm finds one value"):
        setup.task.loss(setup.model.train(), batch, 0.0)
