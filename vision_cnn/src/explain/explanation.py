"""All that a sheet shows of one image, as numbers."""

from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from ..training.load import Loaded
from ..utils.errors import FaultError, InputError
from .attributions import METHODS, Attributions, attribute
from .inputs import Subject
from .sanity import Stage, randomisation_check


CHECKED = ("saliency", "guided_backprop", "grad_cam")
"""Methods whose maps are compared with those of a network that forgets."""
STAGES = 8


class Explanation(NamedTuple):
    subject: Subject
    picture: Float[Tensor, "channel height width"]
    """In [0, 1]."""
    image: Float[Tensor, "1 channel height width"]
    """As the model sees it."""
    probabilities: Float[Tensor, " classes"]
    predicted: int
    target: int
    """The class that the maps speak for."""
    found: Attributions
    checks: dict[str, list[Stage]]

    @property
    def total(self) -> float:
        """What integrated gradients add up to."""
        return float(self.found.maps["integrated_gradients"].sum())

    @property
    def completeness_error(self) -> float:
        """That, minus the difference of scores that they should add up to."""
        return self.total - float(self.found.gained)


def explain_image(
    loaded: Loaded, subject: Subject, target: int | None = None, layer: str = ""
) -> Explanation:
    """Attribute the score of class `target` (default: the likeliest) to the pixels.

    Raises InputError for a layer that cannot be used, FaultError for logits that are
    not finite.
    """
    model = loaded.model
    device = next(model.parameters()).device
    picture = subject.pixels.float() / 255
    image = loaded.info.normalise(picture)[None].to(device)
    with torch.no_grad():
        logits = model(image)[0].double().cpu()
    if not logits.isfinite().all():
        raise FaultError(
            f"{subject.name}: the model gives NaN or infinity, which nothing explains. "
            "Use another checkpoint of its run, or train again with a lower optim.lr"
        )
    predicted = int(logits.argmax())
    target = predicted if target is None else target
    wanted = torch.tensor([target], device=device)
    found = attribute(model, image, wanted, layer)
    checks = {}
    for name in CHECKED:
        if name in found.maps:
            checks[name] = randomisation_check(
                lambda model, image, target, name=name: METHODS[name].map(
                    model, image, target, found.layer
                ),
                model,
                image,
                wanted,
                stages=STAGES,
            )
    return Explanation(
        subject, picture, image, logits.softmax(0), predicted, target, found, checks
    )


def class_index(wanted: str, class_names: tuple[str, ...]) -> int | None:
    """The class of a name or number; None for "". Raises InputError."""
    if not wanted:
        return None
    if wanted in class_names:
        return class_names.index(wanted)
    if wanted.isdecimal() and int(wanted) < len(class_names):
        return int(wanted)
    known = ", ".join(class_names[:12]) + (", ..." if class_names[12:] else "")
    raise InputError(
        f"--class {wanted}: the model has the classes {known} "
        f"(or 0 to {len(class_names) - 1})"
    )


def as_plain(explanation: Explanation, class_names: tuple[str, ...]) -> dict[str, Any]:
    """For JSON: what was said, of which class, and how large the maps are."""
    found, subject = explanation.found, explanation.subject
    probabilities = explanation.probabilities.tolist()
    order = explanation.probabilities.argsort(descending=True).tolist()
    return {
        "input": subject.source,
        "name": subject.name,
        "true": None if subject.true is None else class_names[subject.true],
        "predicted": class_names[explanation.predicted],
        "probability": probabilities[explanation.predicted],
        "runner_up": class_names[order[min(1, len(order) - 1)]],
        "class": class_names[explanation.target],
        "class_probability": probabilities[explanation.target],
        "layer": found.layer,
        "ranges": {
            name: [float(map.min()), float(map.max())]
            for name, map in found.maps.items()
        },
        "undefined": found.undefined,
        "integrated_gradients": {
            "sum": explanation.total,
            "score_difference": float(found.gained),
            "completeness_error": explanation.completeness_error,
        },
        "similarity_to_forgetful": {
            name: {stage.layer: stage.similarity for stage in stages[1:]}
            for name, stages in explanation.checks.items()
        },
    }
