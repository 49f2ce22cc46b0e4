"""This machine: versions, processor, memory, measured speed, and what to set for it.

Every recommendation is measured, none is taken from a name. What the machine "should"
reach is an estimate: cores x clock x operations a cycle. About ten seconds on a quiet
machine; sizes that would take too long are skipped and marked with a dash.
"""

import argparse
import contextlib
import dataclasses
import json
import os
import platform
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tools import advice, machine, speed
from tools.processes import handle_signals, say
from tools.tables import table


HEADS = ("device", "library", "dtype", "threads", "size", "ms", "GFLOP/s", "of peak")


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and show; the exit code."""
    parser = argparse.ArgumentParser(
        prog="tools device_info",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument("--json", action="store_true", help="all of it, for programs")
    kind.add_argument("--markdown", action="store_true", help="the table, for a README")
    given = parser.parse_args(arguments)
    handle_signals()
    try:
        facts = measure()
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130
    if given.json:
        print(json.dumps(to_json(facts), indent=1))
    else:
        print(markdown(facts) if given.markdown else text(facts))
    return 0


def measure() -> dict[str, Any]:
    """Everything that is known of this machine."""
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    limits, cpu = machine.read_limits(), machine.read_cpu()
    facts: dict[str, Any] = {
        "versions": _versions(),
        "cpu": cpu,
        "limits": limits,
        "usable": machine.usable_cpus(cpu, limits),
        "memory": machine.read_memory(limits),
        "load": load,
        "governor": _of_clock("scaling_governor"),
        "driver": _of_clock("scaling_driver"),
        "nvidia": Path("/proc/driver/nvidia/version").exists(),
        "environment": {
            name: value
            for name, value in sorted(os.environ.items())
            if name.startswith((*speed.SLOWING, "OMP_", "CUDA_VISIBLE", "TORCH"))
        },
        **_torch_facts(),
    }
    here = facts["torch_threads"] > 0
    say("measuring: numpy")
    rows = list(speed.numpy_rows(speed.SIZES))
    facts["thread_rates"] = {}
    if here:
        say("measuring: threads")
        rates = facts["thread_rates"] = speed.thread_rates(facts["usable"])
        threads = max(rates, key=rates.__getitem__)
        for device in ["cpu", *([facts["gpu"]["kind"]] if facts["gpu"] else [])]:
            for dtype in ("fp32", "bf16"):
                say(f"measuring: torch {device} {dtype}")
                rows += speed.torch_rows(device, dtype, threads, speed.SIZES)
    say("measuring: memory")
    facts |= {"rows": rows, "bandwidth": speed.bandwidth()}
    if facts["gpu"]:
        copy = speed.gpu_copy(facts["gpu"]["kind"])
        facts["bandwidth"] |= {"gpu": copy, "gpu_peak": advice.gpu_bandwidth(facts)}
    facts["without"] = speed.without_variables(here)
    return facts | {"recommended": advice.recommend(facts)}


def text(facts: dict[str, Any]) -> str:
    """For people."""
    cpu, memory, advised = facts["cpu"], facts["memory"], facts["recommended"]
    limits = facts["limits"]
    share = f", {limits.cpus:g} by its control group" if limits.cpus else ""
    clock = f" at {cpu.mhz / 1000:.2f} GHz" if cpu.mhz else ""
    gpu, moved = facts["gpu"], facts["bandwidth"]
    shown = " ".join(filter(None, [gpu.get("name"), gpu.get("about")]))
    if gpu:
        shown += f"; copies {moved['gpu']:.0f} GB/s"
        shown += f" of {moved['gpu_peak']:.0f}" if moved["gpu_peak"] else ""
    settings = [f"{k}={v}" for k, v in advised["environment"].items()]
    unset = f"\n        unset {' '.join(advised['unset'])}" if advised["unset"] else ""
    warnings = [f"  - {line}" for line in advised["warnings"]] or ["  none"]
    lines = [
        f"python  {', '.join(f'{k} {v}' for k, v in facts['versions'].items())}",
        f"cpu     {cpu.model}, {cpu.physical} cores ({cpu.logical} logical, "
        f"{facts['usable']} for this process{share}){clock}; {' '.join(cpu.features)}",
        f"memory  {memory['total'] / 2**30:.1f} GiB, {memory['available'] / 2**30:.1f} "
        f"available; one thread copies {moved['copy']:.1f} GB/s, triad "
        f"{moved['triad']:.1f} GB/s",
        f"gpu     {shown or 'none that torch can use'}",
        "",
        "product of two square matrices, best of several; peak: cores x clock x "
        "operations a cycle, an estimate with the highest clock that is stated",
        table(HEADS, _cells(facts)),
        "",
        f"take    --device {advised['device']} train.precision={advised['precision']}, "
        f"{' '.join(settings)}{unset}",
        "warnings",
        *warnings,
    ]
    return "\n".join(lines)


def markdown(facts: dict[str, Any]) -> str:
    """The table alone, and what it was measured on."""
    rows = [HEADS, ["---"] * 3 + ["---:"] * 5, *_cells(facts)]
    lines = ["| " + " | ".join(map(str, row)) + " |" for row in rows]
    versions = ", ".join(f"{name} {v}" for name, v in facts["versions"].items())
    cpu = facts["cpu"]
    where = (
        f"{cpu.model}, {facts['usable']} cores, {' '.join(cpu.features)}; {versions}"
    )
    return "\n".join([*lines, "", f"Measured on {where}."])


def to_json(facts: dict[str, Any]) -> dict[str, Any]:
    """Plain values."""
    rows = [
        row._asdict() | {"gflops": row.gflops, "peak": advice.peak(facts, row) or None}
        for row in facts["rows"]
    ]
    plain = {
        "cpu": dataclasses.asdict(facts["cpu"]),
        "limits": dataclasses.asdict(facts["limits"]),
        "rows": rows,
    }
    return facts | plain


def _cells(facts: dict[str, Any]) -> list[list[object]]:
    """A row of the table for each product; a dash for what is skipped or unknown."""
    cells = []
    for row in facts["rows"]:
        name = [row.device, row.library, row.dtype, row.threads or "-", row.size]
        best = advice.peak(facts, row)
        if row.seconds:
            share = f"{100 * row.gflops / best:.0f} %" if best else "-"
            name += [f"{1000 * row.seconds:.1f}", f"{row.gflops:.0f}", share]
        cells.append(name if row.seconds else [*name, "-", "-", "-"])
    return cells


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version(), "numpy": np.__version__}
    blas = speed.numpy_blas()
    found["blas"] = f"{blas.get('name', '?')} {blas.get('version', '')}".strip()
    with contextlib.suppress(ImportError):
        import torch

        found["torch"] = torch.__version__
        built = re.search("BLAS_INFO=(\\w+)", torch.__config__.show())
        found["blas of torch"] = built[1] if built else "?"
    return found


def _torch_facts() -> dict[str, Any]:
    """What torch says of itself and of the GPU; empty where it is absent."""
    try:
        import torch
    except ImportError:
        return {"torch_threads": 0, "torch_level": "", "gpu": {}}
    gpu: dict[str, Any] = {}
    if torch.cuda.is_available():
        one = torch.cuda.get_device_properties(0)
        about = (
            f"{one.total_memory / 2**30:.0f} GiB, capability {one.major}.{one.minor}"
        )
        gpu = {"kind": "cuda", "name": one.name, "memory": one.total_memory}
        gpu |= {"about": f"{about}, CUDA {torch.version.cuda}"}
        gpu |= {"count": torch.cuda.device_count()}
    elif torch.backends.mps.is_available():
        gpu = {"kind": "mps", "name": platform.processor(), "about": "Metal"}
    return {
        "torch_threads": torch.get_num_threads(),
        "torch_level": torch.backends.cpu.get_cpu_capability(),
        "gpu": gpu,
    }


def _of_clock(name: str) -> str:
    path = Path("/sys/devices/system/cpu/cpu0/cpufreq", name)
    return path.read_text().strip() if path.exists() else ""


if __name__ == "__main__":
    sys.exit(main())
