"""Changes of a training waveform: speed, volume, noise; and the draw of all of them."""

from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from ..utils.contracts import contract
from .resample import resample


@dataclass(frozen=True, slots=True)
class PerturbConfig:
    """How far training waveforms are changed; the defaults change nothing."""

    speeds: tuple[float, ...] = (1.0,)
    """One of them is drawn; 0.9, 1.0, 1.1 is usual. Moves the pitch too."""
    volume_db: tuple[float, float] = (0.0, 0.0)
    """Softest and loudest change."""
    noise_chance: float = 0.0
    """Share of waveforms that get white noise."""
    snr_db: tuple[float, float] = (10.0, 30.0)
    """Most and least of it: signal to noise."""
    warp: float = 0.0
    """Vocal-tract factors are drawn from 1 - warp to 1 + warp; 0.1 to 0.2 is usual."""
    tempo: float = 0.0
    """Tempo factors are drawn from 1 - tempo to 1 + tempo: the frames lie that much
    further apart, and neither pitch nor formants move."""

    def __post_init__(self):
        if not self.speeds or not all(0.25 <= speed <= 4 for speed in self.speeds):
            raise ValueError(f"speeds must be numbers from 0.25 to 4: {self.speeds}")
        for name in ("volume_db", "snr_db"):
            low, high = getattr(self, name)
            if not -100 <= low <= high <= 100:
                raise ValueError(
                    f"{name} must rise, within -100 to 100 dB: {low:g}, {high:g}"
                )
        if not 0 <= self.noise_chance <= 1:
            raise ValueError(f"noise_chance must be 0 to 1, not {self.noise_chance}")
        for name in ("warp", "tempo"):
            if not 0 <= getattr(self, name) <= 0.5:
                raise ValueError(f"{name} must be 0 to 0.5, not {getattr(self, name)}")


class Perturbation(NamedTuple):
    """What was drawn for one waveform; `warp` and `tempo` are for the front end."""

    speed: float = 1.0
    gain: float = 1.0
    snr_db: float | None = None
    warp: float = 1.0
    tempo: float = 1.0


def draw_perturbation(
    config: PerturbConfig, generator: np.random.Generator
) -> Perturbation:
    """Six numbers of the generator, whatever is switched on: no draw moves another."""
    which, loud, noisy, snr, warp, tempo = generator.random(6).tolist()
    return Perturbation(
        speed=config.speeds[int(which * len(config.speeds))],
        gain=10 ** (_between(*config.volume_db, loud) / 20),
        snr_db=_between(*config.snr_db, snr) if noisy < config.noise_chance else None,
        warp=round(_between(1 - config.warp, 1 + config.warp, warp), 2),
        tempo=round(_between(1 - config.tempo, 1 + config.tempo, tempo), 2),
    )


@contract
def perturb(
    waveform: Float[Tensor, " samples"],
    drawn: Perturbation,
    generator: np.random.Generator,
) -> Float[Tensor, " changed"]:
    """Speed, then white noise from the generator, then volume, as drawn."""
    changed = speed(waveform, drawn.speed)
    if drawn.snr_db is not None:
        changed = add_noise(changed, white(len(changed), generator), drawn.snr_db)
    return volume(changed, drawn.gain)


@contract
def speed(
    waveform: Float[Tensor, " samples"], factor: float
) -> Float[Tensor, " changed"]:
    """Played `factor` times as fast (to 1/100): shorter, and higher, above 1."""
    ratio = Fraction(factor).limit_denominator(100)
    return resample(waveform, ratio.numerator, ratio.denominator)


@contract
def volume(
    waveform: Float[Tensor, " samples"], gain: float
) -> Float[Tensor, " samples"]:
    """Times `gain`; not cut off at 1."""
    return waveform if gain == 1.0 else waveform * gain


@contract
def add_noise(
    waveform: Float[Tensor, " samples"], noise: Float[Tensor, " noise"], snr_db: float
) -> Float[Tensor, " samples"]:
    """Noise whose power is 10^(-snr_db / 10) of the waveform's, repeated or cut to fit.

    Where either is silent or empty the waveform stays as it is.
    """
    if len(waveform) == 0 or len(noise) == 0:
        return waveform
    if len(noise) < len(waveform):
        noise = noise.repeat(-(-len(waveform) // len(noise)))
    noise = noise[: len(waveform)]
    power = noise.square().mean()
    if power == 0:
        return waveform
    wanted = waveform.square().mean() * 10 ** (-snr_db / 10)
    return waveform + noise * (wanted / power).sqrt()


def white(samples: int, generator: np.random.Generator) -> Tensor:
    """Gaussian noise of deviation 1."""
    return torch.from_numpy(generator.standard_normal(samples, dtype=np.float32))


def _between(low: float, high: float, share: float) -> float:
    return low + (high - low) * share
