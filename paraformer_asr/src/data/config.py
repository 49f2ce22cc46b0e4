"""What the key `data` of a configuration says."""

from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True)
class ToyConfig:
    """Of toy_seq2seq and toy_tones."""

    tokens: int = 10
    """Different tokens, 2 to 26: the letters from a."""
    shortest: int = 2
    """Fewest tokens of a sample, >= 1."""
    longest: int = 8
    """Most tokens."""
    duration: tuple[int, int] = (8, 16)
    """Fewest and most frames of a token; of toy_tones, units of 10 ms."""
    pause: tuple[int, int] = (0, 6)
    """The same of the silence before, between and after tokens."""
    noise: float = 0.3
    """Deviation of the noise; a token's features are of size 1. Of toy_tones, a tenth
    of it is the noise on a tone of amplitude 0.3."""
    n_train: int = 2000
    n_val: int = 200
    n_test: int = 200

    def __post_init__(self) -> None:
        if not 2 <= self.tokens <= 26:
            raise ValueError(f"tokens = {self.tokens}: must be from 2 to 26")
        if not 1 <= self.shortest <= self.longest <= 1000:
            raise ValueError(
                f"shortest = {self.shortest}, longest = {self.longest}: must be from 1 "
                "to 1000, the shortest first"
            )
        check_range("duration", self.duration, 1)
        check_range("pause", self.pause, 0)
        if not 0 <= self.noise <= 100:
            raise ValueError(f"noise = {self.noise}: must be from 0 to 100")
        for name in ("n_train", "n_val", "n_test"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} = {getattr(self, name)}: must be > 0")


def check_range(name: str, pair: tuple[float, float], least: float) -> None:
    """Raise ValueError, which names the key, unless least <= pair[0] <= pair[1]."""
    if not least <= pair[0] <= pair[1]:
        raise ValueError(
            f"{name} = {list(pair)}: must be two numbers >= {least}, the smaller first"
        )


@dataclass(frozen=True, slots=True)
class DataConfig:
    name: Literal[
        "toy_seq2seq", "toy_tones", "manifest", "kaldi", "librispeech", "espeak"
    ] = "toy_seq2seq"
    toy: ToyConfig = field(default_factory=ToyConfig)
    batch_size: int = 16
    """Samples a batch, over all processes of a torchrun job."""
    workers: int = 0
    """Loader processes; 0 loads in the trainer."""
