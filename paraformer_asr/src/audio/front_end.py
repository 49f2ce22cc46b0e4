"""The features of a recogniser: filter bank or cepstra, normalised, stacked."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from ..utils.config import from_dict, to_dict
from ..utils.contracts import contract
from ..utils.errors import InputError
from ..utils.seed import keyed_rng
from .cmvn import LEAST, MomentSums, normalise
from .frames import Window
from .low_frame_rate import stack_frames
from .mel import band, fbank, frame_sizes
from .mfcc import cepstra


@dataclass(frozen=True, slots=True)
class FeatureConfig:
    sample_rate: int = 8000
    """Hz; audio of another rate is resampled to it."""
    kind: Literal["fbank", "mfcc"] = "fbank"
    n_mels: int = 40
    """Filters; 80 is usual at 16 kHz."""
    n_ceps: int = 13
    """Coefficients kept; only read by mfcc."""
    window: Window = "povey"
    frame_ms: float = 25.0
    shift_ms: float = 10.0
    preemphasis: float = 0.97
    dither: float = 0.0
    """Deviation of the noise added, in units of a 16-bit integer; Kaldi's is 1."""
    low_hz: float = 20.0
    high_hz: float = 0.0
    """0: half the sample rate; below 0: counted from there."""
    cmvn: Literal["none", "utterance", "global"] = "utterance"
    lfr_m: int = 1
    """Frames put side by side."""
    lfr_n: int = 1
    """Every n-th of them is kept."""

    def __post_init__(self):
        if not 1000 <= self.sample_rate <= 384_000:
            raise ValueError(
                f"sample_rate must be 1000 to 384000, not {self.sample_rate}"
            )
        for name in ("n_mels", "n_ceps", "lfr_m", "lfr_n"):
            if getattr(self, name) < 1:
                raise ValueError(
                    f"{name} must be at least 1, not {getattr(self, name)}"
                )
        for name in ("preemphasis", "dither"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must not be negative: {getattr(self, name)}")
        length, shift = frame_sizes(self.sample_rate, self.frame_ms, self.shift_ms)
        if shift < 1:
            raise ValueError(f"shift_ms {self.shift_ms:g} is less than one sample")
        if length < 2:
            raise ValueError(f"frame_ms {self.frame_ms:g} is less than two samples")
        if shift > length:
            raise ValueError(
                f"shift_ms {self.shift_ms:g} is more than frame_ms {self.frame_ms:g}: "
                "what lies between two frames would not be heard"
            )
        band(self.sample_rate, self.low_hz, self.high_hz)
        if self.kind == "mfcc" and self.n_ceps > self.n_mels:
            raise ValueError(f"n_ceps {self.n_ceps} is more than n_mels {self.n_mels}")

    @property
    def coefficients(self) -> int:
        """Numbers in a frame before stacking."""
        return self.n_ceps if self.kind == "mfcc" else self.n_mels

    @property
    def dim(self) -> int:
        """Numbers in a frame as the model sees it."""
        return self.coefficients * self.lfr_m

    @property
    def frame_seconds(self) -> float:
        """From one frame that the model sees to the next."""
        _, shift = frame_sizes(self.sample_rate, self.frame_ms, self.shift_ms)
        return shift / self.sample_rate * self.lfr_n


class FrontEnd:
    """Waveform in, features out: `front_end(waveform)`.

    cmvn=global needs the mean and deviation of each coefficient (`FrontEnd.fitted`).
    """

    def __init__(
        self,
        config: FeatureConfig,
        mean: Sequence[float] | Tensor | None = None,
        std: Sequence[float] | Tensor | None = None,
    ):
        self.config = config
        self.dim = config.dim
        self.frame_seconds = config.frame_seconds
        self.frame_samples, self.shift_samples = frame_sizes(
            config.sample_rate, config.frame_ms, config.shift_ms
        )
        self.mean = _numbers("mean", mean, config)
        self.std = _numbers("std", std, config)

    @classmethod
    def fitted(cls, config: FeatureConfig, waveforms: Iterable[Tensor]) -> "FrontEnd":
        """With the mean and deviation over all frames of the waveforms."""
        plain, sums = cls(replace(config, cmvn="none")), MomentSums(config.coefficients)
        for waveform in waveforms:
            sums.add(plain.coefficients(waveform))
        return cls(config, *sums.moments())

    @contract
    def __call__(
        self,
        waveform: Float[Tensor, " samples"],
        *,
        warp: float = 1.0,
        tempo: float = 1.0,
        generator: np.random.Generator | None = None,
    ) -> Float[Tensor, "frames {self.dim}"]:
        """Coefficients, normalised and stacked; 0 frames where shorter than a window.

        `warp` is the factor of vocal-tract perturbation, `tempo` that of the frame
        shift. `generator` gives the dither; without one it is the same at each call.
        """
        features = self.coefficients(
            waveform, warp=warp, tempo=tempo, generator=generator
        )
        return stack_frames(
            self.normalise(features), self.config.lfr_m, self.config.lfr_n
        )

    @contract
    def coefficients(
        self,
        waveform: Float[Tensor, " samples"],
        *,
        warp: float = 1.0,
        tempo: float = 1.0,
        generator: np.random.Generator | None = None,
    ) -> Float[Tensor, "frames mels"]:
        """Filter bank or cepstra, before normalisation and stacking."""
        c = self.config
        features = fbank(
            waveform,
            sample_rate=c.sample_rate,
            n_mels=c.n_mels,
            window=c.window,
            frame_ms=c.frame_ms,
            shift_ms=c.shift_ms * tempo,
            preemphasis=c.preemphasis,
            dither=c.dither,
            low_hz=c.low_hz,
            high_hz=c.high_hz,
            warp=warp,
            generator=keyed_rng(0) if c.dither and generator is None else generator,
        )
        return cepstra(features, c.n_ceps) if c.kind == "mfcc" else features

    @contract
    def normalise(
        self, features: Float[Tensor, "frames mels"]
    ) -> Float[Tensor, "frames mels"]:
        """As `config.cmvn` says."""
        if self.config.cmvn == "utterance":
            return normalise(features)
        if self.config.cmvn == "global":
            return (features - self.mean.to(features)) / self.std.to(features)
        return features

    def to_dict(self) -> dict[str, Any]:
        """Plain values for a checkpoint."""
        return {
            "config": to_dict(self.config),
            "mean": None if self.mean is None else self.mean.tolist(),
            "std": None if self.std is None else self.std.tolist(),
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any], source: str = "features") -> "FrontEnd":
        """From what `to_dict` gave; InputError, beginning with `source`, for less."""
        if not isinstance(values, dict) or values.keys() != {"config", "mean", "std"}:
            raise InputError(f"{source}: config, mean and std are expected, no others")
        config = from_dict(FeatureConfig, values["config"], source)
        try:
            return cls(config, values["mean"], values["std"])
        except (ValueError, TypeError) as error:
            raise InputError(f"{source}: {error}") from None


def _numbers(name: str, values: Any, config: FeatureConfig) -> Tensor | None:
    """The mean or deviation as float64; None unless cmvn is global."""
    if config.cmvn != "global":
        return None
    if values is None:
        raise ValueError(f"cmvn=global needs {name}: see FrontEnd.fitted")
    numbers = torch.as_tensor(values, dtype=torch.float64)
    if numbers.shape != (config.coefficients,) or not numbers.isfinite().all():
        raise ValueError(
            f"{name} must be {config.coefficients} finite numbers, "
            f"it has shape {tuple(numbers.shape)}"
        )
    return numbers.clamp_min(LEAST) if name == "std" else numbers
