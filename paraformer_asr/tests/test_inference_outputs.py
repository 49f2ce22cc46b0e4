"""Transcripts as files: times, what must be escaped, empty ones; read back."""

import csv
import io
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.decoding.timestamps import TokenTime
from src.inference.outputs import (
    WRITERS,
    clock,
    spoken_line,
    to_json,
    to_srt,
    to_tsv,
    to_txt,
    to_vtt,
)
from src.inference.transcript import Segment, Transcript


TIME = re.compile(r"(\d+):([0-5]\d):([0-5]\d)[.,](\d{3})")
EMPTY = Transcript("", (), 0.0)


def transcript(*segments):
    made = tuple(Segment(*segment) for segment in segments)
    return Transcript(" ".join(s.text for s in made), made, 5.0, "nar", 0.1)


TWO = transcript((0.0, 1.25, "one two"), (1.5, 3723.9996, "three"))
TIMES = st.floats(0, 360_000)
SEGMENTS = st.lists(st.tuples(TIMES, TIMES, st.text(max_size=12)), max_size=6)


def milliseconds(shown):
    hours, minutes, seconds, rest = map(int, TIME.fullmatch(shown).groups())
    return ((hours * 60 + minutes) * 60 + seconds) * 1000 + rest


def read_cues(blocks):
    """(start, end, text) of blocks of three lines or, in VTT, two."""
    cues = []
    for block in blocks:
        *_, times, text = block.split("\n")
        start, arrow, end = times.split(" ")
        assert arrow == "-->"
        cues.append((milliseconds(start), milliseconds(end), text))
    return cues


def read_srt(text):
    blocks = text.split("\n\n")
    numbers = [block.split("\n")[0] for block in blocks if block]
    assert numbers == [str(i) for i in range(1, len(numbers) + 1)]
    return read_cues(block.rstrip("\n") for block in blocks if block)


def read_vtt(text):
    head, *blocks = text.split("\n\n")
    assert head.rstrip("\n") == "WEBVTT"
    return read_cues(block.rstrip("\n") for block in blocks)


def read_tsv(text):
    lines = text.split("\n")
    assert lines[0] == "start\tend\ttext" and lines[-1] == ""
    rows = csv.reader(io.StringIO(text), delimiter="\t", quoting=csv.QUOTE_NONE)
    next(rows)
    return [(int(start), int(end), said) for start, end, said in rows]


@pytest.mark.spec("ASR-119", "written as txt, srt, vtt, tsv and strict JSON")
def test_each_format():
    assert to_txt(TWO) == "one two\nthree\n"
    assert to_srt(TWO) == (
        "1\n00:00:00,000 --> 00:00:01,250\none two\n\n"
        "2\n00:00:01,500 --> 01:02:04,000\nthree\n"
    )
    assert to_vtt(TWO) == (
        "WEBVTT\n\n00:00:00.000 --> 00:00:01.250\none two\n\n"
        "00:00:01.500 --> 01:02:04.000\nthree\n"
    )
    assert to_tsv(TWO) == ("start\tend\ttext\n0\t1250\tone two\n1500\t3724000\tthree\n")


def test_json_has_all_that_is_known():
    token = TokenTime("one", 0.5, 0.75, 0.9)
    said = Transcript("one", (Segment(0.5, 0.75, "one", (token,), 0.9),), 2.0, "ctc")
    found = json.loads(to_json(said))
    assert found["text"] == "one" and found["seconds"] == 2 and found["method"] == "ctc"
    assert found["segments"] == [
        {
            **{"start_s": 0.5, "end_s": 0.75, "text": "one", "confidence": 0.9},
            "tokens": [
                {"token": "one", "start_s": 0.5, "end_s": 0.75, "confidence": 0.9}
            ],
        }
    ]


@pytest.mark.spec("ASR-119", "all are valid for an empty one too")
def test_empty_transcripts():
    found = {name: write(EMPTY) for name, write in WRITERS.items()}
    assert found["txt"] == found["srt"] == ""
    assert found["vtt"] == "WEBVTT\n" and found["tsv"] == "start\tend\ttext\n"
    assert json.loads(found["json"])["confidence"] is None
    silent = transcript((0.0, 1.0, " "), (1.0, 2.0, ""))
    assert to_srt(silent) == "" and to_vtt(silent) == "WEBVTT\n"


@pytest.mark.spec("ASR-120", "whole milliseconds that never run back")
@pytest.mark.spec("ASR-120", "no text can break a cue, a row or a tag")
@given(SEGMENTS)
def test_whatever_is_said_can_be_read_back(segments):
    said = transcript(*segments)
    cues = read_srt(to_srt(said))
    assert len(cues) == len(read_vtt(to_vtt(said))) == len(read_tsv(to_tsv(said)))
    assert [c[:2] for c in cues] == [c[:2] for c in read_vtt(to_vtt(said))]
    earliest = 0
    for start, end, _ in cues:
        assert earliest <= start < end
        earliest = end
    for _, _, text in cues + read_tsv(to_tsv(said)):
        assert text == " ".join(text.split()) != ""
    assert all("<" not in t and ">" not in t for *_, t in read_vtt(to_vtt(said)))
    json.loads(to_json(said), parse_constant=pytest.fail)
    for write in WRITERS.values():
        write(said).encode("utf-8", "surrogateescape")


@pytest.mark.spec("ASR-120", "no text can break a cue, a row or a tag")
def test_what_would_break_a_format_is_escaped():
    said = transcript((0.0, 1.0, "a --> b\n\n2\t<i>c</i> & d\r\x0be\u2028\x00f"))
    assert read_srt(to_srt(said))[0][2] == "a -> b 2 <i>c</i> & d e f"
    assert read_tsv(to_tsv(said))[0][2] == "a --> b 2 <i>c</i> & d e f"
    (cue,) = read_vtt(to_vtt(said))
    assert cue[2] == "a --&gt; b 2 &lt;i&gt;c&lt;/i&gt; &amp; d e f"
    assert to_txt(said).count("\n") == 1


def test_times_are_rounded_not_cut_and_hours_go_on():
    assert clock(0) == "00:00:00.000" and clock(360_000_000) == "100:00:00.000"
    assert clock(61_001, hours=False) == "01:01.001"
    assert clock(3_600_000, hours=False) == "01:00:00.000"
    line = spoken_line(Segment(0.0, 2.0006, "one\ntwo"))
    assert line == "[00:00.000 --> 00:02.001] one two"
