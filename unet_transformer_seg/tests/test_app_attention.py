"""The panel `attention` against the model's own maps."""

import pytest
import torch

from src.app import attend
from src.app.attend import Attention
from src.app.shelf import Shelf
from src.data.images import to_unit
from src.inference.predictor import load_predictor
from src.models.padding import pad_sides
from src.utils.errors import InputError
from tests.app_tools import noise, png, two_runs, upload


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    return two_runs(tmp_path_factory.mktemp("runs"))


@pytest.mark.spec("SEG-165", "to a 255th of the largest weight of its row")
def test_weights_are_those_of_the_model(runs):
    predictor = load_predictor(runs[0])
    image = to_unit(noise(38, 51))
    with torch.inference_mode():
        normal = predictor.info.normalise(image)[None]
        expected = predictor.model.attention_maps(normal)[:, 0]
    answer = Attention(Shelf(runs[0])).maps(image=upload(png(noise(38, 51))))
    largest = answer["largest"][..., None]
    found = answer["weights"] / 255 * largest
    assert bool(((found - expected).abs() <= largest / 255).all())
    assert torch.equal(answer["largest"], expected.amax(-1))
    entropy = -(expected * expected.log()).sum(-1)
    torch.testing.assert_close(answer["spread"], entropy.exp())


def test_tokens_lie_where_the_padding_puts_them(runs):
    answer = Attention(Shelf(runs[0])).maps(image=upload(png(noise(38, 51))))
    stride, rows, columns = (answer[key] for key in ("stride", "rows", "columns"))
    padded = pad_sides(torch.arange(38.0 * 51).view(1, 1, 38, 51), stride)
    assert padded.shape[-2:] == (rows * stride, columns * stride)
    assert padded[0, 0, answer["top"], answer["left"]] == 0


@pytest.mark.spec("SEG-166", "says so in one sentence")
def test_a_plain_unet_has_no_attention(runs):
    panel = Attention(Shelf(runs[1]))
    start = panel.start()
    assert start["layers"] == 0
    assert "is a unet, which has no attention" in start["without"]
    with pytest.raises(InputError, match="is a unet, which has no attention"):
        panel.maps(example="test-00000")


def test_the_second_checkpoint_is_asked_where_only_it_attends(runs):
    start = Attention(Shelf(runs[1], runs[0])).start()
    assert start["key"] == str(runs[0])
    assert (start["layers"], start["heads"], start["without"]) == (2, 2, "")


@pytest.mark.spec("SEG-167", "its middle is looked at, and the page says so")
def test_of_a_large_image_the_middle_is_looked_at(runs, monkeypatch):
    monkeypatch.setattr(attend, "MOST_WEIGHTS", 2 * 2 * 36**2)
    answer = Attention(Shelf(runs[0])).maps(image=upload(png(noise(60, 80))))
    assert answer["whole"] == [60, 80]
    assert answer["weights"].numel() == attend.MOST_WEIGHTS
    middle = noise(60, 80)[18:42, 28:52]
    assert answer["image"].numpy().tolist() == middle.tolist()


def test_an_image_too_small_for_tokens_is_refused(runs):
    with pytest.raises(InputError, match="mine.png: is 40x9; attention needs sides"):
        Attention(Shelf(runs[0])).maps(image=upload(png(noise(9, 40))))
