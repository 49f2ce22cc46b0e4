"""The gradient of every model against central differences, as a table."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from .. import nn
from ..engine.random import manual_seed
from ..engine.tensor import Tensor
from ..models import ModelConfig, build_model
from .debug import aligned, gradient_error


POINTS = {"name": "points", "input_shape": [2], "classes": ["0", "1"]}
IMAGES = {"name": "idx", "input_shape": [1, 16, 16], "classes": ["a", "b", "c"]}
TEXT = {"name": "text", "input_shape": [6], "vocabulary": "abcde"}
WORDS = {"name": "sentiment", "input_shape": [None], "classes": ["0", "1"]}
WORDS |= {"vocabulary": ["<pad>", "<unk>", "good", "bad", "not"]}


def models() -> Iterator[tuple[str, nn.Module, list[Tensor]]]:
    """Every model, tiny, with inputs."""
    small: dict[str, Any] = {"hidden": (4,), "widths": (2, 3), "width": 2}
    small |= {"d_model": 8, "n_heads": 2}
    random = np.random.default_rng(0)
    point = Tensor(random.standard_normal((3, 2)))
    image = Tensor(random.standard_normal((2, 1, 16, 16)))
    text = Tensor(random.integers(0, 5, (2, 6)))
    words = Tensor(np.array([[4, 1, 2, 2, 3, 1], [3, 2, 1, 4, 0, 0]]))
    mask = Tensor(words.data > 0)
    for name, info, inputs in [
        ("logistic", POINTS, [point]), ("mlp", POINTS, [point]),
        ("lenet", IMAGES, [image]), ("cnn", IMAGES, [image]),
        ("resnet", IMAGES, [image]), ("lstm", TEXT, [text]),
        ("lstm", WORDS, [words, mask]), ("gpt", TEXT, [text]),
        ("scalar_mlp", POINTS, [point]),
    ]:  # fmt: skip
        yield name, build_model(ModelConfig(name=name, **small), info), inputs


def check_gradients(tolerance: float = 1e-5) -> bool:
    """Print the error of each of `models()`; True if all are below the tolerance."""
    manual_seed(0)
    rows, fine = [("model", "largest relative error", "gradient")], True
    for name, model, inputs in models():
        # The graph of scalars has gradients for its weights only.
        of_inputs = name != "scalar_mlp"
        error = gradient_error(model, inputs, of_inputs=of_inputs)
        good = error < tolerance  # a NaN is not
        fine &= good
        rows.append((name, f"{error:.1e}", "ok" if good else "FAILED"))
    print(aligned(rows))
    return fine
