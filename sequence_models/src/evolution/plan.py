"""What a bench is: models of equal size, each trained by one recipe or more.

A file of configs/ says it in three parts: `base`, the configuration of every run;
`recipes`, what each changes of that; `entries`, a model each, with the fields whose
size is searched and the names of its recipes.
"""

import copy
import re
from collections.abc import Collection
from pathlib import Path
from typing import Any, NamedTuple

import torch

from ..data import open_data
from ..training.task import Config, make_model
from ..utils.config import from_dict
from ..utils.errors import InputError
from ..utils.yaml12 import read_yaml
from .bench import Bench, Entry
from .match import match
from .rates import Tried, best_rate, rates_file, read_rates


class Pair(NamedTuple):
    """An entry trained by a recipe: what its runs share, but for the seed."""

    entry: str
    recipe: str
    config: dict[str, Any]
    """Complete, as plain values."""
    parameters: int
    tokens: int
    """That a run is trained on."""

    @property
    def name(self) -> str:
        return f"{self.entry}-{self.recipe}"


class Plan(NamedTuple):
    name: str
    bench: Bench
    entries: dict[str, Entry]
    pairs: list[Pair]
    swept: list[Tried]
    """What the table of the sweep beside the file has."""


def read_plan(path: Path, only: Collection[str] = ()) -> Plan:
    """Read the file, find the sizes and choose the rates; raises InputError.

    `only`: these entries alone. The rate of a pair is the best of `<file>.rates.csv`,
    which `--sweep` writes, or else that of the recipe.
    """
    values, _ = read_yaml(path)
    base, recipes, described = (
        _keys(values.pop(key, None), f"{path}: {key}")
        for key in ("base", "recipes", "entries")
    )
    recipes = {r: _keys(v, f"{path}: recipes.{r}") for r, v in recipes.items()}
    bench = from_dict(Bench, values, str(path))
    if not described:
        raise InputError(f"{path}: entries must name at least one model")
    if bench.common not in recipes:
        raise InputError(
            f"{path}: common = {bench.common}: must be one of the recipes, "
            f"{', '.join(recipes)}"
        )
    unknown = [name for name in only if name not in described]
    if unknown:
        known = ", ".join(described)
        raise InputError(f"--only {unknown[0]}: {path} has no such entry, but {known}")
    entries, models = {}, {}
    for name, said in described.items():
        where = f"{path}: entries.{name}"
        if not isinstance(said, dict) or not isinstance(said.get("model"), dict):
            raise InputError(f"{where}: must have `model:` with its keys")
        models[name] = said.pop("model")
        entries[name] = from_dict(Entry, said, where)
        for recipe in entries[name].recipes:
            if recipe not in recipes:
                raise InputError(
                    f"{where}: there is no recipe {recipe}, but {', '.join(recipes)}"
                )
    _check_names(path, entries)
    swept = read_rates(rates_file(path))
    pairs = []
    for name in entries if not only else [n for n in entries if n in only]:
        for recipe in entries[name].recipes:
            values = merge(merge(base, recipes[recipe]), {"model": models[name]})
            rate = best_rate(swept, name, recipe)
            values = merge(values, {"optim": {"lr": rate}} if rate else {})
            where = f"{path}: entries.{name} with the recipe {recipe}"
            pairs.append(_pair(name, recipe, values, entries[name], bench, where))
    _check_equal(path, pairs)
    return Plan(path.stem, bench, entries, pairs, swept)


def _keys(values: Any, where: str) -> dict[str, Any]:
    """`values`, which must be `key: value` lines, or nothing at all."""
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise InputError(f"{where}: must hold `key: value` lines, got {values!r}")
    return values


def merge(first: Any, second: Any) -> Any:
    """The nested values of both; the second's where they disagree."""
    if not (isinstance(first, dict) and isinstance(second, dict)):
        return copy.deepcopy(second)
    keys = dict.fromkeys([*first, *second])
    return {
        key: merge(first[key], second[key])
        if key in first and key in second
        else copy.deepcopy(first[key] if key in first else second[key])
        for key in keys
    }


def with_sizes(model: dict[str, Any], sizes: dict[str, int]) -> dict[str, Any]:
    """The model's keys with these sizes; `options.x` is an option of a slot."""
    model = copy.deepcopy(model)
    for name, size in sizes.items():
        if name.startswith("options."):
            option = f"{name.removeprefix('options.')}={size}"
            model["options"] = [*model.get("options", []), option]
        else:
            model[name] = size
    return model


def _pair(
    name: str,
    recipe: str,
    values: dict[str, Any],
    entry: Entry,
    bench: Bench,
    where: str,
) -> Pair:
    config = from_dict(Config, values, where)
    if config.task != "lm":
        raise InputError(f"{where}: task = {config.task}: a bench is for the task lm")
    vocab = _vocab(config)

    def count(sizes: dict[str, int]) -> int:
        sized = values | {"model": with_sizes(values["model"], sizes)}
        with torch.device("meta"):
            model = make_model(from_dict(Config, sized, where), vocab, 0)
        return sum(weight.numel() for weight in model.parameters())

    sizes: dict[str, int] = {}
    try:
        parameters = count({})
        if entry.search:
            sizes, parameters = match(
                count, entry.search, bench.parameters, bench.tolerance
            )
    except InputError as error:
        said = str(error)
        said = said if said.startswith(where) else f"{where}: {said}"
        raise InputError(said) from None
    values = values | {"model": with_sizes(values["model"], sizes)}
    data, train = config.data, config.train
    if not data.samples:
        raise InputError(f"{where}: data.samples must say how much an epoch is")
    step = data.batch_size * train.accumulate
    if data.samples % step:
        raise InputError(
            f"{where}: data.samples = {data.samples} must be a multiple of {step}, "
            "the windows of a step, or some would be left out"
        )
    tokens = train.epochs * data.samples * data.block
    return Pair(name, recipe, values, parameters, tokens)


_VOCABULARIES: dict[str, int] = {}


def _vocab(config: Config) -> int:
    """Of the data of a configuration, opened once for all that share it."""
    key = repr((config.data.root, config.data.name, config.data.tokenizer))
    if key not in _VOCABULARIES:
        opened = open_data(config.data, config.task, config.seed)
        _VOCABULARIES[key] = opened.info.vocab
    return _VOCABULARIES[key]


def _check_names(path: Path, entries: dict[str, Entry]) -> None:
    """Refuse names that could be no folder, or one folder for the runs of two pairs."""
    taken: dict[str, str] = {}
    for name, entry in entries.items():
        if entry.same and entry.same not in entries:
            raise InputError(f"{path}: entries.{name}: same = {entry.same} is no entry")
        for recipe in entry.recipes:
            pair = f"{name}-{recipe}"
            if pair in taken or not re.fullmatch(r"\w[\w.-]*", pair):
                why = f"is also {taken[pair]}" if pair in taken else "is no file name"
                raise InputError(
                    f"{path}: entries.{name} with the recipe {recipe}: {pair} {why}. "
                    "Give another name, of letters, digits and _"
                )
            taken[pair] = f"that of entries.{name}"


def _check_equal(path: Path, pairs: list[Pair]) -> None:
    """Refuse a comparison of models that do not see the same."""
    for b in pairs:
        a = pairs[0]
        for key in ("name", "root", "tokenizer", "val_share"):
            one, other = (p.config.get("data", {}).get(key) for p in (a, b))
            if one != other:
                raise InputError(
                    f"{path}: {a.name} has data.{key} {one}, {b.name} {other}; all "
                    "must be trained on the same"
                )
        if a.tokens != b.tokens:
            raise InputError(
                f"{path}: {a.name} is trained on {a.tokens:,} tokens, {b.name} on "
                f"{b.tokens:,}; give all the same number"
            )
