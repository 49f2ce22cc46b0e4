"""A text that is shown while it is written: whole characters, pipes, Ctrl-C."""

import io
import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import scripts.infer as script
from hypothesis import given
from hypothesis import strategies as st

from src.generation.pieces import text_pieces
from src.inference import report
from src.inference.infer import Wanted, infer
from src.inference.writing import Writing
from src.utils import cli
from src.utils.errors import InputError
from tests.forked import LIMIT
from tests.test_infer import saved  # noqa: F401 (a fixture)


SCRIPT = Path(__file__).resolve().parents[1] / "scripts" / "infer.py"
EACH_BYTE = [bytes([number]) for number in range(256)]


@pytest.mark.spec("SEQ-098", "holds back the bytes of a character until it is whole")
def test_characters_are_shown_when_they_are_whole():
    pieces = list(text_pieces("aé€😀".encode() + b"\xe2\x82", EACH_BYTE))
    assert pieces == ["a", "é", "€", "😀", "\ufffd"]
    assert list(text_pieces([0, 2, 1], [b"\xc3", b"b", b""])) == ["\ufffdb"]


@pytest.mark.spec("SEQ-098", "its pieces together are the text of its tokens")
@given(st.binary(max_size=30))
def test_the_pieces_together_are_the_decoded_text(data):
    assert "".join(text_pieces(data, EACH_BYTE)) == data.decode("utf-8", "replace")


@pytest.mark.spec("SEQ-098", "its pieces together are the text of its tokens")
@pytest.mark.parametrize("name", ["gpt", "lstm", "bytes"])
@pytest.mark.parametrize("draft", [False, True])
def test_a_stream_shows_what_is_written_otherwise(
    saved, tmp_path, capsys, name, draft  # noqa: F811
):  # fmt: skip
    how = Writing(length=30, seed=3, draft=saved(name) if draft else None)
    whole = infer(saved(name), "One", None, tmp_path, how, device="cpu")
    done = infer(saved(name), "One", None, tmp_path, how, Wanted(streamed=True), "cpu")
    shown = capsys.readouterr().out
    assert shown == f"One{whole['texts'][0]['text']}\n"
    assert report.text(done) == ""
    assert (tmp_path / "texts.txt").read_text() == shown


def start(arguments, **options):
    command = [sys.executable, str(SCRIPT), *map(str, arguments)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(command, **pipes, **options)


@pytest.mark.spec("SEQ-098", "Ctrl-C ends it with 130 and what was written is kept")
def test_ctrl_c_keeps_what_was_written(saved, tmp_path):  # noqa: F811
    process = start(
        ["--checkpoint", saved("lstm"), "--out", tmp_path, "--prompt", "One day"]
        + ["--stream", "--length", 2_000_000, "--device", "cpu"],
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        bufsize=0,  # `communicate` would lose what a buffer has read ahead
    )
    try:
        shown = b""
        while len(shown) < 400 and (more := process.stdout.read(400)):
            shown += more
        process.send_signal(signal.SIGINT)
        rest, errors = process.communicate(timeout=LIMIT)
    finally:
        process.kill()
    assert process.returncode == 130 and b"Traceback" not in errors
    kept = (tmp_path / "texts.txt").read_bytes().rstrip(b"\n")
    assert kept.startswith(b"One day") and len(kept) > 400 - 1
    assert (shown + rest).startswith(kept[: len(shown + rest)])


@pytest.mark.spec("SEQ-098", "a reader that has enough ends it quietly with 0")
def test_a_broken_pipe_is_no_fault(saved, tmp_path):  # noqa: F811
    process = start(
        ["--checkpoint", saved("lstm"), "--out", tmp_path, "--stream"]
        + ["--length", 2_000_000, "--device", "cpu"]
    )
    try:
        assert process.stdout.read(100)
        process.stdout.close()
        errors = process.stderr.read()
        assert process.wait(timeout=LIMIT) == 0
    finally:
        process.kill()
        process.stderr.close()
    assert errors.decode().startswith("saved  ")


@pytest.mark.spec("SEQ-102", "`--input -` reads stdin")
def test_a_prompt_comes_from_stdin_and_json_goes_to_stdout(
    saved, tmp_path, monkeypatch, capsys  # noqa: F811
):  # fmt: skip
    given = ["--checkpoint", saved("gpt"), "--input", "-", "--out", tmp_path, "--json"]
    given += ["--length", 9, "--count", 2, "--device", "cpu"]
    monkeypatch.setattr(sys, "argv", ["infer.py", *map(str, given)])
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"Once upon")))
    with pytest.raises(SystemExit) as leaving:
        cli.run(script.command)
    assert leaving.value.code == 0
    done = json.loads(capsys.readouterr().out)
    assert done["prompt"] == "Once upon" and len(done["texts"]) == 2


@pytest.mark.parametrize(
    "how, said",
    [
        ({"count": 2}, "--count 2: --stream writes one text"),
        ({"beam": 2}, "--stream: a beam knows its text only when it ends"),
    ],
)
def test_what_cannot_be_streamed_is_refused(saved, tmp_path, how, said):  # noqa: F811
    with pytest.raises(InputError, match=said):
        infer(
            saved("gpt"), "A", None, tmp_path, Writing(**how), Wanted(streamed=True),
            "cpu",
        )  # fmt: skip
