"""`ModelConfig` refuses what a model does not read; `build_model` what cannot be."""

import dataclasses
import re
from typing import get_args, get_type_hints

import pytest
import torch

from src.models import CLASSIFIERS, MODELS, ModelConfig, build_model, options_of
from src.models.phases import PHASES
from src.utils.config import ConfigError, from_dict
from src.utils.errors import InputError


VALUES = {
    "embedding": 12,
    "hidden": 12,
    "d_model": 24,
    "layers": 1,
    "heads": 2,
    "kv_heads": 1,
    "ffn": "gelu_tanh",
    "ffn_dim": 20,
    "positions": "none",
    "norm": "rms",
    "order": "pre",
    "qk_norm": True,
    "bias": False,
    "tie": False,
    "init": "xavier",
    "window": 3,
    "causal": False,
    "dropout": 0.5,
    "locked_dropout": True,
    "bidirectional": False,
    "pool": "mean",
    "slot": "gated_retention",
    "options": ("layers=1",),
}
NAMES = [name for name in MODELS if name != "slot"]


def test_the_names_are_those_of_the_registry():
    assert list(get_args(get_type_hints(ModelConfig)["name"])) == list(MODELS)


def test_every_option_is_read_by_a_model():
    options = {field.name for field in dataclasses.fields(ModelConfig)} - {"name"}
    assert options == set(VALUES) == set().union(*map(options_of, MODELS))


@pytest.mark.parametrize(
    ("names", "options"),
    [
        (
            "rnn rnn_relu lstm gru ln_lstm min_gru",
            "embedding hidden layers tie dropout locked_dropout bidirectional pool",
        ),
        (
            " ".join(f"gpt_{year}" for year in PHASES),
            "d_model layers heads kv_heads ffn ffn_dim positions norm order qk_norm "
            "bias tie init window causal dropout",
        ),
        (
            "transformer",
            "d_model layers heads ffn ffn_dim norm order bias init dropout",
        ),
        (
            "encoder",
            "d_model layers heads ffn ffn_dim positions norm order bias init dropout "
            "pool",
        ),
        ("slot", "slot options"),
    ],
)
def test_the_options_of_each_model(names, options):
    for name in names.split():
        assert options_of(name) == options.split()


@pytest.mark.spec("SEQ-078", "is refused with its name and the options that it has")
@pytest.mark.parametrize("name", MODELS)
def test_an_option_that_the_model_does_not_read_is_refused(name):
    known = options_of(name)
    for option in VALUES.keys() - set(known):
        words = f"^{option} is not an option of {name}, which has {', '.join(known)}$"
        with pytest.raises(ValueError, match=re.escape(words[1:-1])):
            ModelConfig(name, **{option: VALUES[option]})


@pytest.mark.spec("SEQ-078", "in a file, also with the line")
def test_the_line_of_the_file(tmp_path):
    values = {"name": "lstm", "heads": 2}
    with pytest.raises(ConfigError, match="^run.yaml: heads is not an option of lstm"):
        from_dict(ModelConfig, values, "run.yaml")


@pytest.mark.parametrize("name", NAMES)
def test_an_option_that_it_reads_changes_the_model(name):
    base = {"embedding": 16, "hidden": 16} if "embedding" in options_of(name) else {}
    changed = set()
    for classes in (0, 3) if name in CLASSIFIERS else (0,):
        usual = looks(name, classes, **base)
        for option in options_of(name):
            try:
                other = looks(
                    name, classes, **base | {option: other_value(name, option)}
                )
            except InputError as error:
                assert f"model.{option} is not an option of {name} where" in str(error)
            else:
                changed |= {option} if other != usual else set()
    assert changed == set(options_of(name))


def other_value(name, option):
    """One that is not the default of the model."""
    modern = name in ("gpt_2023", "gpt_2025")
    if option in ("tie", "bidirectional"):
        return name in CLASSIFIERS and option == "tie"
    if option == "order" and (modern or name == "gpt_2020"):
        return "post"
    if option == "init" and name in ("gpt_2017", "gpt_2019", "transformer"):
        return "scaled"
    if option == "pool":
        return "first" if name == "encoder" else "last"
    if modern and option in ("norm", "bias"):
        return {"norm": "layer", "bias": True}[option]
    return name != "gpt_2025" if option == "qk_norm" else VALUES[option]


def looks(name, classes, **options):
    torch.manual_seed(0)
    model = build_model(ModelConfig(name, **options), 9, 8, classes)
    seen = [
        (key, value)
        for part in model.modules()
        for key, value in vars(part).items()
        if isinstance(value, (int, float, str, bool, type(None)))
    ]
    sums = [float(p.detach().double().sum()) for p in model.parameters()]
    return str(model), seen, sums


@pytest.mark.spec("SEQ-078", "cannot be built is refused in one sentence")
@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("gpt_2020", {"heads": 3}, "d_model 128 is not a multiple of heads 3"),
        ("gpt_2023", {"heads": 1}, "heads 1 is not a multiple of kv_heads 2"),
        ("gpt_2023", {"d_model": 12}, "head_dim 3 is odd"),
        (
            "slot",
            {"slot": "nobody"},
            "there is no src/models/slots/nobody.py; there is",
        ),
    ],
)
def test_a_model_that_cannot_be(name, options, words):
    with pytest.raises(InputError, match=words):
        build_model(ModelConfig(name, **options), 9, 8)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"layers": 0}, "layers is 0; at least 1"),
        ({"window": -1}, "window is -1; at least 1"),
        ({"dropout": 1.0}, "dropout is 1.0; from 0 to below 1"),
        ({"name": "slot"}, "slot is not set; the name of a file in src/models/slots"),
    ],
)
def test_a_value_that_cannot_be(values, words):
    with pytest.raises(ValueError, match=f"^{words}$"):
        ModelConfig(**values)


def test_what_is_no_classifier():
    with pytest.raises(InputError, match="gpt_2020 is no classifier; one of rnn, "):
        build_model(ModelConfig("gpt_2020"), 9, 8, classes=2)
    with pytest.raises(InputError, match="^model.tie is not an option of lstm where"):
        build_model(ModelConfig("lstm", tie=True), 9, 8, classes=2)
    with pytest.raises(InputError, match="^model.pool is not an option of lstm where"):
        build_model(ModelConfig("lstm", pool="mean"), 9, 8)


@pytest.mark.spec("SEQ-079", "have as many parameters as their formulas")
@pytest.mark.parametrize("name", [f"gpt_{year}" for year in PHASES])
def test_parameters_of_the_decoders(name):
    vocab, context, d, layers = 65, 64, 48, 3
    model = build_model(ModelConfig(name, d_model=d, layers=layers), vocab, context)
    attention = 4 * d * d + 4 * d
    feed = 2 * 4 * d * d + 4 * d + d
    norms, positions, last = 2 * 2 * d, 0, 0
    if name == "gpt_2020":
        positions, last = context * d, 2 * d
    if name in ("gpt_2023", "gpt_2025"):
        hidden = 128  # 8/3 d
        attention = 2 * d * d + 2 * d * d * 2 // 4
        feed, norms, last = 3 * hidden * d, 2 * d, d
    if name == "gpt_2025":
        norms += (4 + 2) * (d // 4)
    expected = vocab * d + positions + layers * (attention + feed + norms) + last
    assert sum(p.numel() for p in model.parameters()) == expected


@pytest.mark.spec("SEQ-079", "the recipe of nanoGPT for a CPU")
def test_the_size_of_nanogpts_recipe():
    model = build_model(ModelConfig("gpt_2020", bias=False), 65, 64)
    assert sum(p.numel() for p in model.parameters()) == 804_096


@pytest.mark.spec("SEQ-079", "What a phase changed is in `PHASES`")
def test_what_each_phase_changed():
    years = list(PHASES)
    new = {
        year: {k for k in what if what[k] != PHASES[before][k]}
        for before, (year, what) in zip(years, list(PHASES.items())[1:], strict=False)
    }
    assert new == {
        "2019": set(),
        "2020": {"order", "ffn", "positions", "init", "scale_embedding"},
        "2023": {"positions", "norm", "ffn", "kv_heads", "bias"},
        "2025": {"qk_norm"},
    }
