"""What to set on a machine, and what makes it slow: a function of what was measured."""

from collections.abc import Mapping, Sequence
from typing import Any

from tools.machine import Cpu, flops_a_cycle
from tools.speed import Row


FASTER = 1.2
"""How many times as fast something has to be to be worth a change."""
NEARLY = 0.9
"""Fewer threads are taken that reach this share of the best."""
BUSY = 0.5
"""Load, as a share of the cores, above which figures are too low."""
GPUS = {
    "H200": (66.9, 989.4, 4.8),
    "H100 80GB HBM3": (66.9, 989.4, 3.35),
    "A100 SXM4 80GB": (19.5, 312.0, 2.039),
    "A100 80GB PCIe": (19.5, 312.0, 1.935),
    "A100 SXM4 40GB": (19.5, 312.0, 1.555),
    "A100 PCIE 40GB": (19.5, 312.0, 1.555),
    "L4": (30.3, 121.0, 0.3),
    "RTX 4090": (82.6, 165.2, 1.008),
    "RTX 3090": (35.6, 71.0, 0.936),
}
"""What a name ends with; TFLOP/s in fp32 without TF32 and in bf16 without sparsity, and
TB/s of memory, from data sheets."""
STEADY = ("intel_pstate", "amd-pstate-epp")
"""Drivers of the clock whose normal governor is `powersave`: it holds nothing low."""


def recommend(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Device, precision, threads and environment, each measured; and warnings.

    `facts` is what `device_info.measure` gives.
    """
    rows: Sequence[Row] = facts["rows"]
    device = _device(rows)
    precision = "bf16" if _ratio(rows, device) >= FASTER else "fp32"
    threads = _threads(facts["thread_rates"]) or facts["usable"]
    return {
        "device": device,
        "precision": precision,
        "threads": threads,
        "environment": {"OMP_NUM_THREADS": str(threads)},
        "unset": sorted(_slowing(facts["without"])),
        "warnings": [*_warnings(facts, device)],
    }


def peak(facts: Mapping[str, Any], row: Row) -> float:
    """GFLOP/s that the row should reach at most, 0 if not known: an estimate."""
    if row.device == "cpu":
        cpu: Cpu = facts["cpu"]
        used = min(row.threads, facts["usable"], cpu.physical)
        return used * cpu.mhz / 1000 * flops_a_cycle(cpu, row.dtype)
    return 1000 * _data_sheet(facts)[row.dtype == "bf16"]


def gpu_bandwidth(facts: Mapping[str, Any]) -> float:
    """GB/s that the memory of the GPU should reach at most, 0 if not known."""
    return 1000 * _data_sheet(facts)[2]


def _data_sheet(facts: Mapping[str, Any]) -> tuple[float, float, float]:
    gpu = f" {facts['gpu'].get('name', '').replace('-', ' ')}"
    known = (rates for name, rates in GPUS.items() if gpu.endswith(f" {name}"))
    return next(known, (0.0, 0.0, 0.0))


def _device(rows: Sequence[Row]) -> str:
    """The one with the fastest product of any kind that could be measured."""
    measured = [row for row in rows if row.seconds]
    return max(measured, key=lambda row: row.gflops).device


def _ratio(rows: Sequence[Row], device: str) -> float:
    """Speed of bf16 over that of fp32 at the largest size that has both; 0 if none."""
    rates: dict[int, dict[str, float]] = {}
    for row in rows:
        if row.device == device and row.library == "torch" and row.seconds:
            rates.setdefault(row.size, {})[row.dtype] = row.gflops
    both = [size for size, pair in rates.items() if len(pair) == 2]
    return rates[max(both)]["bf16"] / rates[max(both)]["fp32"] if both else 0.0


def _threads(rates: Mapping[int, float]) -> int:
    good = [n for n, rate in rates.items() if rate >= NEARLY * max(rates.values())]
    return min(good, default=0)


def _slowing(without: Mapping[str, Any] | None) -> set[str]:
    """The variables without which a library was faster."""
    if not without or not any(
        rate >= FASTER * without["with"].get(library, rate)
        for library, rate in without["without"].items()
    ):
        return set()
    return set(without["variables"])


def _warnings(facts: Mapping[str, Any], device: str) -> list[str]:
    cpu, usable, found = facts["cpu"], facts["usable"], []
    if facts["load"] > BUSY * cpu.logical:
        found.append(
            f"other processes keep {min(facts['load'], cpu.logical):.1f} of "
            f"{cpu.logical} cores busy: every figure here is too low; run this again "
            "when they are done"
        )
    if names := _slowing(facts["without"]):
        rates = facts["without"]
        changes = ", ".join(
            f"{library} {rates['with'][library]:.0f} -> {rate:.0f} GFLOP/s"
            for library, rate in rates["without"].items()
        )
        given = ", ".join(
            f"{name}={rates['variables'][name]}" for name in sorted(names)
        )
        found.append(f"the environment slows the products: {given}; without: {changes}")
    given = facts["environment"].get("OMP_NUM_THREADS")
    if given and 0 < facts["torch_threads"] < usable:
        found.append(
            f"torch uses {facts['torch_threads']} of {usable} cores (OMP_NUM_THREADS="
            f"{given})"
        )
    if facts["torch_threads"] > usable:
        found.append(
            f"torch uses {facts['torch_threads']} threads on {usable} cores: they wait "
            f"for each other; set OMP_NUM_THREADS={usable}"
        )
    if usable < cpu.logical:
        found.append(f"of {cpu.logical} cores only {usable} are given to this process")
    if facts["memory"]["available"] < 2 << 30:
        free = facts["memory"]["available"] / 2**30
        found.append(f"only {free:.1f} GiB of memory are free; a larger model may swap")
    wide = {"AVX512": "avx512f", "AVX2": "avx2"}
    lost = [name for name, feature in wide.items() if feature in cpu.features]
    level = facts["torch_level"]
    if lost and level and level != lost[0] and level not in wide:
        found.append(f"torch uses {level} on a processor that has {lost[0]}")
    if 0 < _ratio(facts["rows"], device) < 1 / FASTER:
        found.append("bf16 is slower than fp32 here: train.precision=fp32")
    if facts["governor"] == "powersave" and facts["driver"] not in STEADY:
        found.append("the clock is held low (scaling_governor = powersave)")
    if facts["nvidia"] and not facts["gpu"]:
        found.append("there is an NVIDIA driver, but this torch cannot use a GPU")
    return found
