"""What the panel `augment` shows, against the data set of a training."""

import base64
import io
from dataclasses import asdict, fields, replace

import numpy as np
import pytest
import torch
from PIL import Image

from src.app.augment import PRESETS, Laboratory
from src.app.opened import Opened
from src.app.uploads import Upload
from src.data import AugmentConfig, build_datasets
from src.utils.config import from_dict
from src.utils.errors import InputError
from tests.checkpoints import CONFIG, INFO, make_checkpoint


@pytest.fixture(scope="module")
def panel(tmp_path_factory):
    return Laboratory(Opened(make_checkpoint(tmp_path_factory.mktemp("runs") / "one")))


def seen(settings: dict, seed: int, index: int) -> list[torch.Tensor]:
    """The image in 16 epochs of a training, as bytes with the channels last."""
    data = replace(CONFIG.data, batch_size=2)
    augment = from_dict(AugmentConfig, settings)  # as of a file: 1 becomes 1.0
    train = build_datasets(data, augment, 0)["train"]
    train.augment.seed = seed
    if train.mixing:
        train.mixing.seed = seed
    images = [train[(epoch, index)]["image"] for epoch in range(16)]
    restored = [train.info.restore(image) * 255 for image in images]
    return [x.round().clamp(0, 255).byte().permute(1, 2, 0) for x in restored]


@pytest.mark.spec("CNN-191", "what a training shows of an image in its first sixteen")
@pytest.mark.parametrize("name", PRESETS)
def test_the_draws_are_those_of_a_training(panel, name):
    settings, seed, index = PRESETS[name], 7, 3
    found = panel.draws(f"train:{index}", settings, seed)
    assert [draw["epoch"] for draw in found["draws"]] == list(range(1, 17))
    for draw, wanted in zip(found["draws"], seen(settings, seed, index), strict=True):
        assert torch.equal(draw["image"], wanted)


@pytest.mark.spec("CNN-191", "mixing included")
def test_a_mixed_image_names_the_other_and_its_share(panel):
    found = panel.draws("train:2", {"cutmix": 1.0}, 1)
    train = build_datasets(CONFIG.data, AugmentConfig(cutmix=1.0), 0)["train"]
    train.mixing.seed = 1
    for draw in found["draws"]:
        item = train[(draw["epoch"] - 1, 2)]
        assert draw["share"] == pytest.approx(float(item["share"]))
        assert draw["class"] == panel.info.class_names[int(item["partner"])]


def test_the_same_question_has_the_same_answer_and_another_seed_another(panel):
    settings = {"crop": 3, "hue": 0.3}
    one, same, other = (
        [draw["image"] for draw in panel.draws("train:0", settings, seed)["draws"]]
        for seed in (4, 4, 5)
    )
    assert all(map(torch.equal, one, same))
    assert not all(map(torch.equal, one, other))


@pytest.mark.spec("CNN-191", "a dropped image as the first of the data")
def test_a_dropped_image_takes_the_place_of_the_first(panel):
    pixels = panel.opened.pixels("train:0")
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    upload = Upload("own.png", base64.b64encode(file.getvalue()).decode())
    dropped = panel.drop(upload)
    assert np.array_equal(np.asarray(dropped["image"]), pixels)
    for settings in ({"degrees": 30.0}, {"mixup": 1.0}):
        mine = panel.draws(dropped["id"], settings)["draws"]
        first = panel.draws("train:0", settings)["draws"]
        assert all(torch.equal(a["image"], b["image"]) for a, b in zip(mine, first))  # noqa: B905


def test_each_augmentation_has_a_control_that_it_accepts(panel):
    controls = {about["name"]: about for about in panel.start()["controls"]}
    assert list(controls) == [field.name for field in fields(AugmentConfig)]
    for name, about in controls.items():
        ends = about.get("choices") or [about["value"]]
        ends = ends if "max" not in about else [about["min"], about["max"]]
        for value in ends:
            AugmentConfig(**{name: value})


def test_the_settings_are_told_as_a_training_takes_them(panel):
    found = panel.draws("train:0", {"flip": "random", "trivial": True, "crop": 0})
    assert found["overrides"] == ["augment.flip=random", "augment.trivial=true"]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"hue": 2}, "hue is 2"),
        ({"blur": 1}, "blur is not a known key"),
        ({"crop": 1.5}, "crop must be an integer"),
        ({"flip": "<b>"}, "flip must be one of"),
    ],
)
def test_wrong_settings_are_refused_in_a_sentence(panel, settings, said):
    with pytest.raises(InputError, match=said):
        panel.draws("train:0", settings)


def test_without_its_data_a_dropped_image_still_has_its_draws(tmp_path):
    data = replace(CONFIG.data, name="npz", root=str(tmp_path / "gone.npz"))
    config = replace(CONFIG, data=data)
    opened = Opened(make_checkpoint(tmp_path / "run", config, INFO))
    panel = Laboratory(opened)
    assert panel.start()["images"] == []
    file = io.BytesIO()
    Image.new("RGB", (40, 30), "red").save(file, "PNG")
    image = panel.drop(Upload("a.png", base64.b64encode(file.getvalue()).decode()))
    assert len(panel.draws(image["id"], {"flip": "random"})["draws"]) == 16
    with pytest.raises(InputError, match="gone.npz"):
        panel.draws(image["id"], {"mixup": 1.0})


def test_settings_of_the_checkpoint_are_offered(panel):
    assert panel.start()["trained"] == asdict(CONFIG.augment)
