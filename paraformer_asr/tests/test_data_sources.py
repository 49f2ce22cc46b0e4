"""Lists of recordings: what is read from them, and what is refused, by line."""

import json
from collections import Counter

import pytest

from src.data.config import DataConfig
from src.data.kaldi import read_kaldi
from src.data.librispeech import read_librispeech
from src.data.manifest import read_manifest
from src.data.sources import hold_out, load_utterances
from src.data.utterance import Utterance
from src.utils.errors import InputError
from tests.data_files import folder, manifest


def test_a_manifest_is_read(tmp_path):
    path = manifest(
        tmp_path / "m" / "train.jsonl",
        [
            {"audio": "wavs/a.wav", "text": "One", "speaker": "ann"},
            {"audio": "b.wav", "text": "", "start": 1, "end": 2.5, "duration": 1.5},
            {"audio": "/abs/c.flac", "text": "\u4f60", "id": "c-1"},
        ],
    )
    first, second, third = read_manifest(path)
    assert first == Utterance(
        "wavs/a.wav", tmp_path / "m/wavs/a.wav", "One", "ann", where=f"{path}:1"
    )
    assert (second.start, second.end, second.id) == (1.0, 2.5, "b.wav@1-2.5")
    assert (third.id, str(third.audio)) == ("c-1", "/abs/c.flac")


@pytest.mark.spec("ASR-024", "are relative to the manifest")
def test_lines_may_be_empty_and_begin_with_a_mark(tmp_path):
    path = tmp_path / "m.jsonl"
    path.write_bytes(b'\xef\xbb\xbf{"audio": "a.wav", "text": "a"}\r\n\n  \n')
    assert read_manifest(path)[0].audio == tmp_path / "a.wav"


GOOD = '{"audio": "a.wav", "text": "a"}\n'
BAD_LINES = {
    "{": "not JSON",
    "[" * 90_000: "not JSON: nested too deep",
    "[]": "not a JSON object",
    "5": "not a JSON object",
    '{"text": "a"}': 'the key "audio" is missing',
    '{"audio": "a.wav"}': 'the key "text" is missing',
    '{"audio": "", "text": "a"}': 'audio must be a text, got ""',
    '{"audio": null, "text": "a"}': "audio must be a text, got null",
    '{"audio": "a", "text": 5}': "text must be a text, got 5",
    '{"audio": "a", "text": "a", "speaker": 3}': "speaker must be a text, got 3",
    '{"audio": "a", "text": "a", "start": "1"}': "start must be seconds",
    '{"audio": "a", "text": "a", "start": NaN}': "start must be seconds",
    '{"audio": "a", "text": "a", "end": 1e400}': "end must be seconds",
    '{"audio": "a", "text": "a", "start": -1}': "start must be seconds",
    '{"audio": "a", "text": "a", "start": true}': "start must be seconds",
    '{"audio": "a", "text": "a", "start": 2, "end": 1}': "end = 1 s is not behind",
    '{"audio": "a\\u0000b", "text": "a"}': "audio is no path",
    '{"audio": "a", "text": "\\ud83d"}': "text has half a character: '\\ud83d'",
    '{"audio": "a", "text": "a", "id": "x"}\n{"audio": "b", "text": "b", "id": "x"}': (
        "the id 'x' is already that of line 2"
    ),
}


@pytest.mark.spec("ASR-024", "a fault is named with file and line")
@pytest.mark.parametrize("line", BAD_LINES, ids=range(len(BAD_LINES)))
def test_a_bad_line_is_named(line, tmp_path):
    path = tmp_path / "m.jsonl"
    path.write_text(GOOD + line + "\n")
    with pytest.raises(InputError) as caught:
        read_manifest(path)
    said = str(caught.value)
    assert said.startswith(f"{path}:{2 + line.count(chr(10))}: {BAD_LINES[line]}")
    assert len(said) < 400
    assert "\n" not in said


def test_bytes_and_huge_lines_are_named(tmp_path):
    path = tmp_path / "m.jsonl"
    path.write_bytes(GOOD.encode() + b'{"audio": "\xff"}')
    with pytest.raises(InputError, match=r"m\.jsonl:2: byte 12 is not UTF-8"):
        read_manifest(path)
    path.write_bytes(GOOD.encode() + b" " * (1 << 21))
    with pytest.raises(InputError, match=r"m\.jsonl:2: the line has more than"):
        read_manifest(path)
    path.write_text("\n")
    with pytest.raises(InputError, match="no recording in it"):
        read_manifest(path)
    with pytest.raises(InputError, match="No such file"):
        read_manifest(tmp_path / "gone.jsonl")
    with pytest.raises(InputError, match="Is a directory"):
        read_manifest(tmp_path)


def kaldi(root, **files):
    root.mkdir(exist_ok=True)
    for name, text in files.items():
        (root / name.replace("_", ".")).write_text(text)
    return root


@pytest.mark.spec("ASR-025", "`wav.scp` and `text`, with `utt2spk` and `segments`")
def test_a_kaldi_folder_is_read(tmp_path):
    plain = kaldi(
        tmp_path / "plain",
        wav_scp="u1 wavs/my file.wav\nu2 /abs/b.wav\n",
        text="u2 hello  world\nu1\n",
        utt2spk="u1 ann\nu2 bob\n",
    )
    first, second = read_kaldi(plain)
    assert (first.id, first.text, first.speaker) == ("u1", "", "ann")
    assert first.audio == plain / "wavs/my file.wav"
    assert (second.text, second.speaker) == ("hello  world", "bob")
    parts = kaldi(
        tmp_path / "parts",
        wav_scp="r1 a.wav\n",
        text="x yes\ny no\n",
        utt2spk="x ann\ny bob\n",
        segments="y r1 2.5 -1\nx r1 0.0 1.25\n",
    )
    found = {u.id: (u.audio.name, u.start, u.end) for u in read_kaldi(parts)}
    assert found == {"y": ("a.wav", 2.5, 0.0), "x": ("a.wav", 0.0, 1.25)}
    said = [(u.text, u.speaker) for u in read_kaldi(parts)]
    assert said == [("no", "bob"), ("yes", "ann")]


BAD_KALDI = [
    ({"wav_scp": "a sox x.wav -t wav - |\n"}, "wav.scp:1: .* is a command"),
    ({"wav_scp": "a b.wav\nb raw.ark:1234\n"}, "wav.scp:2: .* archive of Kaldi"),
    ({"wav_scp": "a\n"}, "wav.scp:1: 'a' is not of the form: recording path"),
    ({"wav_scp": "a a.wav\na b.wav\n"}, "wav.scp:2: 'a' is already at"),
    ({"wav_scp": ""}, "wav.scp: no line in it"),
    ({"text": "z hello\n"}, "text:1: there is no recording 'z'"),
    ({"segments": "a a 1\n"}, "segments:1: 'a 1' is not of the form"),
    ({"segments": "a q 1 2\n"}, "segments:1: there is no recording 'q'"),
    ({"segments": "a a 3 2\n"}, "segments:1: start = 3 and end = 2"),
    ({"segments": "a a nan 2\n"}, "segments:1: start = nan"),
    ({"segments": "a a 1 inf\n"}, "segments:1: start = 1 and end = inf"),
]


@pytest.mark.spec("ASR-025", "a command in place of a path is refused")
@pytest.mark.parametrize(("files", "said"), BAD_KALDI, ids=range(len(BAD_KALDI)))
def test_bad_kaldi_files_are_named(files, said, tmp_path):
    good = {"wav_scp": "a a.wav\n", "text": "a hello\n"}
    with pytest.raises(InputError, match=said):
        read_kaldi(kaldi(tmp_path / "k", **(good | files)))


@pytest.mark.spec("ASR-026", "`PART/SPEAKER/CHAPTER/*.trans.txt`")
@pytest.mark.parametrize("above", ["", "LibriSpeech"])
def test_librispeech_is_read(tmp_path, above):
    for part, chapter in (("train-clean-100", "19/198"), ("train-other", "7/1")):
        place = tmp_path / above / part / chapter
        place.mkdir(parents=True)
        name = chapter.replace("/", "-")
        (place / f"{name}.trans.txt").write_text(
            f"{name}-0000 HELLO\n{name}-0001 YOU\n"
        )
    found = read_librispeech(tmp_path, "train-clean-100, train-other")
    assert [u.id for u in found] == [
        "19-198-0000",
        "19-198-0001",
        "7-1-0000",
        "7-1-0001",
    ]
    assert found[1].text == "YOU"
    assert found[1].speaker == "19"
    expected = tmp_path / above / "train-clean-100/19/198/19-198-0001.flac"
    assert found[1].audio == expected
    with pytest.raises(InputError, match="dev-clean: no transcripts there"):
        read_librispeech(tmp_path, "dev-clean")


def test_recordings_of_librispeech_may_be_wav_and_lie_beside_their_words(tmp_path):
    place = tmp_path / "part/19/198"
    place.mkdir(parents=True)
    (place / "19-198-0000.wav").touch()
    words = place / "19-198.trans.txt"
    words.write_text("19-198-0000 HELLO\n")
    (found,) = read_librispeech(tmp_path, "part")
    assert found.audio == place / "19-198-0000.wav"
    for name in ("../secret", "a/../../secret", ".hidden", "x" * 101):
        words.write_text(f"{name} HELLO\n")
        with pytest.raises(InputError, match=r"trans\.txt:1: .* is not an id of"):
            read_librispeech(tmp_path, "part")


def config(root, **keys):
    return DataConfig(name="manifest", root=str(root), **keys)


@pytest.mark.spec("ASR-027", "by a hash of the seed and its id")
def test_what_is_held_out_does_not_depend_on_the_rest(tmp_path):
    root = folder(tmp_path, {"train": 60})
    whole = load_utterances(config(root), seed=1)
    held = {u.id for u in whole["val"]}
    lines = (root / "train.jsonl").read_text().splitlines()
    (root / "train.jsonl").write_text("\n".join(reversed(lines[:40])) + "\n")
    fewer = load_utterances(config(root), seed=1)
    kept = {json.loads(line)["audio"] for line in lines[:40]}
    assert {u.id for u in fewer["val"]} == held & kept
    assert {u.id for u in load_utterances(config(root), seed=2)["val"]} != held & kept
    assert 1 <= len(held) <= 14
    assert "test" not in whole


def test_both_parts_have_something():
    for share in (1e-9, 1 - 1e-9):
        rows = [Utterance(str(i), None, "a") for i in range(2)]
        parts = hold_out({"train": rows}, share, 0)
        assert [len(parts[split]) for split in ("train", "val")] == [1, 1]
    with pytest.raises(InputError, match="1 recordings to train on: two are needed"):
        hold_out({"train": rows[:1]}, 0.1, 0)


@pytest.mark.spec("ASR-027", "names of the parts can be given")
def test_parts_by_name(tmp_path):
    root = folder(tmp_path, {"train": 4, "val": 3, "test": 2, "hard": 5})
    usual = load_utterances(config(root), 0)
    assert {split: len(us) for split, us in usual.items()} == {
        "train": 4, "val": 3, "test": 2
    }  # fmt: skip
    named = load_utterances(config(root, test="hard.jsonl"), 0)
    assert len(named["test"]) == 5
    with pytest.raises(InputError, match=r"gone\.jsonl: No such file"):
        load_utterances(config(root, val="gone.jsonl"), 0)
    with pytest.raises(InputError, match="is no folder"):
        load_utterances(config(root / "gone"), 0)


@pytest.mark.spec("ASR-027", "`leave_out_speaker` is only tested on, and alone")
def test_one_speaker_is_left_out(tmp_path):
    root = folder(tmp_path, {"train": 20, "test": 6})
    splits = load_utterances(config(root, leave_out_speaker="bob"), 0)
    who = {split: Counter(u.speaker for u in us) for split, us in splits.items()}
    assert set(who["train"]) == set(who["val"]) == {"ann"}
    assert who["test"] == {"bob": 3}
    apart = folder(tmp_path / "apart", {"train": 4, "val": 4, "test": 4})
    splits = load_utterances(config(apart, leave_out_speaker="bob"), 0)
    assert {u.speaker for u in splits["train"] + splits["val"]} == {"ann"}
    (root / "test.jsonl").unlink()
    splits = load_utterances(config(root, leave_out_speaker="bob"), 0)
    assert Counter(u.speaker for u in splits["test"]) == {"bob": 10}
    with pytest.raises(
        InputError, match="no recording is of that speaker; .* ann, bob"
    ):
        load_utterances(config(root, leave_out_speaker="eve"), 0)
