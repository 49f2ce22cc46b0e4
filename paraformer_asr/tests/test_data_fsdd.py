"""The manifests of the Free Spoken Digit Dataset."""

import pytest
import torch

from src.audio.wav import write_wav
from src.data.fsdd import write_manifests
from src.data.manifest import read_manifest
from src.utils.errors import InputError


def test_the_recordings_below_number_five_are_tested(tmp_path):
    folder = tmp_path / "recordings"
    folder.mkdir()
    names = ["0_theo_0", "9_theo_4", "3_jackson_5", "3_jackson_49", "notes"]
    for name in names:
        write_wav(folder / f"{name}.wav", torch.zeros(800), 8000)
    write_manifests(folder)
    parts = {
        part: [(u.text, u.speaker) for u in read_manifest(tmp_path / f"{part}.jsonl")]
        for part in ("train", "test")
    }
    assert parts == {
        "train": [("three", "jackson"), ("three", "jackson")],
        "test": [("zero", "theo"), ("nine", "theo")],
    }


def test_a_folder_of_something_else_is_refused(tmp_path):
    with pytest.raises(InputError, match="has no recordings for train"):
        write_manifests(tmp_path)
