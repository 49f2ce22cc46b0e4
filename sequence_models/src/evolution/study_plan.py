"""What a study is: trainings of one configuration, each changed in what is asked about.

A file of configs/ says it: `config`, the file that all runs begin with; `arms`, what
each changes of that; `pairs`, which arms are held against each other over the seeds.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, NamedTuple

from ..reasoning.reason_task import ReasonTask, metric_names
from ..training.task import Config
from ..utils.config import from_dict, load_config
from ..utils.errors import InputError
from ..utils.yaml12 import read_yaml
from .plan import merge


BASE = ".base"
"""After the name of an arm: as its first stage has left it."""


@dataclass(frozen=True, slots=True)
class Study:
    """All but the arms."""

    config: str
    """The file that all begin with, beside this one."""
    seeds: tuple[int, ...] = (11, 12, 13, 14, 15, 16)
    pairs: tuple[tuple[str, str], ...] = ()
    """Of arms; NAME.base is an arm as its first stage, the supervised one, left it."""
    split: Literal["val", "test"] = "test"
    checkpoint: Literal["last", "best"] = "last"
    """What is scored: the end of a run, or what its validation has chosen."""
    samples: int = 0
    """Answers to each scored question; 0: as many as `config` says."""
    metrics: tuple[str, ...] = ("greedy", "pass@1", "pass@4", "pass@16", "vote@16")
    picture: tuple[str, ...] = ("pass@1", "pass@16")
    """Those of the metrics that are drawn."""
    curves: tuple[str, ...] = ()
    """Columns of metrics.csv that are drawn over the steps."""
    threads: int = 1
    """Of the CPU, for each run."""
    title: str = ""
    note: str = ""
    """What a reader of the table must know."""

    def __post_init__(self):
        if not self.seeds or len(set(self.seeds)) < len(self.seeds):
            raise ValueError(f"seeds = {self.seeds}: must be different, at least one")
        if any(not 0 <= seed < 2**32 for seed in self.seeds):
            raise ValueError(f"seeds = {self.seeds}: must be from 0 to {2**32 - 1}")
        if self.samples < 0:
            raise ValueError(f"samples = {self.samples}: must be >= 0")
        if self.threads < 1:
            raise ValueError(f"threads = {self.threads}: must be >= 1")
        if not self.metrics or len(set(self.metrics)) < len(self.metrics):
            raise ValueError(f"metrics = {self.metrics}: must differ, at least one")
        for name in self.picture:
            if name not in self.metrics:
                raise ValueError(f"picture = {name}: must be one of metrics")


@dataclass(frozen=True, slots=True)
class Arm:
    label: str = ""
    """What it is called in tables and pictures; its name, if empty."""
    as_long_as: str = ""
    """The arm whose CPU time it must have at least, seed by seed; its `train.epochs`
    are the first guess."""


class Trained(NamedTuple):
    """An arm with the complete configuration of its runs, as plain values."""

    name: str
    arm: Arm
    config: dict[str, Any]

    @property
    def label(self) -> str:
        return self.arm.label or self.name


class StudyPlan(NamedTuple):
    path: Path
    study: Study
    arms: dict[str, Trained]

    @property
    def title(self) -> str:
        return self.study.title or self.path.stem

    def label(self, name: str) -> str:
        """How an arm, or `NAME.base`, is called."""
        if name.endswith(BASE):
            return f"{self.arms[name.removesuffix(BASE)].label}, supervised base"
        return self.arms[name].label


def read_study(path: Path, seeds: str = "", only: Collection[str] = ()) -> StudyPlan:
    """Read and check the file; raises InputError with file and key.

    `seeds`, such as 11-16 or 11,14, stands for those of the file. `only` is checked.
    """
    values, _ = read_yaml(path)
    described = values.pop("arms", None)
    if not isinstance(described, dict) or not described:
        raise InputError(f"{path}: arms must name at least one, as `NAME: {{}}`")
    if not isinstance(values.get("config"), str):
        raise InputError(f"{path}: config must name the file that all arms begin with")
    study = from_dict(Study, values, str(path))
    if seeds:
        study = replace(study, seeds=parse_seeds(seeds))
    beside = path.parent / study.config
    load_config(Config, beside)  # what is wrong in there is said with its line
    first, _ = read_yaml(beside)
    if study.samples:
        first = merge(first, {"reason": {"samples": study.samples}})
    arms = {name: _arm(path, name, said, first) for name, said in described.items()}
    _check_lengths(path, arms)
    _check_pairs(path, study, arms)
    _check_names(path, study, arms)
    for name in only:
        if name not in arms:
            known = ", ".join(arms)
            raise InputError(f"--only {name}: {path} has no such arm, but {known}")
    return StudyPlan(path, study, arms)


def parse_seeds(text: str) -> tuple[int, ...]:
    """11-16, 11,12 or both; raises InputError."""
    found: list[int] = []
    for part in text.split(","):
        match = re.fullmatch(r"\s*(\d{1,10})(?:-(\d{1,10}))?\s*", part)
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
        if not first <= last < 2**32 or last - first >= 1000:
            raise InputError(f"--seeds {text}: write them as 11-16, or as 11,12,14")
        found += range(first, last + 1)
    if len(set(found)) < len(found):
        raise InputError(f"--seeds {text}: a seed is there twice")
    return tuple(found)


def _arm(path: Path, name: str, said: Any, first: dict[str, Any]) -> Trained:
    where = f"{path}: arms.{name}"
    if not re.fullmatch(r"\w[\w-]*", name):
        raise InputError(f"{where}: give a name of letters, digits, _ and -")
    said = {} if said is None else said
    if not isinstance(said, dict):
        raise InputError(f"{where}: must hold `key: value` lines, got {said!r}")
    change = said.pop("change", None) or {}
    if not isinstance(change, dict):
        raise InputError(f"{where}.change: must be keys of the config, got {change!r}")
    if "seed" in change:
        raise InputError(f"{where}.change.seed: the seeds are those of `seeds`")
    config = merge(first, change)
    from_dict(Config, config, f"{where}.change")
    return Trained(name, from_dict(Arm, said, where), config)


def _check_lengths(path: Path, arms: dict[str, Trained]) -> None:
    for name, trained in arms.items():
        other = trained.arm.as_long_as
        if not other:
            continue
        where = f"{path}: arms.{name}.as_long_as = {other}"
        if other == name or other not in arms:
            known = ", ".join(n for n in arms if n != name) or "no other"
            raise InputError(f"{where}: must be another arm; there is {known}")
        if arms[other].arm.as_long_as:
            raise InputError(f"{where}: that arm has no length of its own")


def _check_pairs(path: Path, study: Study, arms: dict[str, Trained]) -> None:
    for pair in study.pairs:
        for name in pair:
            if name.removesuffix(BASE) not in arms:
                raise InputError(
                    f"{path}: pairs: {name} is no arm; there is {', '.join(arms)}, and "
                    f"each as its first stage left it, such as {next(iter(arms))}{BASE}"
                )
        if pair[0] == pair[1]:
            raise InputError(f"{path}: pairs: {pair[0]} is held against itself")
    if len(set(study.pairs)) < len(study.pairs):
        raise InputError(f"{path}: pairs: one of them is there twice")


def _check_names(path: Path, study: Study, arms: dict[str, Trained]) -> None:
    """What is monitored, scored and drawn must be what the runs will measure."""
    columns = {"loss": None, "lr": None, "grad_norm": None}  # a set with an order
    for name, trained in arms.items():
        where = f"{path}: arms.{name}, which begins with {study.config}"
        config = from_dict(Config, trained.config, where)
        if config.task != "reason":
            raise InputError(f"{where}: task = {config.task}: must be reason")
        measured, monitor = metric_names(config.reason.samples), config.train.monitor
        known = ", ".join(measured)
        if monitor not in measured:
            raise InputError(f"{where}: train.monitor = {monitor}: there is {known}")
        for metric in study.metrics:
            if metric not in measured:
                raise InputError(
                    f"{path}: metrics: {metric} is not measured in the arm {name}, "
                    f"which has {known} (reason.samples = {config.reason.samples})"
                )
        columns |= dict.fromkeys([*measured, *ReasonTask.log_names])
    for curve in study.curves:
        if curve not in columns:
            raise InputError(
                f"{path}: curves: {curve} is no column of a run; there is "
                f"{', '.join(columns)}"
            )
