"""Samples of a program, added up by phase and along the time."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple


PHASES = (
    "import", "data", "forward", "backward", "optimiser", "evaluation", "writing",
    "rest",
)  # fmt: skip
SLICES = 200  # of the time, at most


class Sample(NamedTuple):
    """The program at one moment; all since its start."""

    seconds: float
    cpu: float  # seconds, of all threads
    memory: int  # KiB
    own: float  # CPU-seconds of the profiler
    phase: str


@dataclass(slots=True)
class Phase:
    """What a phase took."""

    seconds: float = 0.0
    cpu: float = 0.0
    peak: int = 0  # KiB


@dataclass(slots=True)
class Slice:
    """A part of the time: what it was spent on, and the memory at most."""

    start: float
    end: float
    memory: int = 0  # KiB
    phases: dict[str, float] = field(default_factory=dict)  # seconds


@dataclass(frozen=True, slots=True)
class Profile:
    """A program from its start to its end."""

    seconds: float
    samples: list[Sample]
    peak: int  # KiB at most
    gpu: int  # KiB at most in tensors
    phases: dict[str, Phase] = field(default_factory=dict)

    @property
    def cpu(self) -> float:
        return self.samples[-1].cpu

    @property
    def own(self) -> float:
        return self.samples[-1].own

    def slices(self) -> list[Slice]:
        """The time in parts of about equal length, of whole samples."""
        made, before = [Slice(0.0, 0.0)], 0.0
        for sample in self.samples:
            if made[-1].end - made[-1].start >= self.seconds / SLICES:
                made.append(Slice(before, before))
            now, took = made[-1], sample.seconds - before
            now.end = before = sample.seconds
            now.memory = max(now.memory, sample.memory)
            now.phases[sample.phase] = now.phases.get(sample.phase, 0.0) + took
        return made

    def to_dict(self) -> dict[str, Any]:
        """Plain values: seconds and MiB."""
        phases = {
            name: {
                "seconds": round(phase.seconds, 3),
                "cpu_seconds": round(phase.cpu, 3),
                "peak_mib": round(phase.peak / 1024, 1),
            }
            for name, phase in self.phases.items()
        }
        return {
            "seconds": round(self.seconds, 3),
            "cpu_seconds": round(self.cpu, 3),
            "peak_mib": round(self.peak / 1024, 1),
            "peak_gpu_mib": round(self.gpu / 1024, 1),
            "profiler_cpu_seconds": round(self.own, 3),
            "samples": len(self.samples),
            "phases": phases,
            "memory": [
                [round(part.end, 2), round(part.memory / 1024, 1)]
                for part in self.slices()
            ],
        }


def read_samples(path: Path, seconds: float) -> Profile | None:
    """The profile in a file of `profile_child.py`; None if it holds no sample.

    The time since the last sample is that sample's. What lies between the last one and
    the end of the process is the rest.
    """
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    rows = [line.split() for line in text.splitlines()]
    samples = [_sample(*row) for row in rows if len(row) == 5]
    if not samples:
        return None
    most = {"peak": 0, "gpu": 0} | {
        row[0]: int(row[1]) for row in rows if len(row) == 2
    }
    most["peak"] = max(most["peak"], *(sample.memory for sample in samples))
    profile = Profile(seconds, samples, **most)
    profile.phases.update({name: Phase() for name in PHASES})
    last = Sample(0.0, 0.0, 0, 0.0, "")
    for sample in samples:
        phase = profile.phases[sample.phase]
        phase.seconds += sample.seconds - last.seconds
        phase.cpu += sample.cpu - last.cpu
        phase.peak = max(phase.peak, sample.memory)
        last = sample
    profile.phases["rest"].seconds += max(seconds - last.seconds, 0.0)
    return profile


def _sample(seconds: str, cpu: str, memory: str, own: str, phase: str) -> Sample:
    return Sample(float(seconds), float(cpu), int(memory), float(own), phase)
