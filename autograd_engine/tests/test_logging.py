"""What a person reads: lines on stderr, train.log, tables, and exit codes."""

import logging
import sys
from typing import Annotated

import pytest
import typer

from src.utils import cli
from src.utils.errors import DivergedError, FaultError, InputError
from src.utils.logging import log, log_to_file, start_logging, table


@pytest.fixture(autouse=True)
def as_before():
    yield
    for handler in list(log.handlers):
        log.removeHandler(handler)
        handler.close()
    log.propagate, logging.raiseExceptions = True, True


def test_lines_go_to_stderr_and_to_the_file(tmp_path, capsys):
    start_logging()
    log_to_file(tmp_path / "train.log")
    log.info("step 1 · läuft")
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", "step 1 · läuft\n")
    assert (tmp_path / "train.log").read_text("utf-8").endswith(" step 1 · läuft\n")


@pytest.mark.parametrize(
    "options, shown",
    [({"quiet": True}, ["warning", "error"]), ({"main_process": False}, ["error"])],
)
def test_quiet_leaves_what_must_be_read(capsys, options, shown):
    start_logging(**options)
    for level in ("info", "warning", "error"):
        getattr(log, level)(level)
    assert capsys.readouterr().err.split() == shown


def test_starting_twice_says_everything_once(capsys):
    start_logging()
    start_logging()
    log.info("once")
    assert capsys.readouterr().err == "once\n"


def test_a_table_has_words_left_and_numbers_right():
    assert table([("loss", 0.51234), ("steps", 12)], ("name", "best")).splitlines() == [
        "name     best",
        "loss   0.5123",
        "steps      12",
    ]


def run(command, *arguments: str) -> int:
    sys.argv = ["x.py", *arguments]
    with pytest.raises(SystemExit) as leaving:
        cli.run(command)
    return leaving.value.code


FAULTS = [
    (FaultError("disk full"), 1), (InputError("no such file"), 2),
    (DivergedError("loss is nan"), 3), (typer.Exit(143), 143), (typer.Abort(), 130),
]  # fmt: skip


@pytest.mark.parametrize("fault, code", FAULTS, ids=lambda f: type(f).__name__)
def test_an_expected_fault_is_a_sentence_and_an_exit_code(
    monkeypatch, capsys, fault, code
):
    monkeypatch.setattr(sys, "argv", [])

    def command() -> None:
        raise fault

    assert run(command) == code
    said = capsys.readouterr()
    assert said.out == "" and "Traceback" not in said.err
    assert said.err == ("" if code > 100 else f"{fault}\n")


def test_a_wrong_option_is_a_sentence(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", [])

    def command(
        keys: Annotated[list[str] | None, typer.Argument(metavar="KEY=VALUE")] = None,
    ) -> None: ...

    assert run(command, "--lr", "1") == 2
    said = capsys.readouterr().err
    assert said.startswith("No such option: --lr") and said.count("\n") == 1
    assert "written without dashes: train.epochs=3. See --help" in said
    assert run(command, "lr=1") == 0
