"""A checkpoint alone is scored, asked about inputs, and writes text."""

import csv
import json

import numpy as np
import pytest
import scripts.eval as eval_script
import scripts.infer as infer_script
from PIL import Image
from sklearn import metrics as reference

from src.data import open_data
from src.data.toy_digits import toy_digits
from src.inference.evaluate import evaluate
from src.inference.infer import infer
from src.inference.predictor import load_predictor
from src.training.predict import continue_text, probabilities, softmax
from src.utils.checkpoint import load_checkpoint, save_checkpoint
from src.utils.errors import InputError
from tests.tiny import run_script, start


LEARNT = ("data.count=400", "data.batch_size=40", "optim.lr=1e-2", "train.ema=0",
          "model.dropout=0", "model.hidden=[32]", "data.augment.crop=0")  # fmt: skip


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    out = tmp_path_factory.mktemp("digits")
    assert start(out, *LEARNT) == 0
    return out / "run"


@pytest.fixture(scope="module")
def best(run):
    return run / "checkpoints/best.npz"


@pytest.fixture(scope="module")
def writer(tmp_path_factory):
    """The checkpoint of a language model."""
    out = tmp_path_factory.mktemp("text")
    text = out / "text.txt"
    text.write_text("abcdefgh\n" * 60)
    settings = (
        "data={name: text, block: 8, batch_size: 16, epoch_windows: 320, "
        f"root: {json.dumps(str(text))}}}",
        "model={name: gpt, d_model: 16, n_heads: 2}",
        "optim.lr=1e-2", "train.ema=0", "train.monitor=loss", "train.mode=min",
    )  # fmt: skip
    assert start(out, *settings) == 0
    return out / "run/checkpoints/best.npz"


@pytest.fixture
def images(tmp_path):
    """Twelve drawn digits, two of each class at the most, and one file that is none."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for i, (image, label) in enumerate(zip(*toy_digits(12, 7), strict=True)):
        Image.fromarray(image).save(folder / f"{label}_{i}.png")
    (folder / "notes.txt").write_text("no image")
    return folder


@pytest.mark.spec("AGE-087", "equal scikit-learn's")
def test_the_figures_of_eval_equal_those_of_scikit_learn(best, tmp_path):
    result = evaluate(best, "test", tmp_path)
    predictor = load_predictor(best)
    test = open_data(predictor.config.data, predictor.config.seed).test
    chance = probabilities(predictor.model, test, batch_size=7)
    truth, guess = test.labels, chance.argmax(1)
    assert result["accuracy"] == reference.accuracy_score(truth, guess) > 0.5
    assert result["loss"] == pytest.approx(reference.log_loss(truth, chance), rel=1e-5)
    assert result["confusion"] == reference.confusion_matrix(truth, guess).tolist()
    for name in ("precision", "recall"):
        score = getattr(reference, f"{name}_score")
        known = score(truth, guess, average=None, zero_division=0)
        ours = [row[name] for row in result["classes"].values()]
        np.testing.assert_array_equal(np.nan_to_num(ours), known)
    low, high = result["accuracy_interval_95"]
    assert low < result["accuracy"] < high and result["samples"] == 200
    assert json.loads((tmp_path / "test.json").read_text())["loss"] == result["loss"]
    assert (tmp_path / "test_confusion.png").stat().st_size > 1000


@pytest.mark.spec("AGE-087", "on the samples of the named split")
def test_eval_of_val_repeats_what_training_measured(best, tmp_path, capsys):
    where = ("--checkpoint", best, "--out", tmp_path)
    assert run_script(eval_script.command, *where, "--split", "val", "--json") == 0
    shown = json.loads(capsys.readouterr().out)
    measured = load_checkpoint(best)["metrics"]
    assert {name: shown[name] for name in measured} == pytest.approx(measured)
    assert run_script(eval_script.command, *where, "--split", "train") == 0
    said = capsys.readouterr().out
    assert "digits train · 400 samples" in said and "has seen these samples" in said
    assert "95 % interval" in said and f"saved  {tmp_path}/train.json" in said


def test_data_that_changed_is_noted(best, tmp_path):
    content = load_checkpoint(best)
    other = content["data"] | {"fingerprint": "other"}
    save_checkpoint(tmp_path / "best.npz", content | {"data": other})
    notes = evaluate(tmp_path / "best.npz", out=tmp_path)["notes"]
    assert notes == ["the data is not what the model was trained on"]


@pytest.mark.spec("AGE-088", "from the checkpoint alone")
def test_images_are_named(best, images, tmp_path, capsys):
    out = tmp_path / "answers"
    arguments = ("--checkpoint", best, "--input", images, "--out", out)
    assert run_script(infer_script.command, *arguments) == 0
    said = capsys.readouterr()
    assert said.err == f"12 of 12 done · {out}/predictions.json\n"
    lines = [line.split() for line in said.out.splitlines()[1:]]
    right = [name[0] == answer for name, answer, _ in lines]
    assert len(right) == 12 and sum(right) >= 6
    with open(out / "predictions.csv", newline="") as file:
        table = list(csv.DictReader(file))
    assert [row["class"] for row in table] == [answer for _, answer, _ in lines]
    assert sum(float(table[0][c]) for c in "0123456789") == pytest.approx(1, abs=1e-4)


@pytest.mark.spec("AGE-088", "A file that cannot be read is named")
def test_a_bad_image_does_not_stop_the_others(best, images, tmp_path, capsys):
    (images / "broken.png").write_text("not an image")
    arguments = ("--checkpoint", best, "--input", images, "--out", tmp_path / "out")
    assert run_script(infer_script.command, *arguments, "--json") == 2
    said = capsys.readouterr()
    assert "12 of 13 done, 1 failed" in said.err and "broken.png: is not" in said.err
    done = json.loads(said.out)
    assert [f["input"] for f in done["failures"]] == ["broken.png"]
    assert len(done["predictions"]) == 12
    assert run_script(infer_script.command, *arguments, "--skip-bad") == 0


@pytest.mark.spec("AGE-088", "the same seed writes the same text")
def test_a_language_model_goes_on(writer, tmp_path, capsys):
    arguments = ("--checkpoint", writer, "--prompt", "abc", "--tokens", "40")
    where = ("--out", tmp_path)
    texts = []
    for more in ([], [], ["--seed", "1", "--temperature", "3"]):
        assert run_script(infer_script.command, *arguments, *where, *more) == 0
        texts.append(capsys.readouterr().out)
    assert texts[0] == texts[1] != texts[2]
    assert len(texts[0]) == 3 + 40 + 1 and texts[0].startswith("abc")
    assert (tmp_path / "sample.txt").read_text() == texts[2]
    likeliest = ("--temperature", "0")
    assert run_script(infer_script.command, *arguments, *where, *likeliest) == 0
    assert capsys.readouterr().out == ("abcdefgh\n" * 5)[:43] + "\n"


def test_a_prompt_may_be_a_file_or_left_out(writer, tmp_path):
    (tmp_path / "prompt.txt").write_text("hello"[0] + "gab")
    done = infer(writer, tmp_path / "prompt.txt", tmp_path)
    assert done["prompt"] == "hgab" and len(done["text"]) == 300
    assert infer(writer, out=tmp_path)["prompt"] == "\n"


def test_a_text_is_scored_by_the_character(writer, tmp_path):
    result = evaluate(writer, "test", tmp_path)
    assert result["samples"] == 53  # a tenth of the text, less its first character
    assert result["perplexity"] == pytest.approx(np.exp(result["loss"]))
    assert "classes" not in result and len(result["files"]) == 1


def test_top_k_leaves_the_likeliest():
    class Fixed:
        def eval(self):
            return self

        def __call__(self, ids):
            rows = np.broadcast_to(np.array([0.0, 1.0, 2.0, 0.5]), (*ids.shape, 4))
            return type(ids)(rows.copy())

    ids = np.array([0])
    two = continue_text(Fixed(), ids, 200, 4, top_k=2)
    every = continue_text(Fixed(), ids, 2000, 4)
    assert set(two) == {1, 2} and set(every) == {0, 1, 2, 3}
    shares = np.bincount(every) / 2000
    np.testing.assert_allclose(shares, softmax(np.array([0, 1, 2, 0.5])), atol=0.05)


@pytest.mark.spec("AGE-081", "2 bad input")
@pytest.mark.parametrize(
    ("model", "arguments", "words"),
    [
        ("digits", ["--input", "{tmp}/none.png"], "none.png"),
        ("digits", ["--input", "{tmp}"], "no file ends with"),
        ("digits", [], "say what to predict: --input FILE or DIR"),
        ("digits", ["--prompt", "x"], "this model classifies digits data"),
        ("text", ["--prompt", "xyz"], "has the character 'x'"),
        ("text", ["--tokens", "0"], "--tokens 0: must be >= 1"),
        ("text", ["--temperature", "-1"], "--temperature -1.0: must be >= 0"),
        ("text", ["--top-k", "-1"], "--top-k -1: must be >= 0"),
        ("text", ["--seed", "-1"], "--seed -1: must be >= 0"),
        ("text", ["--prompt", "a", "--input", "{tmp}/x"], "not both"),
        ("text", ["--device", "tpu"], "--device tpu: one of"),
    ],
)
def test_a_bad_question_is_one_sentence(
    best, writer, tmp_path, capsys, model, arguments, words
):
    checkpoint = best if model == "digits" else writer
    given = [argument.format(tmp=tmp_path) for argument in arguments]
    assert run_script(infer_script.command, "--checkpoint", checkpoint, *given) == 2
    said = capsys.readouterr()
    assert words in said.err and said.err.count("\n") == 1 and said.out == ""


@pytest.mark.parametrize(
    ("data", "words"),
    [({}, "KeyError"), ({"info": {"name": "idx"}, "fingerprint": ""}, "KeyError")],
)
def test_a_checkpoint_that_says_too_little_is_one_sentence(best, tmp_path, data, words):
    path = tmp_path / "best.npz"
    save_checkpoint(path, load_checkpoint(best) | {"data": data})
    with pytest.raises(InputError, match=f"does not say what its model is .*{words}"):
        evaluate(path)


def test_a_split_or_folder_that_cannot_be_is_one_sentence(best, tmp_path):
    with pytest.raises(InputError, match="--split tset: one of train, val, test"):
        evaluate(best, "tset")
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="--out .*file/x cannot be written"):
        evaluate(best, out=tmp_path / "file/x")
