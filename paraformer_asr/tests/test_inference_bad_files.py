"""`scripts/infer.py` and what cannot be heard: listed, counted, exit codes."""

import json
import math
import os
import struct
import wave

import pytest
import torch

from src.inference import infer as module
from src.inference.infer import exit_code
from src.utils import plots
from src.utils.checkpoint import load_checkpoint
from tests.spoken import RATE, call, make_checkpoint, save_sound, sound


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return make_checkpoint(tmp_path_factory.mktemp("run"))


@pytest.fixture
def infer(monkeypatch, capsys, checkpoint):
    """Run the script; gives exit code, stdout, stderr."""

    def infer(*arguments, checkpoint=checkpoint):
        given = ("--checkpoint", checkpoint, "--device", "cpu", *arguments)
        return call(monkeypatch, "infer", *given), *capsys.readouterr()

    return infer


def float_wav(values, rate=RATE):
    """A WAV file of 32-bit floats, which the standard library cannot write."""
    data = struct.pack(f"<{len(values)}f", *values)
    form = struct.pack("<HHIIHH", 3, 1, rate, 4 * rate, 4, 32)
    chunks = b"fmt " + struct.pack("<I", len(form)) + form
    chunks += b"data" + struct.pack("<I", len(data)) + data
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks


def damage(folder):
    """One file of each kind of damage, by name."""
    good = save_sound(folder / "good.wav").read_bytes()
    save_sound(folder / "Ünï côde 漢.wav", 0.2)
    (folder / "cut.wav").write_bytes(good[: len(good) // 2])  # what is there is heard
    (folder / "notes.txt").write_text("notes")
    (folder / "empty.wav").write_bytes(b"")
    (folder / "text.wav").write_text("no audio")
    (folder / "header.wav").write_bytes(good[:20])
    (folder / "rate 0.wav").write_bytes(good[:24] + bytes(4) + good[28:])
    (folder / "lfs.flac").write_text("version https://git-lfs.github.com/spec/v1")
    (folder / "phone.m4a").write_bytes(b"\0\0\0 ftypM4A " + bytes(99))
    (folder / "nan.wav").write_bytes(float_wav([0.0] * 500 + [math.nan] * 9))
    (folder / "infinity.wav").write_bytes(float_wav([math.inf] + [0.0] * 500))
    (folder / "dangling.wav").symlink_to(folder / "nothing.wav")
    (folder / "loop.wav").symlink_to(folder / "loop.wav")
    os.mkfifo(folder / "pipe.wav")
    return {
        *("empty.wav", "text.wav", "header.wav", "rate 0.wav", "lfs.flac"),
        *("phone.m4a", "nan.wav", "infinity.wav", "dangling.wav", "loop.wav"),
        "pipe.wav",
    }


@pytest.mark.spec("ASR-123", "is listed with the reason and the others are done")
@pytest.mark.parametrize("skip", [(), ("--skip-bad",)])
def test_bad_files_are_listed_and_good_ones_done(infer, tmp_path, skip):
    pytest.importorskip("soundfile", reason="reads what is not 16-bit PCM")
    bad = damage(tmp_path / "in")
    code, _, err = infer("--input", tmp_path / "in", "--out", tmp_path / "o", *skip)
    summary = json.loads((tmp_path / "o/transcripts.json").read_text())
    assert code == (0 if skip else 2)
    assert {os.path.basename(f["input"]) for f in summary["failures"]} == bad
    assert all(f["reason"] and f["kind"] == "input" for f in summary["failures"])
    assert len(summary["transcripts"]) == 3
    assert [os.path.basename(p) for p in summary["not_audio"]] == ["notes.txt"]
    assert f"3 of {3 + len(bad)} done, {len(bad)} failed, 1 not audio" in err
    for name in bad:
        start = f"  {tmp_path / 'in' / name}: "
        assert sum(line.startswith(start) for line in err.splitlines()) == 1
    assert "Traceback" not in err
    written = {p.name for p in (tmp_path / "o").iterdir()}
    assert written == {"good.txt", "cut.txt", "Ünï côde 漢.txt", "transcripts.json"}


def test_of_many_other_files_five_are_named(infer, tmp_path):
    save_sound(tmp_path / "in/a.wav")
    for i in range(7):
        (tmp_path / f"in/{i}.txt").write_text("x")
    code, _, err = infer("--input", tmp_path / "in", "--out", tmp_path / "o")
    assert (code, err.count("not audio, left out")) == (0, 5)
    assert "... and 2 more; see transcripts.json" in err


@pytest.mark.spec("ASR-123", "with `--skip-bad` 0 if at least one was done")
def test_skip_bad_does_not_turn_nothing_into_success(infer, tmp_path):
    (tmp_path / "bad.wav").write_text("x")
    given = ("--input", tmp_path / "bad.wav", "--out", tmp_path / "o", "--skip-bad")
    code, out, _ = infer(*given)
    assert (code, out.strip()) == (2, "")


@pytest.mark.spec("ASR-123", "1 where the model failed")
def test_a_model_that_gives_nan_is_a_fault(infer, tmp_path, checkpoint):
    content = load_checkpoint(checkpoint)
    content["model"]["decoder.head.weight"][:] = math.nan
    torch.save(content, tmp_path / "nan.pt")
    audio = save_sound(tmp_path / "a.wav")
    given = ("--input", audio, "--out", tmp_path / "o")
    code, _, err = infer(*given, checkpoint=tmp_path / "nan.pt")
    assert code == 1 and f"  {audio}: the model gives NaN or infinity" in err
    failed = {"input": "a.wav", "reason": "NaN", "kind": "fault"}
    assert exit_code({"failures": [failed], "transcripts": []}) == 1


@pytest.mark.spec("ASR-122", "writes a transcript whole or not at all")
def test_a_full_disk_leaves_no_half_file(infer, tmp_path, monkeypatch):
    audio = save_sound(tmp_path / "a.wav")

    def full(source, target):
        if str(target).endswith(".srt"):
            raise OSError(28, "No space left on device")
        return replace(source, target)

    replace = os.replace
    monkeypatch.setattr(plots.os, "replace", full)
    code, _, err = infer("--input", audio, "--out", tmp_path / "o", "-f", "srt")
    assert code == 1 and "No space left on device" in err
    assert [p.name for p in (tmp_path / "o").iterdir()] == ["transcripts.json"]


@pytest.mark.spec("ASR-113", "clipping and noise give a text or an empty one")
@pytest.mark.parametrize("kind", ["8 bit", "stereo", "24 bit", "float", "fast", "slow"])
def test_wav_files_of_many_kinds_are_heard(infer, tmp_path, kind):
    soundfile = pytest.importorskip("soundfile", reason="writes these files")
    rate = {"fast": 192_000, "slow": 1000}.get(kind, RATE)
    path, waveform = tmp_path / "a.wav", sound(1.0, rate=rate)
    if kind == "8 bit":
        with wave.open(str(path), "wb") as file:
            file.setparams((1, 1, RATE, 0, "NONE", ""))
            file.writeframes(bytes((128 + 127 * waveform.clamp(-1, 1)).byte().tolist()))
    else:
        both = torch.stack([waveform, -0.5 * waveform], 1)
        subtype = {"24 bit": "PCM_24", "float": "FLOAT"}.get(kind, "PCM_16")
        data = (both if kind == "stereo" else waveform).clamp(-1, 1).numpy()
        soundfile.write(path, data, rate, subtype=subtype)
    code, out, _ = infer("--input", path, "--out", tmp_path / "o", "--json")
    (one,) = json.loads(out)["transcripts"]
    assert code == 0 and one["text"] and one["seconds"] == 1.0


def test_a_failure_in_the_middle_of_a_long_file_leaves_no_transcript(infer, tmp_path):
    pytest.importorskip("soundfile", reason="reads 32-bit floats")
    values = [*sound(65).tolist(), math.nan]
    (tmp_path / "a.wav").write_bytes(float_wav(values))
    code, out, err = infer("--input", tmp_path / "a.wav", "--out", tmp_path / "o")
    assert code == 2 and " --> " in out  # what was heard before has been printed
    assert "0 of 1 done, 1 failed" in err and not (tmp_path / "o/a.txt").exists()


def test_text_of_the_failure_is_on_one_line(infer, tmp_path):
    odd = tmp_path / "a\nb.wav"
    odd.write_text("no audio")
    code, _, err = infer("--input", odd, "--out", tmp_path / "o")
    assert code == 2 and "a\\nb.wav" in err
    assert module.show(odd) == repr(str(odd))
