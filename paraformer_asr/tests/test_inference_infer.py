"""`scripts/infer.py`: files, folders, formats, names, streams."""

import json
import os
import subprocess
import sys

import pytest
import torch

from src.audio.wav import write_wav
from src.inference import infer as module
from src.inference.inputs import list_inputs, read_hotwords
from src.inference.outputs import WRITERS
from src.inference.recognizer import Recognizer
from src.utils.errors import InputError
from tests.spoken import RATE, ROOT, call, make_checkpoint, save_sound, sound
from tests.test_inference_recognizer import STREAMING


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


def names_below(folder):
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())


@pytest.mark.spec("ASR-121", "takes files and folders with all below them")
def test_files_and_folders_are_read_in_natural_order_each_once(infer, tmp_path):
    names = ("b10.wav", "b9.wav", "sub/deep/c.WAV", ".hidden.wav", ".git/x.wav")
    for name in names:
        save_sound(tmp_path / "in" / name)
    other = save_sound(tmp_path / "other")
    code, out, err = infer(
        *("--input", other, "--input", tmp_path / "in", other, "--json"),
        *("--out", tmp_path / "out"),
    )
    found = [one["input"] for one in json.loads(out)["transcripts"]]
    below = ("in/b9.wav", "in/b10.wav", "in/sub/deep/c.WAV")
    assert code == 0 and "4 of 4 done" in err
    assert found == [str(tmp_path / name) for name in ("other", *below)]
    assert names_below(tmp_path / "out") == [
        *("b10.txt", "b9.txt", "other.txt", "sub/deep/c.txt", "transcripts.json")
    ]


@pytest.mark.spec("ASR-119", "written as txt, srt, vtt, tsv and strict JSON")
def test_all_formats_hold_what_the_recogniser_says(infer, tmp_path, checkpoint):
    file = save_sound(tmp_path / "a.wav", 3.0)
    code, _, _ = infer("--input", file, "--out", tmp_path / "o", "-f", "all")
    said = Recognizer.load(checkpoint).transcribe_file(file)
    assert code == 0 and said.text
    for name, write in WRITERS.items():
        found = (tmp_path / f"o/a.{name}").read_text(encoding="utf-8")
        if name == "json":
            found, expected = json.loads(found), json.loads(write(said))
            found.pop("processing_s"), expected.pop("processing_s")
            assert found == expected
        else:
            assert found == write(said)


@pytest.mark.spec("ASR-121", "also where names differ only in folder, ending or case")
def test_no_two_transcripts_have_one_name(infer, tmp_path):
    names = ("x/a.wav", "y/a.wav", "y/a.WAV", "y/A.wav", "z/a.flac", "z/a.wav.txt")
    files = [save_sound(tmp_path / n, 0.3 + 0.1 * i) for i, n in enumerate(names)]
    given = [argument for file in files for argument in ("--input", file)]
    code, out, _ = infer(*given, "--out", tmp_path / "o", "--json")
    done = json.loads(out)["transcripts"]
    targets = [one["files"]["txt"] for one in done]
    assert code == 0 and len({t.casefold() for t in targets}) == len(names)
    for one in done:
        with open(one["files"]["txt"], encoding="utf-8") as file:
            assert file.read().strip() == one["text"]


@pytest.mark.spec("ASR-122", "replaces nothing that it has not written itself")
def test_inputs_and_files_of_the_user_are_not_replaced(infer, tmp_path):
    audio = save_sound(tmp_path / "in/a.wav")
    odd = save_sound(tmp_path / "in/b.txt")
    before = odd.read_bytes(), audio.read_bytes()
    given = ("--input", audio, "--input", odd, "--out", tmp_path / "in")
    for _ in range(2):  # the second call may replace what the first has written
        code, _, _ = infer(*given)
        assert code == 0 and (odd.read_bytes(), audio.read_bytes()) == before
    assert names_below(tmp_path / "in") == [
        *("a.txt", "a.wav", "b.txt", "b.txt.txt", "transcripts.json")
    ]
    (tmp_path / "in/a.srt").write_text("mine")
    code, out, err = infer(*given, "-f", "srt")
    assert (code, out) == (2, "") and "a.srt is there and was not written by" in err
    assert (tmp_path / "in/a.srt").read_text() == "mine"


@pytest.mark.spec("ASR-122", "replaces nothing that it has not written itself")
def test_what_calls_long_ago_wrote_is_remembered(infer, tmp_path):
    one, two = save_sound(tmp_path / "in/a.wav"), save_sound(tmp_path / "in/b.wav")
    out = ("--out", tmp_path / "o")
    assert infer("--input", tmp_path / "in", *out, "-f", "txt,srt")[0] == 0
    for audio in (one, two, one):
        assert infer("--input", audio, *out)[0] == 0
    assert infer("--input", two, *out, "-f", "srt")[0] == 0
    (tmp_path / "o/a.srt").unlink()
    assert infer("--input", two, *out)[0] == 0
    (tmp_path / "o/a.srt").write_text("mine")  # no longer what a call wrote
    code, _, err = infer("--input", one, *out, "-f", "srt")
    assert code == 2 and "a.srt is there and was not written by" in err


@pytest.mark.spec("ASR-122", "replaces nothing that it has not written itself")
@pytest.mark.parametrize("content", ["[]", "{}", "mine", '{"made_by": "me"}'])
def test_a_foreign_summary_is_not_replaced(infer, tmp_path, content):
    audio = save_sound(tmp_path / "a.wav")
    (tmp_path / "o").mkdir()
    (tmp_path / "o/transcripts.json").write_text(content)
    code, _, err = infer("--input", audio, "--out", tmp_path / "o")
    assert code == 2 and "transcripts.json is there and was not" in err
    assert (tmp_path / "o/transcripts.json").read_text() == content


def test_a_link_to_an_input_is_not_written_through(infer, tmp_path):
    audio = save_sound(tmp_path / "in/a.wav")
    (tmp_path / "o").mkdir()
    (tmp_path / "o/a.txt").symlink_to(audio)
    before = audio.read_bytes()
    code, _, _ = infer("--input", audio, "--out", tmp_path / "o")
    assert audio.read_bytes() == before and code == 0
    assert (tmp_path / "o/a.wav.txt").exists()


def test_a_recording_named_like_the_summary(infer, tmp_path):
    audio = save_sound(tmp_path / "transcripts.wav")
    code, _, _ = infer("--input", audio, "--out", tmp_path / "o", "-f", "json")
    assert code == 0
    assert json.loads((tmp_path / "o/transcripts.wav.json").read_text())["text"]
    summary = json.loads((tmp_path / "o/transcripts.json").read_text())
    assert summary["made_by"] == "paraformer_asr" and summary["speed"]["rtf"] > 0


@pytest.mark.spec("ASR-124", "a line for each segment as soon as it is known")
def test_stdout_has_a_line_for_each_segment(infer, tmp_path):
    waveform = torch.cat([sound(1.0), torch.zeros(2 * RATE), sound(1.5, 1)])
    write_wav(tmp_path / "a.wav", waveform, RATE)
    code, out, err = infer("--input", tmp_path / "a.wav", "--out", tmp_path)
    summary = json.loads((tmp_path / "transcripts.json").read_text())
    first, second = out.splitlines()
    assert code == 0 and first.startswith("[00:00.") and " --> 00:0" in first
    assert (
        f"{first.split('] ')[1]} {second.split('] ')[1]}"
        == (summary["transcripts"][0]["text"])
    )
    assert "1 of 1 done" in err and "audio" in err.splitlines()[0]
    assert "next   python scripts/explain.py" in err
    _, out, _ = infer("--input", tmp_path / "a.wav", "--out", tmp_path, "--quiet")
    assert out == ""


def test_of_several_files_each_is_named_and_silence_is_said(infer, tmp_path):
    save_sound(tmp_path / "in/b.wav")
    write_wav(tmp_path / "in/a.wav", torch.zeros(0), RATE)
    _, out, err = infer("--input", tmp_path / "in", "--out", tmp_path / "o")
    assert out.splitlines()[:3] == [
        f"{tmp_path}/in/a.wav",
        "(nothing is said)",
        f"{tmp_path}/in/b.wav",
    ]
    assert "2 of 2 done" in err and (tmp_path / "o/a.txt").read_text() == ""


def test_explain_is_suggested_for_a_file_that_it_takes(infer, tmp_path):
    save_sound(tmp_path / "in/a.wav", 30.5)
    write_wav(tmp_path / "in/b.wav", torch.zeros(RATE), RATE)
    write_wav(tmp_path / "in/c.wav", torch.zeros(0), RATE)
    given = ("--input", tmp_path / "in", "--out", tmp_path / "o")
    assert "next " not in infer(*given)[2]
    save_sound(tmp_path / "in/d.wav")
    assert infer(*given)[2].splitlines()[-1].endswith("in/d.wav")


@pytest.mark.spec("ASR-124", "with `--json` the summary and nothing else")
def test_json_is_alone_on_stdout_and_nothing_has_escape_codes(infer, tmp_path):
    save_sound(tmp_path / "in/a.wav")
    (tmp_path / "in/b.wav").write_text("no audio")
    given = ("--input", tmp_path / "in", "--out", tmp_path / "o", "--json")
    code, out, err = infer(*given)
    assert code == 2 and len(json.loads(out)["transcripts"]) == 1
    assert "\x1b" not in out + err and "\r" not in out + err


@pytest.mark.spec("ASR-115", "resampled with a warning that names both rates")
def test_resampling_is_said_and_counted(infer, tmp_path):
    for i, rate in enumerate((RATE, 16_000, 16_000)):
        save_sound(tmp_path / f"in/{i}.wav", rate=rate)
    _, _, err = infer("--input", tmp_path / "in", "--out", tmp_path / "o")
    assert "warning: the audio is resampled from 16000 to 8000 Hz" in err
    assert "note   2 of 3 files: resampled from 16000 to 8000 Hz" in err


def test_hot_words_of_the_line_and_of_a_file(infer, tmp_path):
    (tmp_path / "words.txt").write_text("\ufeff# names\nab  cd\n\nabc\nabc\n", "utf-8")
    assert read_hotwords(str(tmp_path / "words.txt")) == ["ab cd", "abc"]
    assert read_hotwords(" a b,c ,") == ["a b", "c"] and read_hotwords("") == []
    for missing in (str(tmp_path / "no.txt"), "no.txt", str(tmp_path)):
        with pytest.raises(InputError, match="--hotwords"):
            read_hotwords(missing)
    assert read_hotwords("x" * 9999) == ["x" * 9999]
    audio = save_sound(tmp_path / "a.wav")
    given = ("--input", audio, "--out", tmp_path / "o", "--json")
    _, out, _ = infer(*given, "--hotwords", "aaa")
    assert json.loads(out)["method"] == "ctc_beam"
    code, _, err = infer(*given, "--hotwords", "xyz")
    assert code == 2 and "--hotwords: the character 'x'" in err


def test_a_stream_shows_texts_as_they_grow(infer, tmp_path):
    streaming = make_checkpoint(tmp_path / "run", **STREAMING)
    audio = save_sound(tmp_path / "a.wav", 2.0)
    given = ("--input", audio, "--out", tmp_path / "o", "--stream")
    code, out, _ = infer(*given, checkpoint=streaming)
    *partial, last = out.splitlines()
    assert code == 0 and len(partial) > 3 and all("] ... " in p for p in partial)
    assert " --> " in last
    code, out, err = infer(*given)
    assert (code, out) == (2, "") and err.count("\n") == 1


@pytest.mark.parametrize(
    ("option", "words"),
    [
        (("--device", "tpu"), "choose one of auto, cpu, cuda, mps"),
        (("--method", "fast"), "--method fast: this model has auto, nar"),
        (("--format", "doc"), "--format doc: choose from txt, json, srt, vtt, tsv"),
        (("--format", ","), "--format ,: choose from txt"),
        (("--lm", "/nowhere.arpa"), "/nowhere.arpa"),
        (("--input", "/nowhere.wav"), "--input /nowhere.wav: no such file or folder"),
        (("--out", "/proc/nowhere"), "--out /proc/nowhere cannot be written"),
    ],
)
def test_a_wrong_option_is_refused_in_one_sentence(infer, tmp_path, option, words):
    audio = save_sound(tmp_path / "a.wav")
    code, out, err = infer("--input", audio, "--out", tmp_path / "o", *option)
    assert (code, out) == (2, "") and words in err and err.count("\n") == 1


def test_nothing_to_do_is_bad_input(infer, tmp_path):
    code, _, err = infer("--out", tmp_path)
    assert code == 2 and "--input nothing: no audio there" in err
    (tmp_path / "in").mkdir()
    code, _, err = infer("--input", tmp_path / "in", "--out", tmp_path / "o")
    assert code == 2 and "no audio there" in err and not (tmp_path / "o").exists()


def test_a_folder_that_cannot_be_listed_is_named(tmp_path, monkeypatch):
    save_sound(tmp_path / "a.wav")
    (tmp_path / "closed").mkdir()
    listed = os.scandir

    def scandir(path):
        if os.path.basename(path) == "closed":
            raise PermissionError(13, "Permission denied", str(path))
        return listed(path)

    monkeypatch.setattr(os, "scandir", scandir)
    found = list_inputs([tmp_path])
    assert found.unreadable == {
        str(tmp_path / "closed"): "cannot be read (Permission denied)"
    }
    assert len(found.recordings) == 1


def test_what_is_planned_is_ours_also_after_a_kill(infer, tmp_path, monkeypatch):
    save_sound(tmp_path / "in/a.wav")
    save_sound(tmp_path / "in/b.wav")
    given = ("--input", tmp_path / "in", "--out", tmp_path / "o")
    original, seen = module._transcribe, []

    def interrupted(*arguments):
        if seen:
            raise KeyboardInterrupt
        seen.append(original(*arguments))

    monkeypatch.setattr(module, "_transcribe", interrupted)
    with pytest.raises(KeyboardInterrupt):
        module.infer(
            *(make_checkpoint(tmp_path / "run"), [tmp_path / "in"], tmp_path / "o"),
            device="cpu", quiet=True,
        )  # fmt: skip
    assert names_below(tmp_path / "o") == ["a.txt", "transcripts.json"]
    monkeypatch.setattr(module, "_transcribe", original)
    code, _, _ = infer(*given)
    assert code == 0 and len(names_below(tmp_path / "o")) == 3


def test_help_does_not_import_torch():
    command = [sys.executable, "-X", "importtime", "scripts/infer.py", "--help"]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=200
    )
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert done.returncode == 0
    assert "Example:" in done.stdout and "--hotwords" in done.stdout
    assert "typer" in imported and not {"torch", "numpy", "matplotlib"} & imported
