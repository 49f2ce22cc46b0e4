"""The panel of digits gives what the predictor computes."""

import base64
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from src.app.digits import Digits
from src.app.uploads import Upload
from src.data.image_folder import read_image
from src.data.transforms import normalise
from src.engine.tensor import from_numpy
from src.training.predict import softmax
from src.utils.errors import InputError
from tests.app_checkpoints import digits_checkpoint, points_checkpoint


DOCS = Path(__file__).parents[1] / "docs"
EXAMPLE = DOCS / "examples/7.png"


@pytest.fixture(scope="module")
def panel(tmp_path_factory):
    return Digits(digits_checkpoint(tmp_path_factory.mktemp("run")))


@pytest.mark.spec("AGE-123", "the gradient of the")
def test_an_answer_is_that_of_the_model_and_its_gradient(panel):
    image = read_image(EXAMPLE, 1)
    said = panel.predict(image.ravel().tolist())
    info = panel.predictor.info
    x = normalise(image[None], info["mean"], info["std"])
    logits = panel.predictor.model(from_numpy(x)).data
    assert said["logits"] == logits[0].tolist()
    assert said["probabilities"] == softmax(logits)[0].tolist()
    best, at = logits[0].argmax(), (13, 14)
    shift = np.zeros_like(x)
    shift[0, 0, *at] = 1e-2
    up, down = (panel.predictor.model(from_numpy(x + s * shift)).data for s in (1, -1))
    slope = (up - down)[0, best] / 2e-2
    assert np.isclose(said["gradient"][at], slope, rtol=1e-2, atol=1e-4)


def test_a_dropped_image_is_its_pixels(panel):
    content = base64.b64encode(EXAMPLE.read_bytes()).decode()
    said = panel.open(Upload("seven.png", content))
    assert (said["image"] == read_image(EXAMPLE, 1)[0]).all()


@pytest.mark.spec("AGE-124", "A file that is no image of the model's size")
@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"hello", "note.png: is not a whole PNG or JPEG image"),
        (b"", "note.png: is empty"),
        (
            (DOCS / "pictures/memory_tape.png").read_bytes(),
            r"note.png: is \d+x\d+ \(hei",
        ),
    ],
)
def test_a_file_that_is_no_digit_is_one_sentence(panel, content, sentence):
    with pytest.raises(InputError, match=f"^{sentence}"):
        panel.open(Upload("note.png", base64.b64encode(content).decode()))


@pytest.mark.spec("AGE-124", "more than 16,777,216 pixels")
def test_an_image_of_50_megapixels_is_refused_before_it_is_decoded(panel):
    file = BytesIO()
    Image.new("L", (10_000, 5_000)).save(file, "PNG")
    content = base64.b64encode(file.getvalue()).decode()
    with pytest.raises(InputError, match="more than 16,777,216 pixels"):
        panel.open(Upload("large.png", content))


@pytest.mark.spec("AGE-124", "pixels out of range")
@pytest.mark.parametrize("pixels", [[], [0] * 783, [0] * 783 + [256], [-1] * 784])
def test_pixels_are_784_bytes(panel, pixels):
    with pytest.raises(InputError, match="784 numbers from 0 to 255"):
        panel.predict(pixels)


@pytest.mark.spec("AGE-124", "a checkpoint of other data")
def test_a_panel_without_a_fitting_checkpoint_says_so(tmp_path):
    for panel, words in (
        (Digits(None), "python scripts/train.py --config configs/"),
        (Digits(points_checkpoint(tmp_path)), "was trained on points data"),
    ):
        assert words in panel.start()["refusal"]
        assert list(panel.exported()) == [("digits/start", {})]  # and says so there too
        with pytest.raises(InputError, match=words):
            panel.predict([0] * 784)


@pytest.mark.spec("AGE-123", "of another network a saved page has the examples")
def test_a_saved_page_of_convolutions_has_the_answers_to_the_examples(tmp_path):
    panel = Digits(digits_checkpoint(tmp_path, model="model={name: cnn, widths: [4]}"))
    start, *asked = panel.exported()
    examples = panel.start()["examples"]
    assert start == ("digits/start", {}) and len(asked) == len(examples) == 10
    for (name, given), example in zip(asked, examples, strict=True):
        assert name == "digits/predict"
        assert given["pixels"] == example["image"].ravel().tolist()


def test_a_saved_page_computes_the_answers_of_a_perceptron(panel):
    assert list(panel.exported()) == [("digits/start", {})]


@pytest.mark.spec("AGE-124", "that are not finite")
def test_weights_that_are_nan_are_refused(tmp_path):
    path = digits_checkpoint(tmp_path, bad=True)
    with pytest.raises(InputError, match="layers.0.weight holds values that are not"):
        Digits(path)
