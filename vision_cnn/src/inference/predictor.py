"""A trained model that gives the logits of normalised images, as its training did."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ..data.info import DataInfo
from ..training.load import load_model
from ..training.task import Config
from ..utils.contracts import contract
from ..utils.errors import FaultError
from ..utils.tensor_utils import to_device
from .tta import average_views


@dataclass(frozen=True, slots=True)
class Predictor:
    model: nn.Module
    config: Config
    info: DataInfo
    device: torch.device = torch.device("cpu")

    @property
    def in_channels(self) -> int:
        return self.info.in_channels

    @property
    def classes(self) -> int:
        return len(self.info.class_names)

    @property
    def precision(self) -> str:
        """That of the training; fp16 exists on CUDA only, elsewhere it is fp32."""
        wanted = self.config.train.precision
        known = ("bf16", "fp16") if self.device.type == "cuda" else ("bf16",)
        return wanted if wanted in known else "fp32"

    @contract
    @torch.no_grad()
    def logits(
        self,
        images: Float[Tensor, "batch {self.in_channels} height width"],
        tta: str = "none",
    ) -> Float[Tensor, "batch {self.classes}"]:
        """Float32 logits on the CPU, of images normalised by `info.normalise`."""
        if not len(images):
            return torch.empty(0, self.classes)
        last = self.config.train.channels_last

        def run(part: Tensor) -> Tensor:
            return self.model(to_device(part, self.device, last)).float()

        kind = {"bf16": torch.bfloat16, "fp16": torch.float16}.get(self.precision)
        with torch.autocast(self.device.type, kind, enabled=kind is not None):
            return average_views(run, images, tta).cpu()


def load_predictor(
    checkpoint: Path | str, device: torch.device | str = "cpu"
) -> Predictor:
    """The model of `checkpoint`, ready to predict; raises InputError."""
    device = torch.device(device)
    model, config, info, _ = load_model(checkpoint, device)
    return Predictor(model, config, info, device)


@contract
def require_finite(
    logits: Float[Tensor, "batch classes"], names: Sequence[str]
) -> None:
    """Raise FaultError that names the first image with NaN or infinite logits."""
    bad = ~logits.isfinite().all(1)
    if bad.any():
        raise FaultError(f"{names[int(bad.nonzero()[0])]}: {NOT_FINITE}")


NOT_FINITE = (
    "the model gives NaN or infinity. Use another checkpoint of its run, or train "
    "again with a lower optim.lr"
)
