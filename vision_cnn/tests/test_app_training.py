"""Live training against `scripts/train.py`, and the way back through its frames."""

from dataclasses import asdict

import pytest
import torch
import yaml

from src.app.live import FRAMES, JUDGED, Live, Settings, config_of
from src.app.opened import Opened
from src.app.training import SESSIONS, Training, rates_of
from src.explain.kernels import first_kernels
from src.explain.layers import capture
from src.metrics import confusion_matrix
from src.models import build_model
from src.training.options import Options
from src.utils.config import to_dict
from src.utils.errors import InputError
from tests.checkpoints import CONFIG, make_checkpoint
from tests.tiny import without_pictures


FAST = Settings(batch=8, steps=1)
GIVEN = asdict(FAST)


@pytest.fixture(scope="module")
def panel():
    return Training(None)


def numbers(frame: dict) -> list:
    """All of a frame, in an order that two can be compared in."""
    plain = [frame[k] for k in ("step", "loss", "val_loss", "accuracy", "rate")]
    arrays = [frame["confusion"], frame["kernels"], *(m["maps"] for m in frame["maps"])]
    return plain + [array.tolist() for array in arrays] + frame["probabilities"]


@pytest.mark.spec("CNN-192", "bit for bit those of a run with the same configuration")
@pytest.mark.parametrize(
    ("model", "optimiser"), [("simple_cnn", "muon"), ("fast_cnn", "adamw")]
)
def test_a_frame_has_the_weights_of_a_training(tmp_path, model, optimiser):
    settings = Settings(model=model, optimiser=optimiser, batch=64, steps=5, seed=3)
    content = to_dict(config_of(settings))
    content["train"]["epochs"], content["optim"]["lr"] = 2, 0.02
    config = tmp_path / "live.yaml"
    config.write_text(yaml.safe_dump(content), "utf-8")
    run = {"out": tmp_path, "name": "run", "device": "cpu", "quiet": True}
    assert without_pictures(Options(config=config, **run)) == 0
    last = torch.load(tmp_path / "run/checkpoints/last.pt", weights_only=True)
    live = Live(settings)
    kept = live.at(6, [0.02] * 6)  # 30 steps: two epochs of 15 batches
    assert kept.progress.step == last["progress"]["step"] == 30
    assert all(torch.equal(kept.weights[k], v) for k, v in last["weights"].items())
    assert kept.weights.keys() == last["weights"].keys()


@pytest.mark.spec("CNN-193", "going on from an earlier one gives the same frames again")
def test_play_goes_on_from_a_frame_that_was_gone_back_to(panel):
    rates = [(0, 0.05)]
    there = [panel.frame(GIVEN, n, rates) for n in range(5)]
    assert numbers(there[4]) != numbers(there[3])
    back = panel.frame(GIVEN, 2, rates)
    assert numbers(back) == numbers(there[2])
    slower = panel.frame(GIVEN, 4, [(0, 0.05), (2, 0.001)])
    assert numbers(slower) != numbers(there[4])
    kept = panel.kept[FAST]
    assert [frame.rate for frame in kept.kept] == [0.0, 0.05, 0.05, 0.001, 0.001]
    again = panel.frame(GIVEN, 4, rates)
    assert numbers(again) == numbers(there[4])


@pytest.mark.spec("CNN-193", "others at another learning rate")
def test_another_rate_from_a_frame_on_is_a_training_at_that_rate():
    one = Live(FAST).at(3, [0.05, 0.05, 0.001])
    other = Live(FAST)
    other.at(3, [0.05, 0.05, 0.05])
    assert all(
        torch.equal(one.weights[k], v)
        for k, v in other.at(3, [0.05, 0.05, 0.001]).weights.items()
    )


@pytest.mark.spec("CNN-193", "kernels, feature maps of an image, confusion matrix")
def test_a_frame_shows_its_own_weights(panel):
    panel.frame(GIVEN, 4, [(0, 0.05)])  # the model is further on
    shown = panel.frame(GIVEN, 1, [(0, 0.05)], image=2)
    live = panel.kept[FAST]
    info, val = live.task.info, live.datasets["val"]
    size = (info.height, info.width)
    model = build_model(live.config.model, info.in_channels, 4, size)
    model.load_state_dict(live.kept[1].weights)
    model.eval()
    assert torch.equal(shown["kernels"], first_kernels(model).weight)
    image = val[(0, 2)]["image"][None]
    names = [m["layer"] for m in shown["maps"]]
    with torch.no_grad(), capture(model, image, names) as seen:
        for m in shown["maps"]:
            wanted = seen.outputs[m["layer"]][0]
            assert torch.allclose(m["maps"], wanted[:8], atol=1e-6)
            assert m["total"] == len(wanted)
        chances = seen.logits[0].softmax(0).tolist()
    assert shown["probabilities"] == pytest.approx(chances, abs=1e-6)
    batch = val.__getitems__([(0, i) for i in range(JUDGED)])
    with torch.no_grad():
        logits = model(batch["image"])
    wanted = confusion_matrix(logits.argmax(1), batch["target"], 4)
    assert shown["confusion"].tolist() == wanted.tolist()
    assert shown["accuracy"] == pytest.approx(wanted.diagonal().sum().item() / JUDGED)


@pytest.mark.spec("CNN-194", "says at which step and rate")
def test_a_training_that_diverges_can_be_gone_back_from():
    panel, given = Training(None), GIVEN | {"optimiser": "sgd"}
    good = panel.frame(given, 1, [(0, 0.01)])
    live = panel.kept[Settings(**given)]
    weight = live.state.model.head.weight
    hook = weight.register_hook(lambda gradient: gradient * float("nan"))
    with pytest.raises(InputError, match="^step 2: .* a rate of 9 is too much here"):
        panel.frame(given, 2, [(0, 0.01), (1, 9.0)])
    hook.remove()
    assert numbers(panel.frame(given, 1, [(0, 0.01)])) == numbers(good)
    fresh = Training(None).frame(given, 2, [(0, 0.01)])
    assert numbers(panel.frame(given, 2, [(0, 0.01)])) == numbers(fresh)


def test_the_checkpoints_own_data_can_be_trained_on(tmp_path):
    opened = Opened(make_checkpoint(tmp_path / "run"))
    live = Live(Settings(data="checkpoint", batch=4), opened.config, opened.splits)
    train = opened.splits["train"]
    assert live.config.data.toy == CONFIG.data.toy
    assert torch.equal(live.datasets["train"].images, train.images[torch.arange(8)])
    live.at(2, [0.01, 0.01])
    assert live.kept[2].progress.step == 6


def test_the_global_generator_is_left_alone():
    torch.manual_seed(5)
    before = torch.get_rng_state()
    Live(FAST).at(1, [0.05])
    assert torch.equal(before, torch.get_rng_state())


def test_only_some_trainings_are_kept_and_frames_end():
    panel = Training(None)
    for seed in range(SESSIONS + 1):
        panel.frame(GIVEN | {"seed": seed}, 0, [(0, 0.05)])
    assert [s.seed for s in panel.kept] == [1, 2, 3]
    assert panel.frame(GIVEN, FRAMES + 1, [(0, 0.05)]) is None


def test_rates_are_those_of_the_frames_from_which_they_hold():
    assert rates_of([(0, 1.0), (2, 0.5), (3, 0.1)], 5) == [1.0, 1.0, 0.5, 0.1, 0.1]
    assert rates_of([(0, 1.0), (2, 0.5)], 1) == [1.0]
    assert rates_of([(0, 1.0)], 0) == []
    assert rates_of([(0, 1.0), (10**15, 0.5)], 2) == [1.0, 1.0]


@pytest.mark.parametrize(
    ("given", "number", "rates", "said"),
    [
        ({"model": "vgg16"}, 0, [(0, 0.1)], "model must be one of"),
        ({"batch": 1}, 0, [(0, 0.1)], "batch = 1: must be from 2 to 128"),
        ({"steps": 99}, 0, [(0, 0.1)], "steps = 99: must be from 1 to 10"),
        ({"data": "checkpoint"}, 0, [(0, 0.1)], "there is no checkpoint"),
        ({}, -1, [(0, 0.1)], "frame -1: must be 0 or more"),
        ({}, 0, [], "rates: must be pairs"),
        ({}, 2, [(1, 0.1)], "rates: must be pairs"),
        ({}, 2, [(0, 0.0)], "rate 0: must be above 0"),
    ],
)
def test_what_cannot_be_trained_is_refused(panel, given, number, rates, said):
    with pytest.raises(InputError, match=said):
        panel.frame(GIVEN | given, number, rates)
