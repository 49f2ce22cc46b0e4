"""Draw a digit: what the trained network says of it, and what each pixel does."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ..data.image_folder import decode_image, read_image
from ..data.transforms import normalise
from ..engine.tensor import from_numpy
from ..inference.predictor import Predictor, load_predictor
from ..models.mlp import MLP
from ..training.predict import softmax
from ..utils.errors import InputError
from .checkpoints import check_finite
from .page import Question
from .uploads import Upload


EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
NONE = (
    "there is no checkpoint yet; train one: "
    "python scripts/train.py --config configs/digits_mlp.yaml"
)


class Digits:
    """A classifier of grey images, from its checkpoint alone."""

    def __init__(self, checkpoint: Path | None) -> None:
        self.checkpoint = checkpoint
        self.predictor = None
        if checkpoint is not None:
            self.predictor = load_predictor(checkpoint)
            check_finite(self.predictor.model.state_dict(), checkpoint)

    def start(self) -> dict[str, Any]:
        """Size, class names, examples; of a perceptron its weights too. Or why not."""
        if refusal := self._refusal():
            return {"refusal": refusal}
        predictor = self._predictor()
        channels, height, width = predictor.info["input_shape"]
        examples = [
            {"name": path.stem, "image": image[0]}
            for path in sorted(EXAMPLES.glob("*.png"))
            if (image := read_image(path, channels)).shape[1:] == (height, width)
        ]
        layers = predictor.model.layers if isinstance(predictor.model, MLP) else []
        weights = [{"weight": w.weight.data, "bias": w.bias.data} for w in layers]
        info = {name: predictor.info[name] for name in ("classes", "mean", "std")}
        return info | {"size": [height, width], "examples": examples, "layers": weights}

    def open(self, file: Upload) -> dict[str, Any]:
        """The pixels of a dropped image, which must have the model's size."""
        channels, *size = self._predictor().info["input_shape"]
        image = decode_image(file.content(), file.shown, channels)
        if list(image.shape[1:]) != size:
            raise InputError(
                f"{file.shown}: is {image.shape[1]}x{image.shape[2]} (height x width), "
                f"but the model was trained on {size[0]}x{size[1]}; scale it first"
            )
        return {"image": image[0]}

    def predict(self, pixels: list[int]) -> dict[str, Any]:
        """Class probabilities, and the gradient of the likeliest logit by pixel."""
        predictor = self._predictor()
        shape = predictor.info["input_shape"]
        if len(pixels) != np.prod(shape) or not all(0 <= p <= 255 for p in pixels):
            raise InputError(
                f"pixels: {np.prod(shape)} numbers from 0 to 255 are needed"
            )
        image = np.array(pixels, np.uint8).reshape(1, *shape)
        info = predictor.info
        x = from_numpy(normalise(image, info["mean"], info["std"]))
        x.requires_grad = True
        logits = predictor.model(x)
        likeliest = int(logits.data[0].argmax())
        logits[0, likeliest].backward()
        return {
            "probabilities": softmax(logits.data)[0].tolist(),
            "logits": logits.data[0].tolist(),
            "gradient": x.grad.data[0, 0],
        }

    def exported(self) -> Iterator[Question]:
        """What a saved page holds; it computes a perceptron's other answers itself."""
        yield "digits/start", {}
        start = self.start()
        for example in start.get("examples", ()) if not start.get("layers") else ():
            yield "digits/predict", {"pixels": example["image"].ravel().tolist()}

    def _refusal(self) -> str:
        """Why the panel has nothing to show; empty if it has."""
        if self.predictor is None:
            return NONE
        shape = self.predictor.info.get("input_shape", ())
        if len(shape) == 3 and shape[0] == 1:
            return ""
        return (
            f"{self.checkpoint} was trained on {self.predictor.info['name']} data; "
            "this panel needs one of grey images, such as configs/digits_mlp.yaml"
        )

    def _predictor(self) -> Predictor:
        if refusal := self._refusal():
            raise InputError(refusal)
        return self.predictor
