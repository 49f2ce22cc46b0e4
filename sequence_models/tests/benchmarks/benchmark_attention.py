"""Time and memory of the three forms of attention, forward and backward.

    python tests/benchmarks/benchmark_attention.py --json attention.json
    python tests/benchmarks/benchmark_attention.py --picture docs/attention_memory.png

Causal, batch 1, 2 heads of 32, float32. Memory is what the system gave: the highest
resident size of a process of its own for each form and length, less what it was after a
warm-up (Linux: VmHWM, reset before). Time is the CPU's, of the same call. For short
rows, where a call takes milliseconds, the forms then take turns in one process; only
these ratios travel between machines.
"""

import argparse
import json
import sys
import time
from math import log2
from multiprocessing import get_context
from pathlib import Path

import torch


sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from src.models.attention import attention_explicit, attention_sdpa
from src.models.masks import Mask
from src.models.tiled_attention import tiled_attention
from src.utils.contracts import disable_contracts
from tests.benchmarks.measure import device_info, interleave
from tests.benchmarks.rows import ratio_row


FORMS = {
    "explicit": attention_explicit,
    "sdpa": attention_sdpa,
    "tiled": tiled_attention,
}
RIVALS = {"explicit": "explicit attention", "sdpa": "torch's SDPA"}
LENGTHS = (256, 512, 1024, 2048, 4096, 8192)
SHORT = (256, 1024)
HEADS, HEAD_DIM = 2, 32
MIB = 2**20


def main(arguments: list[str] | None = None) -> int:
    options = parse(arguments)
    disable_contracts()
    torch.set_num_threads(1)
    alone = {
        form: {str(n): in_child(form, n) for n in LENGTHS if n <= options.longest}
        for form in FORMS
    }
    turns = {str(n): interleave(steps(n), options.rounds) for n in SHORT}
    result = {"device": device_info(), "alone": alone, "in_turns": turns}
    result["rows"] = ratio_rows(alone, turns)
    show(result)
    if options.json:
        Path(options.json).write_text(json.dumps(result, indent=2) + "\n")
    if options.picture:
        draw(alone, Path(options.picture))
    return 0


def ratio_rows(alone: dict, turns: dict) -> list[dict]:
    """Tiled attention beside the others: the longest alone, short ones in turns."""
    longest = list(alone["tiled"])[-1]
    quantities = {"mib": "memory", "cpu_s": "CPU time"}
    rows = [(longest, name, key, alone) for name in RIVALS for key in quantities] + [
        (n, "sdpa", "cpu_s", None) for n in turns
    ]
    found = []
    for n, name, key, table in rows:
        ours, theirs = (
            table[form][n][key] if table else turns[n][form][key]
            for form in ("tiled", name)
        )
        words = f"tiled attention, {n} tokens"
        found.append(ratio_row(words, RIVALS[name], ours, theirs, quantities[key]))
    return found


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--longest", type=int, default=8192, help="tokens (8192)")
    parser.add_argument("--rounds", type=int, default=9, help="timed rounds (9)")
    parser.add_argument("--json", metavar="PATH", help="write all figures here")
    parser.add_argument("--picture", metavar="PATH", help="draw memory and time")
    return parser.parse_args(arguments)


def in_child(form: str, length: int) -> dict[str, float]:
    """One form at one length in a process of its own."""
    with get_context("fork").Pool(1) as pool:
        return pool.apply_async(measure, (form, length)).get(timeout=900)


def measure(form: str, length: int) -> dict[str, float]:
    """MiB above what a warm process has, and CPU seconds."""
    for _ in range(3):
        step(FORMS[form], *inputs(64))
    before = resident("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # forget the highest so far
    started = time.process_time()
    step(FORMS[form], *inputs(length))
    seconds = time.process_time() - started
    return {"mib": (resident("VmHWM") - before) / MIB, "cpu_s": seconds}


def resident(field: str) -> int:
    """Bytes of this process: VmRSS now, VmHWM at most."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) * 1024
    raise ValueError(f"/proc/self/status has no {field}")


def inputs(length: int) -> list[torch.Tensor]:
    torch.manual_seed(0)
    size = 1, HEADS, length, HEAD_DIM
    return [torch.randn(size, requires_grad=True) for _ in range(3)]


def step(form, *tensors: torch.Tensor) -> None:
    form(*tensors, Mask(causal=True)).sum().backward()


def steps(length: int) -> dict:
    tensors = inputs(length)
    return {
        name: lambda form=form: step(form, *tensors) for name, form in FORMS.items()
    }


def show(result: dict) -> None:
    alone, rows = result["alone"], list(result["alone"]["tiled"])
    print(f"{'tokens':>6}" + "".join(f"{name:>22}" for name in FORMS))
    for n in rows:
        cells = (alone[name][n] for name in FORMS)
        text = (f"{c['mib']:>10.1f} MiB {c['cpu_s']:>6.2f} s" for c in cells)
        print(f"{n:>6} " + " ".join(text))
    if len(rows) > 2:
        for name in FORMS:
            first, last = (alone[name][n]["mib"] for n in (rows[-3], rows[-1]))
            power = log2(last / first) / 2
            print(f"memory of {name} grows as length ** {power:.2f} (the last three)")
    for n, turns in result["in_turns"].items():
        base = turns["explicit"]["cpu_s"]
        for name, row in turns.items():
            ratio = base / row["cpu_s"]
            print(f"{n} tokens, {name}: {row['cpu_s'] * 1e3:.1f} ms, {ratio:.2f} times")


def draw(alone: dict, path: Path) -> None:
    from src.utils.plots import LINES, new_figure, save_figure

    figure = new_figure(9, 3.8)
    panels = figure.subplots(1, 2)
    titles = {"mib": "memory, MiB", "cpu_s": "time, CPU seconds"}
    for panel, (key, title) in zip(panels, titles.items(), strict=True):
        for color, marker, name in zip(LINES, "so^", FORMS, strict=False):
            rows = alone[name]
            lengths = [int(n) for n in rows]
            values = [row[key] for row in rows.values()]
            panel.plot(lengths, values, color=color, marker=marker, label=name)
        panel.set_xscale("log", base=2)
        panel.set_yscale("log")
        panel.set_xticks(lengths, [str(n) for n in lengths])
        panel.minorticks_off()
        panel.set_xlabel("tokens")
        panel.set_title(title)
        panel.grid(alpha=0.3)
    panels[0].legend()
    figure.suptitle("Attention, forward and backward")
    save_figure(figure, path)


if __name__ == "__main__":
    raise SystemExit(main())
