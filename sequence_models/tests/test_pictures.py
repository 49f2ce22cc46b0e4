"""The picture of what a model makes of validation data, for each task."""

from types import SimpleNamespace

import pytest
import torch

from src.training import pictures
from src.training.pictures import RIGHT, WRONG, _named, draw_predictions
from src.training.task import Config, build
from src.utils.config import from_dict
from src.utils.text_picture import COLUMNS, Piece, draw_text, wrap
from tests.test_infer import CONFIGS


LETTERS = 70


def setup_of(name, **data):
    values = {"task": name if name in ("pairs", "answer", "mlm", "classify") else "lm"}
    values |= CONFIGS[name]
    values["data"] = values["data"] | data
    torch.manual_seed(0)
    return build(from_dict(Config, values))


@pytest.fixture
def drawn(monkeypatch, tmp_path):
    """What is given to `draw_text`, which is called all the same."""
    given = SimpleNamespace()

    def note(paragraphs, path, title, legend):
        given.paragraphs = [list(pieces) for pieces in paragraphs]
        given.title, given.legend = title, legend
        draw_text(given.paragraphs, path, title, legend)

    def draw(setup):
        monkeypatch.setattr(pictures, "draw_text", note)
        monkeypatch.setattr(pictures, "LETTERS", LETTERS)
        path = tmp_path / "picture.png"
        draw_predictions(setup, torch.device("cpu"), path, "run-001")
        assert path.read_bytes().startswith(b"\x89PNG")
        assert given.title.startswith("run-001 · ")
        return given

    return draw


def text_of(pieces):
    return "".join(piece.text for piece in pieces)


@pytest.mark.parametrize("name", ["gpt", "bytes"])
def test_a_text_is_coloured_by_surprise_above_a_sample(drawn, name):
    setup = setup_of(name)
    read, _, (sample,) = drawn(setup).paragraphs
    tokens = torch.as_tensor(setup.datasets["val"].tokens[1 : LETTERS + 1]).tolist()
    assert text_of(read) == setup.opened.tokenizer.decode(tokens)
    batch = setup.datasets["val"].__getitems__([(0, 0)])
    logits = setup.model.eval()(batch["tokens"])[0][0]
    p = logits.softmax(-1)[torch.arange(32), batch["targets"][0]]
    assert [one.surprise for one in read[:32]] == pytest.approx(
        (1 - p).tolist(), abs=0.01
    )
    assert LETTERS / 2 < len(sample.text) <= LETTERS and sample.surprise == 0


def test_hidden_words_are_filled_in(drawn):
    setup = setup_of("mlm")
    (pieces,) = drawn(setup).paragraphs
    batch = setup.datasets["val"].__getitems__([(0, 0)])
    guess = setup.model(batch["tokens"], batch["pad_mask"])[0].argmax(-1)
    for place, piece in enumerate(pieces[:32]):
        token, true = batch["tokens"][0, place], batch["targets"][0, place]
        if true == -100:
            wanted = Piece(setup.opened.tokenizer.decode([int(token)]), 0.0)
        else:
            depth = RIGHT if guess[place] == true else WRONG
            wanted = Piece(_named(setup.opened.tokenizer, [int(guess[place])]), depth)
        assert piece == wanted


@pytest.mark.parametrize("name", ["pairs", "answer"])
def test_wrong_tokens_of_an_answer_are_coloured(drawn, name):
    setup = setup_of(name)
    lines = drawn(setup).paragraphs
    assert len(lines) == 10
    batch = setup.datasets["val"].__getitems__([(0, i) for i in range(10)])
    guess = setup.task.logits(setup.model, batch).argmax(-1)
    for row, (question, *answer) in enumerate(lines):
        scored = batch["targets"][row] != -100
        wrong = (guess[row] != batch["targets"][row])[scored]
        assert [piece.surprise > 0 for piece in answer] == wrong.tolist()
        assert question.text.endswith("<|sep|> -> " if name == "answer" else " -> ")


def test_each_text_has_its_class(drawn, tmp_path):
    labels = "".join(f"good day {i},pos\nbad day {i},neg\n" for i in range(10))
    (tmp_path / "labels.csv").write_text(f"text,label\n{labels}")
    setup = setup_of("classify", root=str(tmp_path / "labels.csv"))
    lines = drawn(setup).paragraphs
    keys = [(0, i) for i in range(len(setup.datasets["val"]))]
    targets = setup.datasets["val"].__getitems__(keys)["target"]
    for (said, text), target in zip(lines, targets, strict=True):
        name, share = said.text.split()
        assert name in ("neg", "pos") and 0.5 <= float(share) <= 1
        right = setup.opened.info.class_names.index(name) == target
        assert said.surprise == (0 if right else WRONG)
        assert " day " in text.text


def test_lines_are_as_wide_as_the_grid_and_end_at_line_ends():
    lines = wrap([Piece("a" * (COLUMNS + 3), 0.2), Piece("b\nc\t"), Piece("\n")])
    assert [text_of(line) for line in lines] == ["a" * COLUMNS, "aaab↵", "c·↵"]
    assert lines[1][0] == Piece("aaa", 0.2) and lines[1][1].surprise == 0
    assert wrap([]) == [[]]


def test_any_text_can_be_drawn(tmp_path):
    strange = "$x^2$ \\frac 漢字 \u0000 \ud800 é\n"
    draw_text([[Piece(strange, 1.0)], []], tmp_path / "a.png", strange, "100 %")
    assert (tmp_path / "a.png").stat().st_size > 1000
