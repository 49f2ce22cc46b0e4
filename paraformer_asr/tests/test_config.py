"""YAML 1.2 values, overrides, the plain form, and the files of configs/."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.training.task import Config
from src.utils.config import ConfigError, differences, from_dict, load_config, to_dict
from src.utils.run_dir import RunDir
from src.utils.yaml12 import read_yaml


ROOT = Path(__file__).parents[1]


def load(tmp_path, content: str = "seed: 0", *overrides: str) -> Config:
    path = tmp_path / "x.yaml"
    path.write_text(content, encoding="utf-8")
    return load_config(Config, path, list(overrides))


def plain_value(tmp_path, text: str) -> Any:
    (tmp_path / "x.yaml").write_text(f"key: {text}", encoding="utf-8")
    return read_yaml(tmp_path / "x.yaml")[0]["key"]


@pytest.mark.spec("ASR-171", "is a number (`1e-3`), a word is a word")
@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 1e-3), ("1e3", 1e3), (".5", 0.5), ("5.", 5.0), ("-1.5E+2", -150.0),
        ("010", 10), ("+3", 3), ("1_000", "1_000"), ("12:30", "12:30"), ("no", "no"),
        ("on", "on"), ("Yes", "Yes"), ("n", "n"), ("true", True), ("True", True),
        ("FALSE", False), ("null", None), ("Null", None), ("~", None), ("", None),
        ("'1'", "1"), ('"true"', "true"), ("nan", "nan"), ("inf", "inf"), ("e3", "e3"),
        ("1e", "1e"), (".", "."), ("-", [None]), ("2026-01-01", "2026-01-01"),
        ("[1, 1.0, a]", [1, 1.0, "a"]), ("{a: {b: 1}}", {"a": {"b": 1}}),
    ],
)  # fmt: skip
def test_scalars_are_those_of_yaml_1_2(tmp_path, text, value):
    found = plain_value(tmp_path, text if text != "-" else "\n  -")
    assert found == value and type(found) is type(value)


def test_infinity_and_nan_are_numbers_that_no_setting_takes(tmp_path):
    assert plain_value(tmp_path, "-.inf") == float("-inf")
    assert plain_value(tmp_path, ".NaN") != plain_value(tmp_path, ".NaN")


def test_a_byte_order_mark_is_no_key(tmp_path):
    assert load(tmp_path, "\ufeffseed: 7").seed == 7


def test_overrides_are_read_as_yaml_and_the_last_one_counts(tmp_path):
    config = load(
        tmp_path, "optim: {lr: 1}", "optim.lr=1e-4", "optim.lr=1e-3", "seed=5",
        "data.root=a b=c d", "optim.betas=[0.5, 0.6]",
        "debug=true", "data.toy={n_val: 20}", "model.name=ctc",
    )  # fmt: skip
    assert (config.optim.lr, config.seed, config.debug) == (1e-3, 5, True)
    assert config.data.root == "a b=c d"
    assert config.optim.betas == (0.5, 0.6)
    assert config.data.toy.n_val == 20 and config.model.name == "ctc"


settings = st.fixed_dictionaries(
    {},
    optional={
        "seed": st.integers(0, 2**32 - 1),
        "debug": st.booleans(),
        "optim": st.fixed_dictionaries(
            {},
            optional={
                "lr": st.floats(1e-9, 1e3),
                "name": st.sampled_from(["adamw", "sgd"]),
                "betas": st.lists(st.floats(0, 0.999), min_size=2, max_size=2),
            },
        ),
        "loss": st.just({"label_smoothing": 0.1}),
        "data": st.fixed_dictionaries({"root": st.text()}),
    },
)


@given(settings)
def test_a_config_survives_the_plain_form(values):
    config = from_dict(Config, values)
    again = from_dict(Config, to_dict(config))
    assert again == config
    assert differences(to_dict(config), to_dict(again)) == []


@given(settings)
def test_a_written_config_is_read_back(tmp_path_factory, values):
    folder = tmp_path_factory.mktemp("run")
    config = from_dict(Config, values)
    RunDir(folder, writes=False).write_config(to_dict(config))
    assert load_config(Config, folder / "config.yaml") == config


def test_from_dict_does_not_change_what_it_is_given():
    values = {"optim": {"lr": 1.0}}
    assert from_dict(Config, values, "x", ["optim.lr=2"]).optim.lr == 2
    assert values == {"optim": {"lr": 1.0}}
    with pytest.raises(ConfigError, match=r"^last.pt: the file must be `key: value`"):
        from_dict(Config, [1], "last.pt", ["seed=1"])


def test_differences_name_the_key_and_both_values():
    old, new = {"a": {"b": 1, "c": [1]}, "d": 2}, {"a": {"b": 3, "c": [1]}, "e": 4}
    assert differences(old, new) == [("a.b", 1, 3), ("d", 2, None), ("e", None, 4)]


EVERY = sorted((ROOT / "configs").glob("**/*.yaml"))


@pytest.mark.spec("ASR-176", "says in its head with which command")
@pytest.mark.parametrize("path", EVERY, ids=lambda path: path.stem)
def test_every_config_loads_and_begins_with_its_command(path):
    load_config(Config, path)
    shown = path.relative_to(ROOT)
    head = path.read_text(encoding="utf-8").splitlines()[0]
    assert head.startswith(f"# python scripts/train.py --config {shown}")
