"""What the panel `attribution` is told, against the library's own calls."""

import pytest
import torch

from src.app.attribution import Attribution
from src.explain.attributions import METHODS
from src.explain.explanation import explain_image
from src.explain.sanity import randomisation_check
from src.utils.errors import InputError
from tests.app_checkpoints import open_tiny
from tests.explained import same_state, state_of


@pytest.mark.spec("CNN-182", "as `explain.py` computes it")
def test_each_map_is_that_of_the_sheet(tmp_path):
    opened = open_tiny(tmp_path, "resnet20")
    panel, before = Attribution(opened), state_of(opened.model)
    sheet = explain_image(opened.loaded, opened.subject("test:2"))
    assert [m["name"] for m in panel.start()["methods"]] == list(METHODS)
    for name in METHODS:
        found, map = panel.map("test:2", name), sheet.found.maps[name][0]
        assert torch.allclose(found["map"], map, atol=1e-6), name
        assert found["lowest"] == pytest.approx(float(map.min()), abs=1e-6)
        assert found["highest"] == pytest.approx(float(map.max()), abs=1e-6)
        assert found["target"] == sheet.target
    told = panel.map("test:2", "integrated_gradients")["completeness"]
    assert told["error"] == pytest.approx(sheet.completeness_error, abs=1e-5)
    assert told["score_difference"] == pytest.approx(float(sheet.found.gained))
    assert panel.map("test:2", "grad_cam")["layer"] == sheet.found.layer
    assert same_state(before, state_of(opened.model))


@pytest.mark.spec("CNN-183", "the map of `randomisation_check`")
@pytest.mark.parametrize("method", ["saliency", "grad_cam", "input_x_gradient"])
def test_a_forgetful_map_is_a_stage_of_the_sanity_check(method, tmp_path):
    opened = open_tiny(tmp_path, "lenet5")
    panel, before = Attribution(opened), state_of(opened.model)
    target = panel.map("test:2", method)["target"]
    layer = panel.start()["layer"]
    stages = randomisation_check(
        lambda model, image, target: METHODS[method].map(model, image, target, layer),
        opened.model,
        opened.tensor("test:2"),
        torch.tensor([target]),
    )
    assert panel.stages[0] == 0 and panel.stages[-1] == len(stages) - 1
    for count, stage in enumerate(stages):
        found = panel.map("test:2", method, forgotten=count)
        assert torch.allclose(found["map"], stage.map[0], atol=1e-6)
        assert found["likeness"] == pytest.approx(stage.similarity, abs=1e-6)
        assert found["forgotten_layer"] == stage.layer
    assert same_state(before, state_of(opened.model))


@pytest.mark.spec("CNN-182", "or the sentence that says why there is none")
def test_a_method_without_a_map_says_why(tmp_path):
    panel = Attribution(open_tiny(tmp_path, "fast_cnn"))
    found = panel.map("test:0", "guided_backprop")
    assert "map" not in found and "FastCNN has none" in found["undefined"]


def test_a_class_a_stage_or_a_layer_that_is_not_there_is_refused(tmp_path):
    panel = Attribution(open_tiny(tmp_path, "lenet5"))
    with pytest.raises(InputError, match="the model has the classes 0 to 3"):
        panel.map("test:0", "saliency", target=4)
    with pytest.raises(InputError, match="forgotten: 0 to 5, not 6"):
        panel.map("test:0", "saliency", forgotten=6)
    with pytest.raises(InputError, match="'head' gives 4 numbers an image"):
        panel.map("test:0", "grad_cam", layer="head")
