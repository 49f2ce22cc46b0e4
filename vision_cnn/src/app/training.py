"""What the panel `training` asks: frames of a live training, forwards and again."""

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any, get_args, get_type_hints

import torch
from torch import Tensor

from ..explain.kernels import first_kernels
from ..explain.layers import as_map, capture
from ..utils.config import from_dict
from ..utils.errors import InputError
from .live import FRAMES, JUDGED, SIDE, TRAINED, Live, Settings
from .opened import Opened
from .page import Question
from .scored import small


SESSIONS = 3
"""Trainings that are kept; the one not asked for longest goes."""
RATES = {"muon": 0.05, "adamw": 0.01, "sgd": 0.1}
"""With which a training begins."""
CHANNELS = 8
"""Feature maps of a layer that a frame shows."""
IMAGES = 8
RECORDED = 66
"""Frames that a saved page holds."""


class Training:
    """Answers are pure functions of their parameters; what is kept only saves time."""

    def __init__(self, opened: Opened | None):
        self.opened = opened
        self.kept: OrderedDict[Settings, Live] = OrderedDict()

    def start(self) -> dict[str, Any]:
        """What the controls offer."""
        hints = get_type_hints(Settings)
        choices = {n: list(get_args(hints[n])) for n in ("model", "optimiser")}
        return {
            "settings": asdict(Settings()),
            "rates": RATES,
            "choices": choices | {"data": self._data()},
            "data": self.opened.config.data.name if self.opened else "",
            "trained": TRAINED,
            "judged": JUDGED,
            "side": SIDE,
            "frames": FRAMES,
            "recorded": RECORDED,
            "images": IMAGES,
        }

    def subjects(self, settings: dict[str, Any]) -> dict[str, Any]:
        """The images whose feature maps a training can show, and what it has to say."""
        live = self._live(settings)
        info, few = live.task.info, live.datasets["val"]
        pixels = small(few.images[torch.arange(min(IMAGES, len(few)))])
        labels = few.labels[: len(pixels)].tolist()
        return {
            "images": [
                {"image": image, "id": str(n), "caption": info.class_names[label]}
                for n, (image, label) in enumerate(zip(pixels, labels, strict=True))
            ],
            "class_names": list(info.class_names),
            "parameters": sum(p.numel() for p in live.state.model.parameters()),
            "batches": live.steps_per_epoch,
        }

    def frame(
        self,
        settings: dict[str, Any],
        number: int,
        rates: list[tuple[int, float]],
        image: int = 0,
    ) -> dict[str, Any] | None:
        """Frame `number`; None behind the last one.

        `rates`: pairs (n, rate), rising, the first with n = 0: from frame n on the
        training goes at this rate.
        """
        if number > FRAMES:
            return None
        live = self._live(settings)
        kept = live.at(number, rates_of(rates, number))
        info = live.task.info
        return {
            "number": number,
            "step": kept.progress.step,
            "epoch": kept.progress.step / live.steps_per_epoch,
            "rate": kept.rate,
            "loss": kept.loss,
            "val_loss": kept.judged["loss"],
            "accuracy": kept.judged["accuracy"],
            "confusion": kept.confusion.int(),
            "class_names": list(info.class_names),
            **self._seen(live, image),
        }

    def exported(self) -> Iterable[Question]:
        """The training that the panel offers first."""
        settings = asdict(Settings())
        yield "training/start", {}
        yield "training/subjects", {"settings": settings}
        rates = [[0, RATES[settings["optimiser"]]]]
        for number in range(RECORDED + 1):
            given = {"settings": settings, "number": number, "rates": rates, "image": 0}
            yield "training/frame", given

    def _live(self, given: dict[str, Any]) -> Live:
        settings = from_dict(Settings, given, "training")
        live = self.kept.pop(settings, None)
        if live is None:
            live = self._begin(settings)
        self.kept[settings] = live
        while len(self.kept) > SESSIONS:
            self.kept.popitem(last=False)
        return live

    def _begin(self, settings: Settings) -> Live:
        if settings.data == "toy_patterns":
            return Live(settings)
        if not self.opened:
            raise InputError("data: there is no checkpoint, so take the toy patterns")
        return Live(settings, self.opened.config, self.opened.splits)

    def _data(self) -> list[str]:
        own = self.opened and self.opened.config.data.name != "toy_patterns"
        return ["toy_patterns", "checkpoint"] if own else ["toy_patterns"]

    def _seen(self, live: Live, number: int) -> dict[str, Any]:
        """Kernels of the first layer, and what some layers make of an image, now."""
        model, few = live.state.model, live.datasets["val"]
        if not 0 <= number < min(IMAGES, len(few)):
            raise InputError(f"image {number}: must be from 0 to {IMAGES - 1}")
        image = few[(0, number)]["image"][None]
        first = first_kernels(model)
        with torch.no_grad(), capture(model, image, live.layers) as found:
            maps = [_map(n, as_map(found.outputs[n], image)) for n in live.layers]
        return {
            "image": number,
            "layer": first.name,
            "fixed": not model.get_submodule(first.name).weight.requires_grad,
            "kernels": first.weight.clone(),  # the training goes on in them
            "maps": maps,
            "probabilities": found.logits[0].double().softmax(0).tolist(),
        }


def rates_of(changes: list[tuple[int, float]], number: int) -> list[float]:
    """The rate of each of the first `number` frames; raises InputError."""
    places = [place for place, _ in changes]
    if not changes or places[0] != 0 or places != sorted(set(places)):
        raise InputError("rates: must be pairs (frame, rate), rising from frame 0")
    for _, rate in changes:
        if not 0 < rate <= 10:
            raise InputError(f"rate {rate:g}: must be above 0 and at most 10")
    if number < 0:
        raise InputError(f"frame {number}: must be 0 or more")
    ends = [min(place, number) for place in (*places[1:], number)]
    spans = zip(changes, ends, strict=True)
    return [rate for (place, rate), end in spans for _ in range(place, end)]


def _map(name: str, grid: Tensor) -> dict[str, Any]:
    """The first channels, which are the same ones in every frame."""
    return {"layer": name, "maps": grid[0, :CHANNELS].float(), "total": grid.shape[1]}
