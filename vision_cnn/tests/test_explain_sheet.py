"""`scripts/explain.py`: which images, which class, the sheet, the table, exit codes."""

import json
import re
import shlex
from dataclasses import replace

import matplotlib.figure
import pytest
import torch
from torch import nn

from src.data import AugmentConfig, build_datasets
from src.explain.attributions import METHODS
from src.explain.explanation import class_index, explain_image
from src.explain.inputs import Subjects
from src.explain.sheet import colour_scale, draw_sheet
from src.models import ModelConfig
from src.training.load import load_model
from src.utils.errors import InputError
from tests.checkpoints import CONFIG, INFO, call, make_checkpoint, save_image
from tests.png import size_of


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return make_checkpoint(tmp_path_factory.mktemp("run"))


@pytest.fixture
def pictures():
    """Asked for by a test that draws."""


@pytest.fixture(autouse=True)
def quick(request, monkeypatch):
    if "pictures" not in request.fixturenames:
        empty = matplotlib.figure.Figure(figsize=(1, 1))
        monkeypatch.setattr("src.explain.sheet.draw_sheet", lambda *_: empty)


@pytest.fixture
def explain(monkeypatch, capsys, checkpoint):
    """Run the script; gives exit code, stdout, stderr."""

    def explain(*arguments, checkpoint=checkpoint):
        given = ("--checkpoint", checkpoint, "--device", "cpu", *arguments)
        return call(monkeypatch, "explain", *given), *capsys.readouterr()

    return explain


def texts_of(figure) -> str:
    """All that is written on a figure."""
    return "\n".join(t.get_text() for t in figure.findobj(matplotlib.text.Text))


def explained(checkpoint, source="val:1", **options):
    loaded = load_model(checkpoint)
    subject = Subjects([source], loaded).read(source)
    return loaded, explain_image(loaded, subject, **options)


@pytest.mark.spec("CNN-093", "writes a sheet for each image of a file")
@pytest.mark.spec("CNN-093", "the raw range of each map and the completeness error")
def test_a_file_gets_a_sheet_and_a_table(explain, pictures, tmp_path):
    file = save_image(tmp_path / "cat.jpg")
    code, out, err = explain("--input", file, "--out", tmp_path / "out/why.png")
    assert code == 0
    assert size_of(tmp_path / "out/why.png")[0] >= 1000
    rows = out.splitlines()[3:]
    assert [row.split("  ")[0] for row in rows] == [m.title for m in METHODS.values()]
    assert out.startswith(f"{file}: ") and "completeness error" in out
    assert f"saved  {tmp_path / 'out/why.png'}" in err
    assert "next   python scripts/explain.py --checkpoint" in err


@pytest.mark.spec("CNN-093", "a split")
def test_an_image_of_a_split_is_named_as_the_data_names_it(explain, checkpoint):
    code, out, err = explain("--input", "val:3", "--json")
    (image,) = json.loads(out)["images"]
    assert code == 0 and image["input"] == "val:3" and image["true"] is not None
    assert image["name"] == "val-00003"
    sheet = checkpoint.parents[1] / "explained/val_3.png"
    assert image["sheet"] == str(sheet) and sheet.exists()
    assert set(image["ranges"]) == set(METHODS)
    sums = image["integrated_gradients"]
    assert sums["completeness_error"] == pytest.approx(
        sums["sum"] - sums["score_difference"]
    )
    assert list(image["similarity_to_forgetful"]) == [
        "saliency",
        "guided_backprop",
        "grad_cam",
    ]


def test_pixels_of_a_split_are_those_that_the_model_was_scored_on(checkpoint):
    loaded, found = explained(checkpoint)
    data = build_datasets(CONFIG.data, AugmentConfig(), CONFIG.seed)["val"]
    batch = data.__getitems__([(0, 1)])
    assert torch.allclose(found.image, batch["image"], atol=1e-6)
    assert found.subject.true == batch["target"][0]
    share = loaded.model(batch["image"])[0].softmax(0)
    assert torch.allclose(found.probabilities.float(), share, atol=1e-6)


@pytest.mark.spec("CNN-093", "a folder")
def test_a_folder_gets_a_sheet_an_image_and_a_bad_file_is_told(explain, tmp_path):
    for name in ("a/x.png", "b/x.png", ".hidden.png"):
        save_image(tmp_path / "in" / name)
    (tmp_path / "in/bad.png").write_text("no image")
    code, out, err = explain("--input", tmp_path / "in", "--out", tmp_path / "out")
    assert code == 2
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["x-2.png", "x.png"]
    assert len(out.splitlines()) == 3
    assert err.startswith(f"{tmp_path / 'in/bad.png'}: is not a PNG")


def test_the_next_command_asks_for_the_second_class(explain, checkpoint):
    _, out, err = explain("--input", "val:0")
    command = shlex.split(err.splitlines()[-1].removeprefix("next"))
    assert command[:2] == ["python", "scripts/explain.py"]
    code, out, err = explain(*command[4:])
    assert code == 0 and f"the maps are of {command[-1]} (" in out
    assert (checkpoint.parents[1] / f"explained/val_0_{command[-1]}.png").exists()


REFUSED = {
    "class": (("--class", "horse"), r"--class horse: .*stripes, checks"),
    "number": (("--class", "4"), r"--class 4: .*\(or 0 to 3\)"),
    "layer": (("--layer", "stage"), r"layer 'stage' is not .* did you mean stages"),
    "no map": (("--layer", "head"), r"layer 'head' gives 4 numbers an image"),
    "index": (("--input", "val:10"), r"--input val:10: val has the images 0 to 9"),
    "missing": (("--input", "none.png"), r"--input none.png: no such file"),
}


@pytest.mark.spec("CNN-093", "in one sentence with 2")
@pytest.mark.parametrize("case", REFUSED)
def test_what_is_not_there_is_refused(explain, case):
    arguments, message = REFUSED[case]
    given = () if "--input" in arguments else ("--input", "val:0")
    code, out, err = explain(*given, *arguments)
    assert code == 2 and out == "" and len(err.splitlines()) == 1
    assert re.search(message, err), err


def test_a_split_that_the_data_has_not_is_refused(checkpoint):
    subjects = Subjects(["test:0"], load_model(checkpoint))
    subjects.splits = {"val": None}
    with pytest.raises(InputError, match="--input test:0: this data has val"):
        subjects.read("test:0")


def test_places_where_sheets_would_become_images_are_refused(explain, tmp_path):
    save_image(tmp_path / "in/x.png")
    save_image(tmp_path / "in/y.png")
    code, _, err = explain("--input", tmp_path / "in", "--out", tmp_path / "in/sheets")
    assert code == 2 and "lies in --input" in err
    code, _, err = explain("--input", tmp_path / "in", "--out", tmp_path / "one.png")
    assert code == 2 and "is one file, but --input has 2 images" in err
    code, _, err = explain("--input", "val:0", "--out", tmp_path / "in/x.png/out")
    assert code == 2 and "cannot be written: Not a directory" in err
    code, _, err = explain(
        "--input", tmp_path / "in/x.png", "--out", tmp_path / "in/x.png"
    )
    assert code == 2 and size_of(tmp_path / "in/x.png") == (30, 20)


def test_a_model_that_gives_nan_is_a_fault(explain, tmp_path):
    bad = make_checkpoint(tmp_path / "run", bias=[float("nan"), 0, 0, 0])
    code, _, err = explain("--input", "val:0", checkpoint=bad)
    assert code == 1 and "NaN or infinity" in err


def test_a_class_may_be_a_name_that_is_a_number():
    assert class_index("7", ("9", "7", "1")) == 1
    assert class_index("2", ("9", "7", "1")) == 2
    assert class_index("", ("a",)) is None


@pytest.mark.spec("CNN-090", "drawn white and said to be without evidence")
def test_a_map_of_zeros_is_white_and_said_to_be_without_evidence(
    explain, pictures, tmp_path, capsys
):
    checkpoint = make_checkpoint(tmp_path / "run")
    loaded, _ = explained(checkpoint)
    nn.init.zeros_(loaded.model.head.weight)
    subject = Subjects(["val:1"], loaded).read("val:1")
    found = explain_image(loaded, subject)
    figure = draw_sheet(found, loaded.model, loaded.info.class_names, "run")
    assert texts_of(figure).count("no evidence") == len(METHODS)
    assert "none in layer stages" in texts_of(figure)
    titles = {method.title for method in METHODS.values()}
    drawn = [axis for axis in figure.axes if axis.get_title() in titles]
    assert len(drawn) == len(METHODS)
    assert all((axis.images[0].get_array() == 1).all() for axis in drawn)


def test_the_sheet_says_why_a_method_is_missing(pictures, tmp_path):
    config = replace(CONFIG, model=ModelConfig("fast_cnn", widths=(4, 6)))
    checkpoint = make_checkpoint(tmp_path / "run", config, INFO)
    source = str(save_image(tmp_path / "x.png"))
    loaded, found = explained(checkpoint, source, target=2)
    figure = draw_sheet(found, loaded.model, INFO.class_names, "$run")
    texts = " ".join(texts_of(figure).split())
    assert "FastCNN has none" in texts and "the maps are of eel" in texts
    assert r"\$run says" in texts


def test_the_scale_leaves_out_a_few_bright_pixels_only():
    map = torch.ones(20, 20)
    map[0, 0] = -100
    assert colour_scale(map) == 1
    map = torch.zeros(20, 20)
    map[3, 3] = 5
    assert colour_scale(map) == 5 and colour_scale(torch.zeros(4, 4)) == 1
