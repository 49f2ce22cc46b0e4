"""Write down what is said in audio files: text, subtitles, tables, JSON."""

import shlex
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from ..audio.read import stream_audio
from ..metrics.report import speed
from ..training.load import run_folder
from ..utils.cif_picture import LONGEST_S
from ..utils.errors import FaultError, InputError
from ..utils.folders import make_folder
from ..utils.logging import table
from ..utils.plots import write_bytes
from ..utils.run_dir import to_json
from .inputs import Inputs, Recording, list_inputs, read_hotwords, show
from .outputs import WRITERS, clock, one_line, spoken_line
from .recognizer import Recognizer
from .search import ALONE, choose_method
from .targets import MADE_BY, SUMMARY, plan_targets, read_formats, require_own
from .transcript import Segment, Transcript


_NAMED = 5  # files of no audio type that are named one by one
_WIDTH = 44  # characters of a text in the table


def infer(
    checkpoint: Path,
    sources: Sequence[Path],
    out: Path | None = None,
    *,
    formats: str = "txt",
    method: str = "auto",
    hotwords: str = "",
    lm: Path | None = None,
    stream: bool = False,
    device: str = "auto",
    say: Callable[[str], None] | None = None,
    quiet: bool = False,
) -> dict[str, Any]:
    """Transcribe each audio file of `sources`; gives what transcripts.json holds.

    `say` is called with each line as soon as it is known, with `stream` also with what
    a listener would have had before. A file that cannot be read is listed under
    "failures" with the reason, and the others are done. Raises InputError if nothing
    can start, FaultError if nothing can be written.
    """
    chosen = read_formats(formats)
    recognizer = Recognizer.load(checkpoint, device)
    helps = recognizer.helps(read_hotwords(hotwords), lm)
    method = choose_method(method, recognizer.methods, helps != ALONE)
    if stream:
        recognizer.new_stream()  # raises InputError before anything is done
    inputs = list_inputs(sources)
    out = out or (run_folder(checkpoint) or Path()) / "transcripts"
    make_folder(out)
    targets = plan_targets(inputs.recordings, out, chosen)
    earlier = require_own(targets, out)
    summary = _summary(checkpoint, out, inputs, targets, earlier, method)
    _write(out / SUMMARY, to_json(summary, indent=1))  # now what is planned is ours

    def hear(source: Path, on_segment: Callable[[Segment], None]) -> Transcript:
        parts = partial if stream and say else None
        blocks = stream_audio(source)
        return recognizer.transcribe_blocks(blocks, method, helps, on_segment, parts)

    def partial(seconds: float, text: str) -> None:
        say(f"[{clock(round(1000 * seconds), hours=False)}] ... {one_line(text)}")

    with suppress(FaultError):  # warming up is not timed; each file will say the same
        noise, rate = torch.rand(2000) * 0.01, recognizer.sample_rate
        recognizer.transcribe(noise, rate, method=method)
    pairs = list(zip(inputs.recordings, targets, strict=True))
    _transcribe_all(hear, pairs, summary, say, quiet)
    _finish(summary, out)
    return summary


def verdict(summary: dict[str, Any]) -> str:
    """A table of the files, what was left out, where all is, and what to type next."""
    done, failed = summary["transcripts"], summary["failures"]
    others = summary["not_audio"]
    head = f"{len(done)} of {len(done) + len(failed)} done"
    head += f", {len(failed)} failed" if failed else ""
    head += f", {len(others)} not audio" if others else ""
    lines = [_table(done), ""] if done else []
    lines += [head, *(f"note   {note}" for note in summary["notes"])]
    lines += [f"  {show(f['input'])}: {f['reason']}" for f in failed]
    lines += [f"  {show(path)}: not audio, left out" for path in others[:_NAMED]]
    if len(others) > _NAMED:
        lines.append(f"  ... and {len(others) - _NAMED} more; see {SUMMARY}")
    if done:
        total = summary["speed"]
        lines.append(
            f"time   {total['processing_s']:.2f} s for {total['audio_s']:.1f} s of "
            f"audio: RTF {total['rtf']:.4f}, {total['rtfx']:.0f} times as fast as said"
        )
    lines.append(f"saved  {show(summary['out'])}")
    shown = [t for t in done if t["text"] and t["seconds"] <= LONGEST_S]
    if shown and summary["method"].startswith("nar"):  # the others fire no tokens
        lines.append(
            "next   python scripts/explain.py --checkpoint "
            f"{shlex.quote(summary['checkpoint'])} --input "
            f"{shlex.quote(show(shown[0]['input']))}"
        )
    return "\n".join(lines)


def exit_code(summary: dict[str, Any], skip_bad: bool = False) -> int:
    """0 if all were done or `skip_bad`, 1 after a fault of the model, else 2."""
    if not summary["failures"] or (skip_bad and summary["transcripts"]):
        return 0
    return 1 if any(f["kind"] == "fault" for f in summary["failures"]) else 2


def _transcribe_all(
    hear: Callable[..., Transcript],
    pairs: Sequence[tuple[Recording, dict[str, Path]]],
    summary: dict[str, Any],
    say: Callable[[str], None] | None,
    quiet: bool,
) -> None:
    """Each recording in turn, named where there are several."""
    hidden = True if quiet or say else None  # None: hidden where it is no terminal
    say = say or (lambda line: None)
    for recording, files in tqdm(pairs, desc="infer", disable=hidden, leave=False):
        if len(pairs) > 1:
            say(show(recording.path))
        _transcribe(hear, recording, files, summary, say)


def _transcribe(
    hear: Callable[..., Transcript],
    recording: Recording,
    files: dict[str, Path],
    summary: dict[str, Any],
    say: Callable[[str], None],
) -> None:
    """One file, whole or not at all; its failure does not end the others."""
    try:
        said = hear(recording.path, lambda segment: say(spoken_line(segment)))
    except InputError as error:
        summary["failures"].append(_failure(recording.path, str(error), "input"))
        return
    except FaultError as error:
        summary["failures"].append(_failure(recording.path, str(error), "fault"))
        return
    if not said.segments:
        say("(nothing is said)")
    for form, path in files.items():
        _write(path, WRITERS[form](said))
    summary["transcripts"].append(
        {
            "input": str(recording.path),
            "files": {form: str(path) for form, path in files.items()},
            "text": said.text,
            "segments": len(said.segments),
            "confidence": said.confidence,
            "seconds": said.seconds,
            "processing_s": said.processing_s,
            "notes": list(said.notes),
        }
    )


def _summary(
    checkpoint: Path,
    out: Path,
    inputs: Inputs,
    targets: Sequence[dict[str, Path]],
    earlier: Sequence[str],
    method: str,
) -> dict[str, Any]:
    planned = {path: None for files in targets for path in files.values()}
    own = [*(str(path.relative_to(out)) for path in planned), *earlier]
    unreadable = inputs.unreadable.items()
    return {
        "made_by": MADE_BY,
        "checkpoint": str(checkpoint),
        "out": str(out),
        "method": method,
        "targets": list(dict.fromkeys(own)),
        "transcripts": [],
        "failures": [_failure(path, why, "input") for path, why in unreadable],
        "not_audio": [str(path) for path in inputs.others if path not in planned],
    }


def _finish(summary: dict[str, Any], out: Path) -> None:
    done = summary["transcripts"]
    spent, audio = (sum(t[key] for t in done) for key in ("processing_s", "seconds"))
    summary["speed"] = speed(spent, audio)
    counts = Counter(note for transcript in done for note in transcript["notes"])
    summary["notes"] = [
        f"{count} of {len(done)} files: {note}" for note, count in counts.items()
    ]
    _write(out / SUMMARY, to_json(summary, indent=1))


def _table(done: Sequence[dict[str, Any]]) -> str:
    rows = []
    for one in done:
        text = one_line(one["text"])
        short = text if len(text) <= _WIDTH else f"{text[: _WIDTH - 3]}..."
        ratio = speed(one["processing_s"], one["seconds"])["rtf"]
        name = show(one["input"])
        rows.append((name, f"{one['seconds']:.2f} s", f"{ratio:.4f}", short))
    return table(rows, ("audio", "length", "RTF", "text"))


def _failure(path: Path | str, reason: str, kind: str) -> dict[str, str]:
    for shown in (str(path), show(path)):
        reason = reason.removeprefix(f"{shown}: ")
    return {"input": str(path), "reason": reason, "kind": kind}


def _write(path: Path, text: str) -> None:
    """The whole file or none; raises FaultError."""
    try:
        write_bytes(path, text.encode("utf-8", "surrogateescape"))
    except OSError as error:
        why = error.strerror or error
        raise FaultError(f"cannot write {show(path)}: {why}") from None
