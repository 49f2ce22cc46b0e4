"""The leak check: quiet where nothing leaks, and loud at every leak planted here."""

import json
from dataclasses import asdict
from pathlib import Path
from unittest import mock

import pytest
import torch
from scripts.leak_check import command as script
from torch import Tensor, nn
from torch.nn import functional as F

from src.data import DataConfig, open_data
from src.data.toy_grammar import ToyConfig, write_stories
from src.inference.leak_check import (
    changes_behind,
    check_leaks,
    check_model,
    check_overlap,
    check_targets,
    format_report,
    gradients_between,
)
from src.models import MODELS, ModelConfig, build_model
from src.tokenizers import TokenizerConfig, build_tokenizer
from src.training.task import Config, build
from src.utils import cli
from src.utils.checkpoint import save_checkpoint
from src.utils.errors import InputError
from tests.test_infer import saved  # noqa: F401 (a fixture)


SMALL = (
    "data.toy.n_train=8",
    "data.toy.n_val=2",
    "data.toy.n_test=1",
    "train.epochs=1",
)
SIZES = {"layers": 1, "d_model": 16, "heads": 2, "hidden": 8, "embedding": 8}
CAUSAL = [name for name in MODELS if name not in ("transformer", "encoder", "slot")]


def small(name: str, **options) -> nn.Module:
    torch.manual_seed(0)
    keys = ("d_model", "heads") if name.startswith("gpt") else ("hidden", "embedding")
    if name == "slot":
        options["slot"] = "gated_retention"
    else:
        options |= {key: SIZES[key] for key in ("layers", *keys)}
    model = build_model(ModelConfig(name, **options), 11, 16)
    for weight in model.parameters():  # some begin as the identity, token by token
        weight.data += 0.1 * torch.randn_like(weight)
    return model


def tokens() -> Tensor:
    return torch.randint(11, (12,), generator=torch.Generator().manual_seed(1))


@pytest.mark.spec("SEQ-062", "finds nothing in any causal model of `MODELS`")
@pytest.mark.parametrize("name", [*CAUSAL, "slot"])
def test_no_causal_model_leaks(name):
    model = small(name).train()
    gradients, moved = (
        gradients_between(model, tokens()),
        changes_behind(model, tokens()),
    )
    assert (gradients.triu(1) == 0).all()
    assert (gradients.diagonal() > 0).all()  # so it is the gradient, and not nothing
    assert gradients[-1, 0] > 0 and moved.max() < 1e-6
    assert [finding.leaks for finding in check_model(model, tokens())] == [False, False]
    assert model.training


@pytest.mark.spec("SEQ-062", "names a model that sees the future")
def test_a_decoder_without_its_mask_is_found_by_both_tests():
    findings = check_model(small("gpt_2020", causal=False), tokens())
    assert [finding.leaks for finding in findings] == [True, True]
    assert "logit 0 depends on input 1" in findings[0].said


class Peeking(nn.Module):
    """A bag of the past that also sees `ahead` tokens of the future, as `how` says."""

    vocab, context = 11, None

    def __init__(self, ahead: int, how: str):
        super().__init__()
        self.embedding, self.ahead, self.how = nn.Embedding(11, 11), ahead, how

    def forward(self, tokens, memory=None, *, document=None):
        x = self.embedding(tokens)
        y = x.cumsum(1)
        if self.how == "add":
            y[:, : -self.ahead] += 1e-6 * x[:, self.ahead :]
        elif self.how == "round":  # no gradient passes
            y[:, : -self.ahead] += x[:, self.ahead :].round()
        elif self.how == "nan":
            y = y + (x - x).sum() / 0
        return y, None


@pytest.mark.spec("SEQ-062", "names a model that sees the future")
@pytest.mark.parametrize("ahead", [1, 5])
@pytest.mark.parametrize(
    ("how", "found"),
    [
        ("not", [False, False]),
        ("add", [True, False]),  # too weak for the second test, not for the first
        ("round", [False, True]),  # and the other way round
        ("nan", [True, True]),
    ],
)
def test_each_test_finds_what_the_other_cannot(ahead, how, found):
    torch.manual_seed(0)
    findings = check_model(Peeking(ahead, how), tokens())
    assert [finding.leaks for finding in findings] == found


def test_a_model_without_an_embedding_is_checked_by_the_second_test_alone():
    class OneHot(nn.Module):
        vocab, context = 11, None

        def forward(self, tokens, memory=None):
            return F.one_hot(tokens, 11).double().cumsum(1), None

    first, second = check_model(OneHot(), tokens())
    assert first.leaks is None and "no nn.Embedding" in first.said
    assert second.leaks is False


class Rows:
    """A data set of one batch."""

    def __init__(self, tokens: Tensor, targets: Tensor):
        self.tokens, self.batch = (
            tokens.flatten(),
            {"tokens": tokens, "targets": targets},
        )

    def __len__(self) -> int:
        return len(self.batch["tokens"])

    def __getitems__(self, keys: list) -> dict[str, Tensor]:
        return self.batch


@pytest.mark.spec("SEQ-062", "targets that are not the next tokens")
@pytest.mark.parametrize(
    ("shift", "leaks", "said"),
    [
        (1, False, "12 pairs of val"),
        (0, True, "they are the tokens themselves"),
        (2, True, "that of row 0, token 0 is not the next"),
    ],
)
def test_targets_that_are_not_the_next_tokens_are_found(shift, leaks, said):
    text = torch.arange(18).view(2, 9)
    targets = text[:, shift : shift + 7].clone()
    targets[1, -1] = -100
    finding = check_targets({"val": Rows(text[:, :7], targets)})
    assert finding.leaks is leaks and said in finding.said


def test_packed_documents_are_not_held_for_wrong_targets(tmp_path):
    sizes = torch.randint(3, 60, (60,), generator=torch.Generator().manual_seed(0))
    path = tmp_path / "documents.txt"
    path.write_text("\n\n".join("ab" * size for size in sizes.tolist()))
    config = DataConfig(name="documents", root=str(path), block=32)
    datasets = open_data(config, "lm", 0).datasets
    assert check_targets(datasets).leaks is False
    batch = datasets["val"].__getitems__([(0, index) for index in range(3)])
    rows = Rows(batch["tokens"], batch["targets"])
    rows.batch = batch | {"targets": batch["targets"].roll(1, 1)}
    assert check_targets({"val": rows}).leaks is True


@pytest.mark.spec("SEQ-062", "validation text that is in the training text")
@pytest.mark.parametrize(("copied", "leaks"), [(0, False), (3, True)])
def test_validation_text_that_is_in_the_training_text_is_found(copied, leaks):
    stories, val = write_stories(0, 12), write_stories(0, 4, split=1)
    tokenizer = build_tokenizer(TokenizerConfig(), stories + val)
    parts = {"train": stories, "val": stories[: 500 * copied] + val}
    rows = {
        split: Rows(
            torch.from_numpy(tokenizer.encode_array(text))[None], torch.zeros(1)
        )
        for split, text in parts.items()
    }
    finding = check_overlap(tokenizer, rows)
    assert finding.leaks is leaks and "runs of 100 tokens" in finding.said


def test_what_is_not_one_text_or_too_short_cannot_be_compared():
    tokenizer = build_tokenizer(TokenizerConfig(), "abc")
    short = Rows(torch.zeros(1, 5, dtype=torch.long), torch.zeros(1))
    assert check_overlap(tokenizer, {"train": short, "val": short}).leaks is None
    assert check_overlap(tokenizer, {"train": object(), "val": object()}).leaks is None


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory) -> dict[str, Path]:
    """An untrained model without its mask, and the same with it."""
    folder, paths = tmp_path_factory.mktemp("checkpoints"), {}
    for name, causal in (("leaky", False), ("honest", True)):
        paths[name] = folder / f"{name}.pt"
        torch.manual_seed(0)
        config = Config(
            data=DataConfig(block=32, toy=ToyConfig(n_train=8, n_val=2, n_test=1)),
            model=ModelConfig("gpt_2023", d_model=16, layers=1, heads=2, causal=causal),
        )
        setup = build(config)
        content = {"config": asdict(config), "data": setup.data}
        save_checkpoint(
            paths[name],
            content
            | {"kind": "weights", "metrics": {}, "model": setup.model.state_dict()},
        )
    return paths


@pytest.mark.spec("SEQ-062", "then exits with 1")
@pytest.mark.parametrize(("name", "code"), [("leaky", 1), ("honest", 0)])
def test_the_script_prints_a_table_or_json_and_exits_by_its_verdict(
    checkpoints, name, code, capsys
):
    wanted = check_leaks(checkpoints[name])
    for more in ((), ("--json",)):
        arguments = ["leak_check.py", "--checkpoint", str(checkpoints[name]), *more]
        with mock.patch("sys.argv", arguments), pytest.raises(SystemExit) as stopped:
            cli.run(script)
        assert stopped.value.code == code
        said = capsys.readouterr().out
        assert (
            json.loads(said) == wanted if more else said == format_report(wanted) + "\n"
        )


def test_a_report_is_a_line_for_each_test_and_a_verdict(checkpoints):
    lines = format_report(check_leaks(checkpoints["leaky"])).splitlines()
    verdicts = [line[line.index("  ") :].split()[0] for line in lines[:4]]
    assert verdicts == ["LEAKS", "LEAKS", "ok", "ok"]
    assert lines[-1].startswith("verdict  IT LEAKS: gradient of logit t")


def test_an_honest_model_has_no_leak_and_its_data_are_looked_at(checkpoints):
    report = check_leaks(checkpoints["honest"])
    assert not report["leaks"] and "no leak found" in format_report(report)
    assert [finding["leaks"] for finding in report["findings"]] == [False] * 4
    alone = check_leaks(checkpoints["honest"], data="none")
    assert len(alone["findings"]) == 2 and not alone["leaks"]


def test_what_cannot_be_asked_is_said(checkpoints):
    with pytest.raises(InputError, match="data = all: default, .* or none"):
        check_leaks(checkpoints["honest"], data="all")


@pytest.mark.parametrize("task", ["pairs", "mlm", "classify"])
def test_a_model_that_is_meant_to_see_all_is_not_checked(saved, task):  # noqa: F811
    with pytest.raises(InputError, match=f"its task is {task}, which sees whole texts"):
        check_leaks(saved(task))


@pytest.mark.spec("SEQ-062", "gets all next throws of a die right")
@pytest.mark.parametrize(("causal", "low", "high"), [(False, 0.99, 1), (True, 0, 0.25)])
def test_the_lesson_a_missing_mask_foretells_a_die(causal, low, high):
    torch.manual_seed(0)
    options = {"d_model": 32, "layers": 1, "heads": 1, "causal": causal}
    model = build_model(ModelConfig("gpt_2020", **options), 6, 16)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    for _ in range(120):
        throws = torch.randint(6, (32, 17))
        logits = model(throws[:, :-1])[0]
        loss = F.cross_entropy(logits.flatten(0, 1), throws[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    throws = torch.randint(6, (64, 17))
    right = (model(throws[:, :-1])[0].argmax(-1) == throws[:, 1:]).float()
    assert low <= right[:, :-1].mean() <= high
    assert right[:, -1].mean() < 0.4  # what follows the last is not there to be seen
