"""Scores of a split: against each utterance alone, side by side, as files."""

import csv
import json
import shutil
import subprocess
import sys

import pytest

from src.audio.front_end import FrontEnd
from src.data import open_data
from src.inference import evaluate as module
from src.inference import report
from src.inference.evaluate import evaluate, text
from src.inference.recognizer import Recognizer
from src.inference.scores import Said, disagreements, summary
from src.metrics.error_rate import cer, count_errors, wer
from src.metrics.report import score
from src.utils.errors import FaultError, InputError
from tests.spoken import CONFIG, RATE, ROOT, TOKENIZER, call, make_checkpoint


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return make_checkpoint(tmp_path_factory.mktemp("run"))


@pytest.fixture(autouse=True)
def quick(request, monkeypatch):
    """Two tests draw their picture."""
    if "picture" not in request.fixturenames:
        monkeypatch.setattr(report, "draw_errors", lambda *_: None)


@pytest.fixture
def picture():
    """Asked for by a test that draws."""


def split(name="test"):
    """Waveforms and texts of the toy tones."""
    trained = TOKENIZER, FrontEnd(CONFIG.features)
    opened = open_data(
        CONFIG.data, CONFIG.features, CONFIG.tokenizer, CONFIG.seed, trained
    )
    data = opened.datasets[name]
    texts = data.__getitems__([(0, i) for i in range(len(data))])["text"]
    return [data.waveform(0, i) for i in range(len(data))], texts


@pytest.mark.spec("ASR-125", "equals what the model says of each utterance alone")
@pytest.mark.parametrize("method", ["nar", "ctc", "ctc_beam"])
def test_counts_are_those_of_each_utterance_alone(checkpoint, tmp_path, method):
    result = evaluate(checkpoint, "test", tmp_path, method=method, device="cpu")
    recognizer = Recognizer.load(checkpoint)
    waveforms, texts = split()
    said = [recognizer.transcribe(w, RATE, method=method).text for w in waveforms]
    found = result["methods"][method]
    counts = [count_errors(t, s) for t, s in zip(texts, said, strict=True)]
    assert found["tokens"]["errors"] == sum(c.errors for c in counts) > 0
    assert found["tokens"]["reference"] == sum(c.reference for c in counts)
    assert found["characters"] == cer(texts, said).to_dict()
    assert found["words"] == wer(texts, said).to_dict()
    assert found["utterances_right"] == sum(c.errors == 0 for c in counts)
    with open(tmp_path / "test.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["text"] for row in rows] == said
    assert [row["reference"] for row in rows] == list(texts)
    worst = max(range(len(counts)), key=lambda i: counts[i].errors)
    assert counts[worst].errors == result["worst"][0]["errors"]


@pytest.mark.spec("ASR-125", "rates, intervals, RTF, and where they disagree")
@pytest.mark.spec("ASR-111", "both seconds are given, and warming up is not counted")
def test_several_methods_stand_side_by_side(checkpoint, tmp_path, monkeypatch):
    calls, clock = [], iter(range(10**6))
    original = module.search
    monkeypatch.setattr(module, "_now", lambda device: next(clock))
    monkeypatch.setattr(module, "BATCH", 8)

    def counted(loaded, features, lengths, method):
        calls.append(method)
        return original(loaded, features, lengths, method)

    monkeypatch.setattr(module, "search", counted)
    result = evaluate(checkpoint, "", tmp_path, method="nar, ctc,nar", device="cpu")
    assert result["split"] == "test" and list(result["methods"]) == ["nar", "ctc"]
    assert calls == ["nar", "nar", "ctc", "ctc"] + ["nar", "ctc"] * 2
    speed = result["methods"]["nar"]["speed"]
    assert speed["processing_s"] == 3  # three batches, a tick each
    assert speed["audio_s"] == pytest.approx(result["audio_s"]) and speed["rtf"] > 0
    (pair,) = result["disagreements"]
    rows = {}
    with open(tmp_path / "test.csv", newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            rows.setdefault(row["id"], {})[row["method"]] = row
    differ = [i for i, r in rows.items() if r["nar"]["text"] != r["ctc"]["text"]]
    assert pair["ids"] == differ and pair["utterances"] == len(differ) > 0
    right = pair["only_first_right"] + pair["only_second_right"]
    assert right + pair["neither_right"] == len(differ)
    low, high = pair["difference_interval_95"]
    assert low <= pair["difference"] <= high
    shown = text(result)
    assert "nar and ctc differ in" in shown and "--split val" in shown
    assert "RTFx" in shown and "WER" in shown


def test_who_is_right_where_two_methods_differ():
    references = ("one two", "one two", "one", "two")

    def said(*texts):
        scored = [
            score(str(i), true.split(), text.split(), seconds=1.0)
            for i, (true, text) in enumerate(zip(references, texts, strict=True))
        ]
        return Said(scored, references, texts, 1.0)

    first = said("one two", "one", "one", "two")
    second = said("one two one", "one two", "one", "one one")
    (pair,) = disagreements({"first": first, "second": second})
    assert (pair["only_first_right"], pair["only_second_right"]) == (2, 1)
    assert (pair["neither_right"], pair["ids"]) == (0, ["0", "1", "3"])
    assert pair["difference"] == pytest.approx(1 / 6 - 3 / 6)
    assert summary(first)["tokens_too_many"] == -1
    assert summary(second)["tokens_too_many"] == 2


@pytest.mark.spec("ASR-126", "strict JSON, a report, a table of all utterances and a")
def test_results_lie_in_the_run_of_the_checkpoint(
    monkeypatch, capsys, tmp_path, picture
):
    path = make_checkpoint(tmp_path / "run")
    given = ("--checkpoint", path, "--device", "cpu", "--method", "all")
    assert call(monkeypatch, "eval", *given, "--split", "val") == 0
    out = capsys.readouterr().out
    folder = tmp_path / "run/eval"
    assert {p.name for p in folder.iterdir()} == {
        *("val.json", "val.txt", "val.csv", "val.png")
    }
    result = json.loads((folder / "val.json").read_text(), parse_constant=pytest.fail)
    assert list(result["methods"]) == ["nar", "nar_beam", "ctc", "ctc_beam"]
    assert result["utterances"] == 5
    assert (folder / "val.png").read_bytes()[:4] == b"\x89PNG"
    assert "val chose the checkpoint" in out and str(folder / "val.json") in out
    assert (folder / "val.txt").read_text().splitlines()[0] == out.splitlines()[0]
    table = result["methods"]["nar"]["confusion_table"]
    counts = result["methods"]["nar"]["tokens"]
    assert sum(map(sum, table["times"][:-1])) == counts["reference"]
    assert sum(table["times"][-1]) == counts["insertions"]


@pytest.mark.spec("ASR-126", "strict JSON, a report, a table of all utterances and a")
def test_another_checkpoint_of_a_run_keeps_files_of_its_own(tmp_path):
    best = make_checkpoint(tmp_path / "run")
    average = best.with_name("average.pt")
    shutil.copy(best, average)
    for path in (best, average):
        evaluate(path, "val", device="cpu", quiet=True)
    folder = tmp_path / "run/eval"
    assert {p.name for p in folder.glob("*.json")} == {"val.json", "val-average.json"}
    for name, path in (("val", best), ("val-average", average)):
        found = json.loads((folder / f"{name}.json").read_text())
        assert found["checkpoint"] == str(path)
    evaluate(average, "val", tmp_path / "out", device="cpu", quiet=True)
    assert (tmp_path / "out/val.json").exists()


def test_the_report_says_what_its_table_means(checkpoint, tmp_path):
    shown = text(evaluate(checkpoint, "val", tmp_path, device="cpu", quiet=True))
    assert "rate = token errors / true tokens; (d->*): said d, heard nothing" in shown
    assert "confidence against accuracy: " in shown and " points apart" in shown


def test_help_names_all_methods_at_once():
    command = [sys.executable, "scripts/eval.py", "--help"]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=200
    )
    assert done.returncode == 0 and "auto, all, or" in done.stdout


def test_json_is_alone_on_stdout(monkeypatch, capsys, checkpoint, tmp_path):
    given = ("--checkpoint", checkpoint, "--device", "cpu", "--out", tmp_path)
    assert call(monkeypatch, "eval", *given, "--json") == 0
    assert json.loads(capsys.readouterr().out)["utterances"] == 20


@pytest.mark.parametrize("name", ["transformer", "ctc"])
def test_other_models_are_scored_too(tmp_path, name, picture):
    path = make_checkpoint(tmp_path / "run", name=name)
    result = evaluate(path, "val", method="all", device="cpu", quiet=True)
    first = next(iter(result["methods"].values()))
    assert first["tokens"]["reference"] > 0 and len(first["calibration_bins"]) == 10
    assert text(result).count("\n") > 10


@pytest.mark.parametrize(
    ("option", "words"),
    [
        (("--split", "dev"), "--split dev: this data has train, val, test"),
        (("--method", "ar"), "has auto, nar, nar_beam, ctc, ctc_beam, all\n"),
        (("--method", ""), "--method : this model has auto, nar"),
        (("--device", "tpu"), "choose one of auto, cpu, cuda, mps"),
        (("--out", "/proc/no"), "--out /proc/no cannot be written"),
    ],
)
def test_a_wrong_option_is_refused_in_one_sentence(
    monkeypatch, capsys, checkpoint, option, words
):
    assert call(monkeypatch, "eval", "--checkpoint", checkpoint, *option) == 2
    out, err = capsys.readouterr()
    assert out == "" and words in err and len(err.strip().splitlines()) <= 2


def test_a_full_disk_is_a_fault_in_one_sentence(checkpoint, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(report, "write_bytes", full)
    with pytest.raises(FaultError, match="cannot write to .*No space left"):
        evaluate(checkpoint, "val", tmp_path, device="cpu", quiet=True)


def test_a_split_without_utterances_is_refused(checkpoint, tmp_path, monkeypatch):
    class Nothing:
        datasets = {"val": []}

    monkeypatch.setattr(module, "reopen_data", lambda loaded: Nothing)
    with pytest.raises(InputError, match="--split val: this data has no utterance"):
        evaluate(checkpoint, "", tmp_path, device="cpu")


def test_the_data_can_be_changed_and_nothing_else(checkpoint, tmp_path):
    keys = {"device": "cpu", "quiet": True}
    few = evaluate(checkpoint, "test", tmp_path, changes=["data.toy.n_test=2"], **keys)
    assert few["utterances"] == 2
    with pytest.raises(InputError, match="model.d_model=2: only data.KEY=VALUE"):
        evaluate(checkpoint, "test", tmp_path, changes=["model.d_model=2"], **keys)
    with pytest.raises(InputError, match="data.toy.n_tests"):
        evaluate(checkpoint, "test", tmp_path, changes=["data.toy.n_tests=2"], **keys)
