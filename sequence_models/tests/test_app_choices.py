"""Which checkpoints a page offers, and which it refuses."""

import pytest

from src.app.build import build
from src.app.choices import KEPT, Choices
from src.app.sampler import Sampler
from src.utils.checkpoint import load_checkpoint, save_checkpoint
from src.utils.errors import InputError
from tests.app_checkpoints import make, spoil


@pytest.mark.spec("SEQ-237", "offers the best checkpoint of every run")
def test_the_named_one_comes_first_and_every_run_is_offered(tmp_path):
    gpt, _ = make(tmp_path, "gpt"), make(tmp_path, "lstm")
    choices = Choices(gpt, tmp_path)
    assert choices.listed() == [
        ["gpt", "gpt · gpt_2023 · lm"],
        ["lstm", "lstm · lstm · lm"],
    ]
    assert choices.get("lstm").config.model.name == "lstm"
    assert choices.get("gpt") is choices.get("gpt")


@pytest.mark.spec("SEQ-237", "by default that of the newest run")
def test_without_a_name_it_is_that_of_runs_latest(tmp_path):
    make(tmp_path, "gpt")
    make(tmp_path, "lstm")
    (tmp_path / "latest").symlink_to("gpt")
    choices = Choices(None, tmp_path)
    assert choices.first == "gpt"
    assert [name for name, _ in choices.listed()] == ["gpt", "lstm"]


def test_only_a_few_models_are_kept(tmp_path):
    names = ("gpt", "lstm", "gru", "min_gru", "rnn")
    for name in names:
        make(tmp_path, name)
    choices = Choices(None, tmp_path)
    for name in names:
        choices.get(name)
    assert [*choices._loaded] == [*names[-KEPT:]]


@pytest.mark.spec("SEQ-237", "NaN weights")
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_numbers_are_refused(tmp_path, value):
    path = make(tmp_path, "gpt")
    spoil(path, value)
    with pytest.raises(InputError, match=r"embedding.weight holds values that are not"):
        build(path)


@pytest.mark.spec("SEQ-237", "of another sub-project")
def test_a_checkpoint_of_another_project_is_refused(tmp_path):
    path = make(tmp_path, "gpt")
    save_checkpoint(path, load_checkpoint(path) | {"project": "vision_cnn"})
    with pytest.raises(InputError, match="was made by vision_cnn"):
        build(path)


@pytest.mark.spec("SEQ-237", "a name that is not offered")
def test_a_path_is_no_name_and_an_empty_folder_says_how_to_train(tmp_path):
    choices = Choices(make(tmp_path, "gpt"), tmp_path)
    for name in ("../gpt", str(tmp_path / "gpt"), "/etc/passwd"):
        with pytest.raises(InputError, match="is no checkpoint here; there is gpt"):
            choices.get(name)
    with pytest.raises(InputError, match="no checkpoint yet; train one: python"):
        Choices(None, tmp_path / "nothing").get("")
    assert Sampler(Choices(None, tmp_path / "nothing")).start()["checkpoints"] == []
