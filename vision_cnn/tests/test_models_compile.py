"""Every kind of network compiles to one graph and exports."""

import copy
from unittest import mock

import pytest
import torch

from src.models import mobilenet_v2
from src.models.convnext import ConvNeXt
from src.models.fast_cnn import FastCNN
from src.models.lenet import LeNet5
from src.models.preact_resnet import PreActResNet
from src.models.resnet import ResNet
from src.models.simple_cnn import SimpleCNN
from src.models.vgg import VGG
from src.models.vit import VisionTransformer


# Every block and every end, as few blocks as possible: the compiler takes its time.
SHALLOW = {
    "lenet5": lambda: LeNet5(3, 5),
    "simple_cnn": lambda: SimpleCNN(3, 5, widths=(4, 6), dropout=0.5),
    "fast_cnn": lambda: FastCNN(3, 5, (4, 6)),
    "vgg": lambda: VGG(3, 5, depths=(1, 1, 1, 1, 1), hidden=4, width=1 / 16),
    "resnet": lambda: ResNet(
        3, 5, depths=(1, 1), base=4, squeeze_excite=True, drop_path=0.5, stem="imagenet"
    ),
    "bottleneck": lambda: ResNet(
        3, 5, depths=(1, 1), base=2, bottleneck=True, identity_shortcuts=True
    ),
    "preact_resnet": lambda: PreActResNet(3, 5, depths=(1, 1), base=4, dropout=0.5),
    "mobilenet_v2": lambda: short_mobilenet(),
    "convnext": lambda: ConvNeXt(3, 5, depths=(1, 1), base=4, drop_path=0.5),
    "vit": lambda: VisionTransformer(3, 5, size=(32, 36), layers=1, base=8, patch=2),
}


def short_mobilenet():
    with mock.patch.object(mobilenet_v2, "TABLE", mobilenet_v2.TABLE[:2]):
        return mobilenet_v2.MobileNetV2(3, 5, width=1 / 16)


@pytest.fixture(params=SHALLOW)
def shallow(request):
    torch.manual_seed(0)
    return SHALLOW[request.param]()


@pytest.mark.spec("CNN-007", "compiles to a single graph")
def test_compiles_to_one_graph(shallow):
    torch.compiler.reset()
    image = torch.randn(2, 3, 32, 36)
    compiled = torch.compile(copy.deepcopy(shallow), fullgraph=True, backend="eager")
    torch.manual_seed(1)
    logits = compiled(image)
    torch.manual_seed(1)
    torch.testing.assert_close(logits, shallow(image))


@pytest.mark.spec("CNN-007", "exports with `torch.export`, with the same logits")
def test_exports(shallow):
    model, image = shallow.eval(), torch.randn(2, 3, 32, 36)
    exported = torch.export.export(model, (image,)).module()
    torch.testing.assert_close(exported(image), model(image))
