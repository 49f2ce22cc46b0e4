"""What `infer` does with checkpoints of each kind; their weights are random."""

import json
import math
from dataclasses import asdict
from pathlib import Path

import pytest
import torch

from src.generation.generate import window_start
from src.generation.sampling import Sampling
from src.inference import report
from src.inference.infer import Wanted, infer
from src.inference.predictor import load_predictor
from src.inference.scoring import surprise
from src.inference.writing import Writing
from src.training.task import Config, build
from src.utils.checkpoint import save_checkpoint
from src.utils.config import from_dict
from src.utils.errors import FaultError, InputError
from tests.tiny_models import TinyGPT, TinyRNN


SMALL = {"d_model": 16, "layers": 1, "heads": 2}
FEW = {"n_train": 20, "n_val": 10, "n_test": 10}
STORIES = {"name": "toy_grammar", "block": 32, "toy": FEW}
TASK = {"name": "toy_task", "block": 32, "toy_task": FEW}
LABELLED = {"name": "labelled", "block": 16}
LSTM = {"name": "lstm", "embedding": 8, "hidden": 16, "layers": 1}
BYTES = STORIES | {"tokenizer": {"kind": "byte"}}
CONFIGS = {
    "gpt": {"data": STORIES, "model": {"name": "gpt_2023", **SMALL}},
    "lstm": {"data": STORIES, "model": LSTM},
    "bytes": {"data": BYTES, "model": LSTM},
    "pairs": {"data": TASK, "model": {"name": "transformer", **SMALL}},
    "answer": {"data": TASK, "model": {"name": "gpt_2020", **SMALL}},
    "mlm": {"data": STORIES, "model": {"name": "encoder", **SMALL}},
    "classify": {"data": LABELLED, "model": {**LSTM, "name": "gru"}},
}


@pytest.fixture(scope="session")
def saved(tmp_path_factory):
    """Checkpoints by name, made when they are asked for."""
    folder = tmp_path_factory.mktemp("checkpoints")
    labels = "".join(f"good day {i},pos\nbad day {i},neg\n" for i in range(10))
    (folder / "labels.csv").write_text(f"text,label\n{labels}")

    def make(name: str) -> Path:
        path = folder / f"{name}.pt"
        if not path.exists():
            values = {"task": name if name in TASKS else "lm"} | CONFIGS[name]
            if name == "classify":
                root = {"root": str(folder / "labels.csv")}
                values["data"] = values["data"] | root
            config = from_dict(Config, values, "test")
            torch.manual_seed(0)
            setup = build(config)
            content = {"kind": "weights", "config": asdict(config), "data": setup.data}
            save_checkpoint(path, content | {"model": setup.model.state_dict()})
        return path

    return make


TASKS = ("pairs", "answer", "mlm", "classify")


@pytest.fixture
def ask(saved, tmp_path):
    """Call `infer` with a checkpoint by name; options are sorted to their places."""

    def call(name, prompt=None, source=None, *, wanted=None, **how):
        draft = {"draft": saved(how.pop("draft"))} if "draft" in how else {}
        return infer(
            saved(name),
            prompt,
            source,
            tmp_path / "out",
            Writing(**{"length": 20, **how, **draft}),
            wanted or Wanted(),
            "cpu",
        )

    return call


@pytest.mark.spec("SEQ-102", "writes on after a prompt")
@pytest.mark.parametrize("name", ["gpt", "lstm", "bytes"])
def test_a_language_model_writes_on(ask, name, tmp_path):
    done = ask(name, "One day", count=3, seed=5)
    texts = [one["text"] for one in done["texts"]]
    assert len(set(texts)) == 3 and done["prompt"] == "One day"
    assert [len(text) for text in texts] == 3 * [20] or name == "bytes"
    again = ask(name, "One day", count=2, seed=5)
    assert [one["text"] for one in again["texts"]] == texts[:2]
    assert ask(name, "One day", seed=6)["texts"][0]["text"] != texts[0]
    kept = json.loads((tmp_path / "out" / "results.json").read_text())
    assert kept["prompt"] == "One day" and kept["task"] == "lm"
    assert (tmp_path / "out" / "texts.txt").read_text().startswith("One day")


@pytest.mark.spec("SEQ-102", "drawn, greedy, by beam search, with a draft")
def test_each_way_of_writing_writes(ask):
    greedy = ask("gpt", "A", temperature=0.0)["texts"][0]["text"]
    assert ask("gpt", "A", temperature=0.0, seed=9)["texts"][0]["text"] == greedy
    assert ask("gpt", "A", beam=1)["texts"][0]["text"] == greedy
    (drafted,) = ask("gpt", "A", temperature=0.0, draft="lstm")["texts"]
    assert drafted["text"] == greedy
    assert 0 <= drafted["acceptance"] <= 1 and 1 <= drafted["tokens_per_call"] <= 5
    beams = ask("gpt", "A", beam=4, count=3)["texts"]
    scores = [one["score"] for one in beams]
    assert scores == sorted(scores, reverse=True) and len(scores) == 3
    penalised = ask("gpt", "A", temperature=0.0, sampling=Sampling(no_repeat_ngram=1))
    text = penalised["texts"][0]["text"]
    assert len(set(text + "A")) == len(text) + 1


@pytest.mark.spec("SEQ-102", "The text on stdout begins with the prompt")
def test_several_texts_are_numbered_and_json_is_json(ask):
    done = ask("gpt", "Once", count=2)
    lines = report.text(done)
    assert lines.startswith("--- 1 of 2\nOnce") and "\n--- 2 of 2\nOnce" in lines
    assert json.loads(report.text(done, json=True)) == json.loads(
        Path(done["files"]["json"]).read_text()
    )
    assert report.exit_code(done) == 0 and "saved" in report.verdict(done)


@pytest.mark.spec("SEQ-103", "bits per byte of each line and of the whole file")
@pytest.mark.parametrize("name", ["gpt", "lstm", "bytes"])
def test_lines_are_scored_and_the_file_as_a_whole(ask, name, tmp_path):
    file = tmp_path / "lines.txt"
    file.write_text("One day a cat\n\nThe dog was here and there and everywhere\n")
    results = ask(name, source=file, wanted=Wanted(scored=True))["results"]
    assert [one["input"].removeprefix(str(file)) for one in results] == [
        ":1", ":3", " as one text",
    ]  # fmt: skip
    first = results[0]
    assert "".join(one["token"] for one in first["tokens"]) == "One day a cat"
    bits = -sum(math.log2(one["probability"]) for one in first["tokens"])
    assert first["bits_per_byte"] == pytest.approx(bits / 13, rel=1e-5)
    assert results[2]["bytes"] == len(file.read_text())


@pytest.mark.spec("SEQ-103", "each token from the window that generation would give it")
@pytest.mark.parametrize(
    "model", [TinyRNN(7), TinyGPT(7, 64), TinyGPT(7, 6), TinyGPT(7, 1)], ids=repr
)
@pytest.mark.parametrize("total", [2, 7, 40])
def test_surprise_is_that_of_each_window(model, total, monkeypatch):
    monkeypatch.setattr("src.inference.scoring.CHUNK", 9)
    tokens = torch.randint(0, 7, (total,), generator=torch.manual_seed(1))
    wanted = []
    for place in range(1, total):
        start = window_start(place, model.context)
        logits, _ = model(tokens[None, start:place])
        wanted.append(-logits[0, -1].log_softmax(0)[tokens[place]].item())
    assert surprise(model, tokens).tolist() == pytest.approx(wanted)


def test_a_text_without_tokens_has_no_surprise():
    assert surprise(TinyRNN(7), torch.tensor([3])).shape == (0,)


@pytest.mark.spec("SEQ-104", "gives each text its classes with their probabilities")
@pytest.mark.parametrize("kind", ["csv", "jsonl", "txt"])
def test_texts_of_any_file_are_classified(ask, kind, tmp_path):
    texts = ["good day 1", "bad day 2"]
    contents = {
        "csv": "id,text\n1,good day 1\n2,bad day 2\n",
        "jsonl": "".join(json.dumps({"text": text}) + "\n" for text in texts),
        "txt": "good day 1\r\n\nbad day 2",
    }
    file = tmp_path / f"texts.{kind}"
    file.write_text(contents[kind], newline="")
    done = ask("classify", source=file)
    assert [one["given"] for one in done["results"]] == texts
    for one in done["results"]:
        assert {guess["class"] for guess in one["top"]} == {"pos", "neg"}
        assert sum(guess["probability"] for guess in one["top"]) == pytest.approx(1)
        alone = ask("classify", one["given"])["results"][0]["top"]
        assert alone[0]["class"] == one["top"][0]["class"]
        assert alone[0]["probability"] == pytest.approx(one["top"][0]["probability"])
    assert report.text(done).count("\n") == 3


@pytest.mark.spec("SEQ-105", "answers a question as it would alone")
@pytest.mark.parametrize("name", ["pairs", "answer"])
def test_questions_are_answered_together_as_alone(ask, name, tmp_path):
    questions = ["abc", "j", "fedcba", "ghgh"]
    file = tmp_path / "questions.txt"
    file.write_text("\n".join(questions))
    done = ask(name, source=file)
    answers = [one["answer"] for one in done["results"]]
    assert answers == [ask(name, q)["results"][0]["answer"] for q in questions]
    found = [one["answer"] for one in ask(name, source=file, beam=3)["results"]]
    assert found == [ask(name, q, beam=3)["results"][0]["answer"] for q in questions]
    assert report.text(done).startswith("question")


@pytest.mark.spec("SEQ-105", "fills each <|mask|> with its likeliest tokens")
def test_what_is_hidden_is_found(ask, saved):
    done = ask("mlm", "A <|mask|>at and <|mask|>", wanted=Wanted(top=2))
    (one,) = done["results"]
    predictor = load_predictor(saved("mlm"))
    ids = predictor.tokenizer.encode("A <|mask|>at and <|mask|>", "all")
    with torch.no_grad():
        logits = predictor.model(torch.tensor([ids]), torch.ones(1, len(ids)).bool())
    logits[..., list(predictor.tokenizer.specials.values())] = -torch.inf
    for found, place in zip(one["masks"], (2, 10), strict=True):
        shares, best = logits[0, place].softmax(0).topk(2)
        assert [g["token"] for g in found] == [
            predictor.tokenizer.decode([i]) for i in best.tolist()
        ]
        assert [g["probability"] for g in found] == pytest.approx(shares.tolist())
    first, second = (found[0]["token"] for found in one["masks"])
    assert one["text"] == f"A {first}at and {second}"
    assert report.text(done).count("\n") == 3


@pytest.mark.spec("SEQ-106", "is refused, or listed among others, in one sentence")
@pytest.mark.parametrize(
    "name, call, said",
    [
        ("gpt", {"prompt": "été"}, "--prompt: character 'é' (U+00E9"),
        ("gpt", {"prompt": "a", "source": Path("b")}, "give --prompt or --input, not"),
        ("gpt", {"source": Path("missing.txt")}, "missing.txt: no such file"),
        ("gpt", {"prompt": "ab\udcff"}, "--prompt: byte ff at offset 2 is not UTF-8"),
        ("gpt", {"count": 0}, "--count 0: must be 1 or more"),
        ("gpt", {"beam": 2, "count": 3}, "--count 3: a beam of 2 finds 2 texts"),
        ("gpt", {"beam": 2, "temperature": 1.0}, "--beam draws nothing: leave out"),
        ("gpt", {"beam": 2, "sampling": Sampling(top_p=0.5)}, "--beam draws nothing"),
        ("gpt", {"draft": "bytes"}, "has another tokenizer. Train both"),
        ("gpt", {"draft": "pairs"}, "is no language model, but pairs"),
        ("gpt", {"guesses": 99}, "--guesses 99: must be 1 to 64"),
        ("gpt", {"wanted": Wanted(scored=True)}, "say what to read: --input FILE"),
        ("gpt", {"wanted": Wanted(scored=True, streamed=True)}, "--score and --stream"),
        ("gpt", {"wanted": Wanted(quality=True)}, "--quality compares texts: give"),
        ("pairs", {}, "say what to read: --input FILE, --input - or --prompt TEXT"),
        ("pairs", {"wanted": Wanted(scored=True)}, "--score is for language models;"),
        ("mlm", {"prompt": "a", "wanted": Wanted(top=0)}, "--top 0: must be 1 or more"),
    ],
)
def test_what_cannot_be_done_is_refused(ask, name, call, said):
    with pytest.raises(InputError) as caught:
        ask(name, **call)
    assert said in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.spec("SEQ-106", "is refused, or listed among others, in one sentence")
@pytest.mark.parametrize(
    "name, text, said",
    [
        ("pairs", "abcx", "character 'x'"),
        ("pairs", "abc" * 20, "60 tokens are more than the context of 32"),
        ("answer", "a" * 31, "33 tokens are more than the context of 32"),
        ("mlm", "no gap", "hides nothing; write <|mask|> for"),
        ("classify", "", "is empty; give a text"),
        ("score", "", "is empty; give a text"),
    ],
)
def test_a_text_that_cannot_be_read_is_listed(ask, name, text, said):
    scored = name == "score"
    done = ask("gpt" if scored else name, text, wanted=Wanted(scored=scored))
    assert not done["results"] and report.exit_code(done) == 2
    assert done["failures"][0]["reason"].startswith("--prompt: ")
    assert said in done["failures"][0]["reason"]
    assert "0 of 1 done" in report.verdict(done)


@pytest.mark.parametrize("line", [1, 3])
def test_a_table_that_is_no_csv_is_named_with_its_line(ask, line, tmp_path):
    lines = ["text,label", "A day,pos", "A cat,neg"]
    lines[line - 1] = '"te"xt,label'
    (tmp_path / "t.csv").write_text("\n".join(lines))
    with pytest.raises(InputError, match=f"t.csv:{line}: is not CSV"):
        ask("classify", source=tmp_path / "t.csv")


def test_results_that_cannot_be_written_are_named(ask, tmp_path):
    (tmp_path / "out" / "results.json").mkdir(parents=True)
    with pytest.raises(InputError, match="--out .*out: cannot be written"):
        ask("gpt", "A", length=2)


@pytest.mark.spec("SEQ-106", "A prompt longer than the context is cut")
def test_a_long_prompt_is_said_to_be_cut(ask, caplog, monkeypatch):
    monkeypatch.setattr("src.inference.writing.log.propagate", True)
    done = ask("gpt", "One day " * 5)
    assert "40 tokens are more than the context of 32; the model sees the last 23" in (
        caplog.text
    )
    assert len(done["texts"][0]["text"]) == 20


@pytest.mark.spec("SEQ-106", "of which a classifier sees the beginning")
def test_long_texts_of_a_classifier_are_counted(ask, caplog, monkeypatch, tmp_path):
    monkeypatch.setattr("src.inference.infer.log.propagate", True)
    file = tmp_path / "texts.txt"
    file.write_text("good day 1\nbad day 22222222\nbad day 22222222 good good\n")
    one, two, three = ask("classify", source=file)["results"]
    assert two["top"] == three["top"] != one["top"]
    said = "1 of 3 texts have more than 16 tokens, the context; the model sees their"
    assert f"{said} beginning. The first is {file}:3" in caplog.text


@pytest.mark.spec("SEQ-106", "Without a prompt a text begins with BOS, or else a line")
def test_without_a_prompt_a_text_begins_as_a_line(ask, saved):
    assert load_predictor(saved("answer")).beginning == [
        load_predictor(saved("answer")).tokenizer.specials["<|bos|>"]
    ]
    assert load_predictor(saved("gpt")).text(
        load_predictor(saved("gpt")).beginning
    ) == ("\n")
    assert ask("gpt", "")["texts"] == ask("gpt", None)["texts"]


@pytest.mark.parametrize(
    ("name", "prompt"),
    [
        ("classify", "good day"), ("mlm", "A <|mask|>at"), ("gpt", "A"),
        ("pairs", "abc"), ("answer", "abc"),
    ],
)  # fmt: skip
def test_nan_is_a_fault(saved, tmp_path, monkeypatch, name, prompt):
    original = load_predictor(saved(name))
    for weight in original.model.parameters():
        torch.nn.init.constant_(weight, torch.nan)
    monkeypatch.setattr("src.inference.infer.load_predictor", lambda *_: original)
    with pytest.raises(FaultError, match="the model gives NaN"):
        infer(saved(name), prompt, out=tmp_path)
