"""What the panel `mistakes` is told, against the metrics of the library."""

from dataclasses import replace

import pytest
import torch

from src.app.mistakes import Mistakes
from src.app.opened import Opened
from src.app.scored import part_of, shrunk
from src.data import AugmentConfig, DataConfig, ToyConfig, build_datasets
from src.inference.scores import scores
from src.utils.checkpoint import load_checkpoint, save_checkpoint
from src.utils.errors import InputError
from tests.checkpoints import CONFIG, logits_of, make_checkpoint


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return make_checkpoint(tmp_path_factory.mktemp("runs") / "one")


@pytest.fixture(scope="module")
def panel(checkpoint):
    return Mistakes(Opened(checkpoint))


@pytest.mark.spec("CNN-189", "the confusion matrix of a split")
@pytest.mark.parametrize("split", ["test", "val"])
def test_the_numbers_are_those_of_an_evaluation(checkpoint, panel, split):
    *_, found = panel.score(split)
    logits, target, _ = logits_of(checkpoint, split)
    wanted = scores(logits, target, panel.start()["class_names"])
    assert found["confusion"].tolist() == wanted["confusion"]
    assert (found["images"], found["of"]) == (len(target), len(target))
    for name in ("accuracy", "ece", "right"):
        assert found[name] == pytest.approx(wanted[name], abs=1e-6)
    assert found["interval"] == pytest.approx(wanted["accuracy_interval_95"])


@pytest.mark.spec("CNN-189", "mistakes with the surest first, hits with the least sure")
def test_each_cell_has_its_images_in_order(checkpoint, panel):
    *_, found = panel.score("test")
    logits, target, names = logits_of(checkpoint)
    sure, predicted = logits.double().softmax(1).max(1)
    tiles = found["tiles"]
    wrong = [tile for tile in tiles if tile["true"] != tile["predicted"]]
    assert len(wrong) == int((predicted != target).sum()) > 3
    assert tiles[: len(wrong)] == wrong
    falling = [tile["confidence"] for tile in wrong]
    assert falling == sorted(falling, reverse=True)
    rising = [tile["confidence"] for tile in tiles[len(wrong) :]]
    assert rising == sorted(rising)
    for tile in tiles:
        number = int(tile["id"].removeprefix("test:"))
        assert (tile["true"], tile["name"]) == (int(target[number]), names[number])
        assert tile["predicted"] == int(predicted[number])
        assert tile["confidence"] == pytest.approx(float(sure[number]), abs=1e-6)
        pixels = panel.opened.pixels(tile["id"])
        assert torch.equal(tile["image"], torch.from_numpy(pixels))


@pytest.mark.spec("CNN-189", "a part of it that is drawn at random and told")
def test_a_part_is_drawn_from_all_classes(panel):
    data = ToyConfig(size=8, n_train=2, n_val=2, n_test=4000)
    splits = build_datasets(DataConfig(toy=data), AugmentConfig(), 0)
    part = part_of(splits, "test", 1000)  # every fourth is of one class
    counts = torch.bincount(splits["test"].labels[part.indices])
    assert counts.sum() == 1000 and counts.min() > 200
    assert part.indices.tolist() == sorted(set(part.indices.tolist()))
    assert part_of(splits, "test", 9999).indices.tolist() == list(range(4000))
    *told, found = panel.score("test", 5)
    assert told == [{"done": 5, "of": 5}]
    assert (found["images"], found["of"]) == (5, 20)
    assert int(found["confusion"].sum()) == len(found["confidences"]) == 5


def test_large_images_are_shrunk_and_small_ones_are_not():
    images = torch.randint(0, 256, (2, 3, 200, 100), dtype=torch.uint8)
    assert shrunk(images, 64).shape == (2, 3, 64, 32)
    assert shrunk(images, 200) is images


@pytest.mark.parametrize(
    ("asked", "said"),
    [(("train:0",), "this data has"), (("test", 0), "images is 0; at least 1")],
)
def test_what_there_is_not_is_refused(panel, asked, said):
    with pytest.raises(InputError, match=said):
        next(panel.score(*asked))


def test_logits_that_are_no_numbers_name_the_image(tmp_path):
    toy = replace(CONFIG, data=DataConfig(toy=ToyConfig(size=12, n_test=9)))
    path = make_checkpoint(tmp_path / "run", toy)
    content = load_checkpoint(path)
    content["model"]["head.weight"].fill_(3e38)  # finite, but the logits are not
    save_checkpoint(path, content)
    panel = Mistakes(Opened(path))
    with pytest.raises(InputError, match="^test:0: the model gives NaN or infinity"):
        list(panel.score("test"))
