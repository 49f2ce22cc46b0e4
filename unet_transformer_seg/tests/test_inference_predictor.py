"""One image through a loaded model: sizes, channels, scale, kept and refused."""

import pytest
import torch
from torch import nn

from src.inference.predictor import (
    NonFiniteError,
    Options,
    fit_channels,
    load_predictor,
    normalised_entropy,
)
from src.models import build_model
from src.utils.checkpoint import load_checkpoint
from src.utils.errors import FaultError, InputError
from tests.inference_tools import INFO, MODEL, make_checkpoint, predictor_of


class Echo(nn.Module):
    """Logits that are the normalised image."""

    def forward(self, image):
        return image


class Constant(nn.Module):
    def __init__(self, *logits: float):
        super().__init__()
        self.logits = torch.tensor(logits).view(1, -1, 1, 1)

    def forward(self, image):
        return self.logits.expand(-1, -1, *image.shape[-2:])


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return make_checkpoint(tmp_path_factory.mktemp("run"), INFO)


@pytest.fixture(scope="module")
def predictor(checkpoint):
    return load_predictor(checkpoint)


@pytest.mark.spec("SEG-093", "needs the checkpoint alone")
def test_a_predictor_needs_the_checkpoint_alone(checkpoint, predictor):
    image = torch.rand(3, 40, 52)
    model = build_model(MODEL, 3, 3)
    model.load_state_dict(load_checkpoint(checkpoint)["model"])
    mean, std = (torch.tensor(v)[:, None, None] for v in (INFO.mean, INFO.std))
    with torch.inference_mode():
        expected = model.eval()(((image - mean) / std)[None]).softmax(1)[0]
    found = predictor.predict(image, Options(probabilities=True))
    assert predictor.info == INFO
    assert not predictor.model.training
    assert torch.equal(found.mask.long(), expected.argmax(0))
    assert torch.allclose(found.probabilities.float(), expected, atol=1e-3)


@pytest.mark.parametrize(
    ("dtype", "white"), [(torch.uint8, 255), (torch.uint16, 65535)]
)
def test_integers_are_scaled_by_their_type(predictor, dtype, white):
    image = torch.randint(0, white + 1, (3, 30, 40)).to(dtype)
    by_type = predictor.predict(image, Options(probabilities=True))
    by_hand = predictor.predict(image.float() / white, Options(probabilities=True))
    assert torch.equal(by_type.probabilities, by_hand.probabilities)


@pytest.mark.spec("SEG-094", "of any size from one pixel up")
@pytest.mark.parametrize(
    "size", [(1, 1), (1, 40), (33, 1), (15, 17), (16, 16), (70, 45)]
)
def test_every_size_is_predicted_at_its_own_resolution(predictor, size):
    options = Options(tile=32, probabilities=True, entropy=True)
    found = predictor.predict(torch.rand(3, *size), options)
    assert found.mask.shape == size
    assert found.probabilities.shape == (3, *size)
    assert found.entropy.shape == size
    assert sum(found.shares) == pytest.approx(1)


def test_padding_does_not_change_what_one_pixel_gets():
    image = torch.rand(3, 5, 3)
    found = predictor_of(Echo()).predict(image)
    mean, std = (torch.tensor(v)[:, None, None] for v in (INFO.mean, INFO.std))
    assert torch.equal(found.mask.long(), ((image - mean) / std).argmax(0))


def test_shares_and_entropy_of_a_constant_prediction():
    options = Options(probabilities=True, entropy=True)
    sure = predictor_of(Constant(0.0, 50.0, 0.0)).predict(
        torch.rand(3, 20, 30), options
    )
    assert sure.shares == (0, 1, 0)
    assert sure.entropy.max() == 0
    unsure = predictor_of(Constant(1.0, 1.0, 1.0)).predict(
        torch.rand(3, 20, 30), options
    )
    assert unsure.entropy.min() == 1
    assert unsure.probabilities.unique().tolist() == pytest.approx([1 / 3], abs=1e-3)


def test_nothing_is_kept_that_was_not_asked_for(predictor):
    found = predictor.predict(torch.rand(3, 20, 20))
    assert found.probabilities is None
    assert found.entropy is None


def test_entropy_of_half_and_half_among_four_classes_is_a_half():
    half = torch.tensor([0.5, 0.5, 0, 0]).view(4, 1, 1)
    assert normalised_entropy(half).item() == pytest.approx(0.5)


def test_grey_becomes_rgb_and_grey_rgb_becomes_grey():
    grey = torch.rand(1, 4, 5)
    assert torch.equal(fit_channels(grey, 3), grey.expand(3, 4, 5))
    assert torch.equal(fit_channels(grey.expand(3, 4, 5), 1), grey)
    assert fit_channels(grey, 1) is grey


@pytest.mark.spec("SEG-095", "refused in a sentence where colour would be lost")
def test_colour_is_not_dropped_for_a_grey_model():
    with pytest.raises(InputError, match=r"a\.png: has 3 channels.*Convert"):
        fit_channels(torch.rand(3, 4, 5), 1, "a.png")
    with pytest.raises(InputError, match=r"a\.png: has 2 channels.*trained on 3"):
        fit_channels(torch.rand(2, 4, 5), 3, "a.png")


@pytest.mark.spec("SEG-096", "names the image for which the model gives NaN")
def test_nan_logits_name_the_image():
    with pytest.raises(NonFiniteError, match=r"b\.png: the model gives NaN"):
        predictor_of(Constant(0.0, float("nan"), 0.0)).predict(
            torch.rand(3, 20, 20), name="b.png"
        )


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_pixels_that_are_not_numbers_are_bad_input(value):
    image = torch.rand(3, 20, 20)
    image[1, 3, 4] = value
    with pytest.raises(InputError, match=r"c\.png: has pixels that are not finite"):
        predictor_of(Echo()).predict(image, name="c.png")


def test_out_of_memory_says_which_tile_to_try():
    class Greedy(nn.Module):
        def forward(self, image):
            raise RuntimeError(
                "[enforce fail] DefaultCPUAllocator: can't allocate memory"
            )

    with pytest.raises(FaultError, match=r"d\.png: out of memory\. Try --tile 256"):
        predictor_of(Greedy()).predict(torch.rand(3, 20, 20), name="d.png")


def test_another_error_of_the_model_is_not_taken_for_memory():
    class Broken(nn.Module):
        def forward(self, image):
            raise RuntimeError("mat1 and mat2 cannot be multiplied")

    with pytest.raises(RuntimeError, match="mat1"):
        predictor_of(Broken()).predict(torch.rand(3, 20, 20))


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ({"tile": 8}, "--tile 8"),
        ({"overlap": 1.0}, "--overlap 1.0"),
        ({"tile": -1}, "--tile -1"),
    ],
)
def test_impossible_options_are_refused(setting, words):
    with pytest.raises(InputError, match=words):
        Options(**setting)


def test_symmetries_are_used_when_asked_for(predictor):
    image = torch.rand(3, 24, 32)
    plain, mean = (
        predictor.predict(image, Options(probabilities=True, tta=tta)).probabilities
        for tta in (False, True)
    )
    flipped = predictor.predict(image.flip(-1), Options(probabilities=True, tta=True))
    assert torch.allclose(flipped.probabilities.flip(-1), mean, atol=1e-3)
    assert not torch.allclose(plain, mean, atol=1e-3)
