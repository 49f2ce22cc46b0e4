"""What the operating system says of this machine: processor, limits, memory, clock.

The functions that read text are pure, so that other machines can be tried in tests.
"""

import os
import platform
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


WORTH_A_WORD = (
    "avx", "avx2", "fma", "avx512f", "avx512_bf16", "avx512_vnni", "amx_tile",
    "amx_bf16", "asimd", "bf16", "sve",
)  # fmt: skip
"""Features of a processor on which the speed of a matrix product hangs."""
UNLIMITED = 1 << 60
"""Control groups of version 1 say so by a number of this size."""
ARM = {"0x41": "Arm", "0x61": "Apple", "0xc0": "Ampere", "0x51": "Qualcomm"}


@dataclass(frozen=True, slots=True)
class Cpu:
    """One kind of processor; what is not known is empty or 0."""

    model: str = ""
    vendor: str = ""
    family: int = 0
    features: tuple[str, ...] = ()
    """Of WORTH_A_WORD, in that order."""
    mhz: float = 0.0
    logical: int = 0
    physical: int = 0


@dataclass(frozen=True, slots=True)
class Limits:
    """What a container or a job scheduler leaves to us; None: all of it."""

    cpus: float | None = None
    memory: int | None = None


def read_cpu() -> Cpu:
    """This processor."""
    try:
        cpu = parse_cpuinfo(Path("/proc/cpuinfo").read_text(encoding="utf-8"))
    except OSError:
        cpu = _cpu_of_a_mac() if platform.system() == "Darwin" else Cpu()
    highest = Path("/sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq")
    known = {name: getattr(cpu, name) for name in Cpu.__slots__}
    known["model"] = cpu.model or platform.processor() or platform.machine()
    known["logical"] = cpu.logical or os.cpu_count() or 1
    known["physical"] = cpu.physical or known["logical"]
    if highest.exists():
        known["mhz"] = int(highest.read_text()) / 1000
    return Cpu(**known)


def parse_cpuinfo(text: str) -> Cpu:
    """/proc/cpuinfo of x86 or Arm."""
    blocks = [_fields(block) for block in re.split(r"\n\s*\n", text)]
    cores = [block for block in blocks if "processor" in block]
    if not cores:
        return Cpu()
    first = blocks[-1] | cores[0]  # old Arm kernels name the model at the end
    words = first.get("flags", first.get("Features", "")).split()
    maker = ARM.get(first.get("CPU implementer", ""), "")
    arm = f"{maker} part {first.get('CPU part', '?')}" if maker else ""
    placed = {(c.get("physical id"), c["core id"]) for c in cores if "core id" in c}
    return Cpu(
        model=first.get("model name") or first.get("Hardware") or arm,
        vendor=first.get("vendor_id", maker),
        family=int(first.get("cpu family", 0)),
        features=tuple(name for name in WORTH_A_WORD if name in words),
        mhz=float(first.get("cpu MHz", 0)),
        logical=len(cores),
        physical=len(placed) or len(cores),
    )


def flops_a_cycle(cpu: Cpu, dtype: str) -> int:
    """Operations that one core can do in a cycle, 0 if not known: an estimate.

    Two units that multiply and add are assumed, as servers and desktops have; AMD's
    Zen 4 (family 25) does 512 bits in two halves. bf16 has instructions of its own or
    none, and then 0.
    """
    has = set(cpu.features)
    halves = cpu.vendor == "AuthenticAMD" and cpu.family == 25
    if "avx512f" in has:
        fp32 = 32 if halves else 64
    elif {"avx2", "fma"} <= has:
        fp32 = 32
    elif "avx" in has or "asimd" in has:
        fp32 = 16
    else:
        fp32 = 0
    if dtype == "fp32":
        return fp32
    if "amx_bf16" in has:
        return 2048
    return 2 * fp32 if has & {"avx512_bf16", "bf16"} else 0


def usable_cpus(cpu: Cpu, limits: Limits) -> int:
    """Cores that a process here may keep busy."""
    allowed = cpu.logical
    if hasattr(os, "sched_getaffinity"):
        allowed = len(os.sched_getaffinity(0))
    return max(1, min(allowed, int(limits.cpus) if limits.cpus else allowed))


def read_limits(root: Path = Path("/sys/fs/cgroup"), own: str | None = None) -> Limits:
    """The tightest limits of our control groups, version 1 or 2, and those above."""
    if own is None:
        try:
            own = Path("/proc/self/cgroup").read_text(encoding="utf-8")
        except OSError:
            own = ""
    cpus, memory = [], []
    for folder in _groups(root, own):
        quota, *period = _read(folder / "cpu.max").split() or [""]
        if not period:
            quota = _read(folder / "cpu.cfs_quota_us")
            period = [_read(folder / "cpu.cfs_period_us")]
        if quota.isdecimal() and period[0].isdecimal():
            cpus.append(int(quota) / int(period[0]))
        for name in ("memory.max", "memory.limit_in_bytes"):
            if (text := _read(folder / name)).isdecimal() and int(text) < UNLIMITED:
                memory.append(int(text))
    return Limits(min(cpus, default=None), min(memory, default=None))


def read_memory(limits: Limits) -> dict[str, int]:
    """Bytes: total and available, not more than the control group allows."""
    try:
        fields = _fields(Path("/proc/meminfo").read_text(encoding="utf-8"))
        total, free = (
            int(fields[name].split()[0]) * 1024 for name in ("MemTotal", "MemAvailable")
        )
    except (OSError, KeyError):
        total = free = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    most = limits.memory or total
    return {"total": min(total, most), "available": min(free, most)}


def largest_cache() -> int:
    """Bytes of the last level, 32 MiB where it is not said."""
    caches = Path("/sys/devices/system/cpu/cpu0/cache")
    sizes = [_read(path) for path in caches.glob("*/size")]
    units = {"K": 1 << 10, "M": 1 << 20}
    known = [int(text[:-1]) * units[text[-1]] for text in sizes if text[-1:] in units]
    return max(known, default=32 << 20)


def _groups(root: Path, own: str) -> Iterator[Path]:
    for line in own.splitlines():
        _, controllers, path = line.split(":", 2)
        place = Path(path.lstrip("/"))
        for part in (place, *place.parents):  # version 1: a tree for each controller
            yield root / controllers / part


def _cpu_of_a_mac() -> Cpu:
    def ask(name: str) -> str:
        command = ["sysctl", "-n", name]
        return subprocess.run(command, capture_output=True, text=True).stdout.strip()

    arm = platform.machine() == "arm64"
    return Cpu(
        model=ask("machdep.cpu.brand_string"),
        vendor="Apple" if arm else "GenuineIntel",
        features=("asimd",) if arm else ("avx", "avx2", "fma"),
        mhz=int(ask("hw.cpufrequency_max") or 0) / 1e6,
        logical=int(ask("hw.logicalcpu") or 0),
        physical=int(ask("hw.physicalcpu") or 0),
    )


def _fields(text: str) -> dict[str, str]:
    pairs = (line.split(":", 1) for line in text.splitlines() if ":" in line)
    return {name.strip(): value.strip() for name, value in pairs}


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError:
        return ""
