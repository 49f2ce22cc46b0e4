"""Every mistake in a configuration is found, located and explained."""

from pathlib import Path

import pytest

from src.training.task import Config
from src.utils.config import ConfigError, load_config
from tests.tiny import command


ROOT = Path(__file__).parents[1]
BOMB = "a: &a [1]\n" + "".join(
    f"{new}: &{new} [*{old}, *{old}]\n"
    for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)

WRONG_FILES = {
    "unknown key": (
        "seed: 1\noptim:\n  lrr: 1\n",
        "3:3: optim.lrr is not a known key. Did you mean optim.lr? Known: betas, clip,",
    ),
    "unknown section": ("optimm: {}", "1:1: optimm is not a known key. Did you mean o"),
    "nothing like it": ("zzz: 1", "1:1: zzz is not a known key. Known: data, debug"),
    "word for int": (
        'data:\n  batch_size: "eight"',
        '2:3: data.batch_size must be an integer, got "eight"',
    ),
    "yes for int": ("seed: yes", '1:1: seed must be an integer, got "yes"'),
    "yes for bool": ("debug: yes", '1:1: debug must be true or false, got "yes"'),
    "bool for int": ("seed: true", "1:1: seed must be an integer, got True"),
    "float for int": ("seed: 1.5", "1:1: seed must be an integer, got 1.5"),
    "int for bool": ("debug: 1", "1:1: debug must be true or false, got 1"),
    "int for text": ("model: {name: 3}", "1:9: model.name must be one of paraformer, "),
    "number for path": ("data: {root: 3}", "root must be text, got 3"),
    "null for int": ("seed: null", "1:1: seed must be an integer, got None"),
    "null for a section": ("optim:", "1:1: optim must be `key: value` pairs, got None"),
    "date": ("seed: 2026-01-01", '1:1: seed must be an integer, got "2026-01-01"'),
    "base 60": ("seed: 12:30", '1:1: seed must be an integer, got "12:30"'),
    "hexadecimal": ("seed: 0x10", '1:1: seed must be an integer, got "0x10"'),
    "control characters": ('seed: "\\e[31m"', 'integer, got "\\u001b[31m"'),
    "a book": ("seed: " + "x" * 5000, f'got "{"x" * 76}...'),
    "negative": ("optim: {lr: -1}", "1:9: optim.lr = -1.0: must be > 0"),
    "negative seed": ("seed: -1", "1:1: seed = -1: must be between 0 and"),
    "NaN": ("optim: {lr: .nan}", "1:9: optim.lr must be a finite number, got nan"),
    "infinity": ("optim: {lr: .inf}", "1:9: optim.lr must be a finite number, got inf"),
    "1e999": ("optim: {lr: 1e999}", "1:9: optim.lr must be a finite number, got inf"),
    "huge int": (
        "optim: {lr: 1" + "0" * 400 + "}",
        "1:9: optim.lr must be a finite number, got 1000",
    ),
    "endless int": ("seed: " + "1" * 5000, "1:7: not valid YAML: '111"),
    "literal": (
        "model: {name: paraformr}",
        'ctc, got "paraformr". Did you mean paraformer?',
    ),
    "largest loss": (
        "train: {mode: max}",
        "1:9: train.mode = max: a loss is better when small; set it to min",
    ),
    "short tuple": (
        "optim: {betas: [0.9]}",
        "1:9: optim.betas must be a list of 2 val",
    ),
    "scalar tuple": ("optim: {betas: 0.9}", "1:9: optim.betas must be a list, got 0.9"),
    "word in tuple": ("optim: {betas: [a, b]}", "optim.betas must be a number, got "),
    "scalar section": ("optim: 3", "1:1: optim must be `key: value` pairs, got 3"),
    "list section": (
        "optim: [lr]",
        "1:1: optim must be `key: value` pairs, got ['lr']",
    ),
    "scalar dict": (
        "data: {toy: easy}",
        "1:8: data.toy must be `key: value` pairs",
    ),
    "repeated key": ("seed: 1\nseed: 2", "2:1: seed is set twice"),
    "repeated inner key": ("optim: {lr: 1, lr: 2}", "1:16: optim.lr is set twice"),
    "tab": ("optim:\n\tlr: 1", "2:1: not valid YAML: found character '\\t' that canno"),
    "list at the top": ("- seed: 1", "1:1: the file must hold `key: value` lines"),
    "word at the top": ("seed", "1:1: the file must hold `key: value` lines"),
    "two documents": (
        "seed: 1\n---\nseed: 2",
        "2:1: not valid YAML: but found another",
    ),
    "unclosed": ("optim: {lr: 1", "1:14: not valid YAML: expected ',' or '}'"),
    "empty": ("", ": the file is empty; configs/ has examples"),
    "comments only": ("# python scripts/train.py", ": the file is empty"),
    "binary": (b"\x80\x02\x00\xff", ": byte 0 is not UTF-8 text"),
    "Latin-1": (b"# caf\xe9\nseed: 1", ": byte 5 is not UTF-8 text"),
    "UTF-16": ("seed: 1".encode("utf-16"), ": byte 0 is not UTF-8 text"),
    "NUL": ("seed: 1\na\0b: 2", "2:2: not valid YAML: the character #x00 is not text"),
    "alias bomb": (BOMB, "1:4: not valid YAML: aliases (*name) are not used here"),
    "merge key": ("a: &a {seed: 1}\n<<: *a", "1:4: not valid YAML: aliases"),
    "python object": (
        "seed: !!python/object/apply:os.system [ls]",
        "1:7: not valid YAML",
    ),
    "own tag": ("optim: !evil {lr: 1}", "1:8: not valid YAML: the tag !evil is not us"),
    "wrong tag": (
        "seed: !!int one",
        "1:7: not valid YAML: 'one' cannot be read as int",
    ),
    "bool tag": ("debug: !!bool maybe", "1:8: not valid YAML: 'maybe' cannot be read"),
    "list as a key": ("[a, b]: 1", "1:1: not valid YAML: a key must be a word"),
    "no key": ('{"": 1}', "1:2: not valid YAML: a key must be a word"),
    "deep": ("[" * 5000, ": not valid YAML: nested too deeply"),
}


def load(tmp_path, content: str | bytes = "seed: 0", *overrides: str) -> Config:
    path = tmp_path / "x.yaml"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return load_config(Config, path, list(overrides))


@pytest.mark.spec("ASR-170", "refused with file, line and column")
@pytest.mark.spec("ASR-171", "that is repeated is refused")
@pytest.mark.parametrize("name", WRONG_FILES)
def test_bad_config(tmp_path, name):
    content, words = WRONG_FILES[name]
    with pytest.raises(ConfigError) as error:
        load(tmp_path, content)
    text = str(error.value)
    assert text.startswith(f"{tmp_path / 'x.yaml'}:")
    assert words in text
    assert "\n" not in text and len(text) < 400


WRONG_OVERRIDES = {
    "no =": ("optim.lr", "'optim.lr': write key=value, for example optim.lr=1e-3"),
    "no key": ("=1", "'=1': write key=value"),
    "two dots": ("optim..lr=1", "write key=value"),
    "unknown": (
        "optim.lrr=1",
        "'optim.lrr=1' on the command line: optim.lrr is not a known key. Did you mean "
        "optim.lr?",
    ),
    "unknown section": (
        "optm.lr=1",
        "'optm.lr=1' on the command line: optm is not a k",
    ),
    "space": (
        "optim.lr =1",
        "on the command line: optim.lr  is not a known key. Did yo",
    ),
    "into a scalar": ("seed.x=1", "'seed.x=1': seed is a single value and has no keys"),
    "into a default": ("debug.x=1", "line: debug must be true or false, got {'x': 1}"),
    "wrong type": (
        "seed=one",
        'on the command line: seed must be an integer, got "one"',
    ),
    "range": ("optim.lr=-1", "on the command line: optim.lr = -1.0: must be > 0"),
    "range inside": (
        "optim={lr: -1}",
        "command line:1:2: optim.lr = -1.0: must be > 0",
    ),
    "repeated": ("optim={lr: 1, lr: 2}", "command line:1:9: optim.lr is set twice"),
    "not YAML": ("optim={lr: 1", "on the command line:1:7: not valid YAML"),
    "deep": ("seed=" + "[" * 5000, "not valid YAML: nested too deeply"),
    "alias": ("seed=*a", "not valid YAML: found undefined alias"),
    "empty": ("seed=", 'seed must be an integer, got ""'),
}


@pytest.mark.spec("ASR-170", "the key, the value")
@pytest.mark.parametrize("name", WRONG_OVERRIDES)
def test_bad_override(tmp_path, name):
    item, words = WRONG_OVERRIDES[name]
    with pytest.raises(ConfigError) as error:
        load(tmp_path, "seed: 0\noptim: {lr: 1, clip: 1}", item)
    assert words in str(error.value)
    assert str(error.value).startswith(repr(item))


def test_an_override_of_a_section_does_not_leave_the_old_place_behind(tmp_path):
    with pytest.raises(ConfigError, match=r"^'optim=\{clip: -1\}' on the command line"):
        load(tmp_path, "optim:\n  clip: 1", "optim={clip: -1}")


@pytest.mark.spec("ASR-170", "close to it")
def test_a_missing_file_is_compared_with_its_neighbours(tmp_path):
    (tmp_path / "toy_seq2seq.yaml").write_text("seed: 0")
    with pytest.raises(ConfigError, match=r"Did you mean .*/toy_seq2seq.yaml\?"):
        load_config(Config, tmp_path / "toy_sec2seq.yaml")
    with pytest.raises(ConfigError, match="has: toy_seq2seq.yaml"):
        load_config(Config, tmp_path / "zzz")
    with pytest.raises(ConfigError, match="nowhere/x.yaml: no such file$"):
        load_config(Config, tmp_path / "nowhere/x.yaml")


def test_what_is_no_file_is_said(tmp_path):
    with pytest.raises(ConfigError, match=r"cannot be read \(Is a directory\)"):
        load_config(Config, tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match=r"cannot be read \(Not a directory\)"):
        load_config(Config, tmp_path / "file/x.yaml")


@pytest.mark.spec("ASR-172", "0 done, 1 fault, 2 bad input")
@pytest.mark.parametrize(
    "arguments",
    [
        ["--config", "configs/nothing.yaml"],
        ["--config", "configs/toy_seq2seq.yaml", "optim.lrr=1"],
        ["--config", "configs/toy_seq2seq.yaml", "--seed", "-1"],
        ["--config", "configs/toy_seq2seq.yaml", "--device", "tpu"],
        [],
    ],
)
def test_a_bad_command_line_exits_with_2(tmp_path, monkeypatch, capsys, arguments):
    monkeypatch.chdir(ROOT)
    assert command(*arguments, "--out", str(tmp_path / "runs")) == 2
    said = capsys.readouterr()
    assert said.out == "" and "Traceback" not in said.err
    assert not (tmp_path / "runs").exists()
