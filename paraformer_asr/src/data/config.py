"""What the key `data` of a configuration says."""

from dataclasses import dataclass, field
from typing import Literal

from ..audio.perturb import PerturbConfig
from ..audio.spec_augment import SpecAugmentConfig
from ..utils.errors import InputError


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
    """Deviation of the noise; a token's features are of size 1. Of toy_tones times
    0.03, on a tone of amplitude 0.3."""
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
class EspeakConfig:
    """Speech made by the program espeak-ng, where it is installed."""

    voices: tuple[str, ...] = ("en-us", "en-gb", "en-gb-scotland")
    """Names that `espeak-ng --voices` lists; each is a speaker."""
    speeds: tuple[int, int] = (130, 190)
    """Slowest and fastest, in words a minute, 80 to 450."""
    pitches: tuple[int, int] = (30, 70)
    """Lowest and highest, 0 to 99."""
    digits: tuple[int, int] = (1, 5)
    """Fewest and most digits of a string, where no text file is given."""
    n_train: int = 300
    n_val: int = 50
    n_test: int = 50

    def __post_init__(self) -> None:
        check_range("speeds", self.speeds, 80)
        check_range("pitches", self.pitches, 0)
        check_range("digits", self.digits, 1)
        if self.speeds[1] > 450 or self.pitches[1] > 99 or self.digits[1] > 100:
            raise ValueError("speeds, pitches, digits: at most 450, 99 and 100")
        if not self.voices:
            raise ValueError("voices = []: must name at least one")
        for name in ("n_train", "n_val", "n_test"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} = {getattr(self, name)}: must be > 0")


@dataclass(frozen=True, slots=True)
class DataConfig:
    name: Literal[
        "toy_seq2seq", "toy_tones", "manifest", "kaldi", "librispeech", "espeak"
    ] = "toy_seq2seq"
    root: str = ""
    """The folder of the recordings; of espeak a text file, a sentence a line, or empty
    for strings of digits."""
    train: str = ""
    """Of manifest a file (train.jsonl), of kaldi a folder (train), of librispeech
    folders (train-clean-100), commas between; empty: the name in brackets."""
    val: str = ""
    """The same (val.jsonl, dev, dev-clean); one that is not there: `val_share`."""
    test: str = ""
    """The same (test.jsonl, test, test-clean); one that is not there: no test."""
    val_share: float = 0.1
    """Share of the training part that is held out where there is no `val`."""
    leave_out_speaker: str = ""
    """Whose recordings are neither trained on nor validated on, and alone tested."""
    batch_size: int = 16
    """Samples a batch, over all processes of a torchrun job."""
    batch_frames: int = 0
    """Instead, to train: feature frames a batch, padding included; samples of similar
    length come together. 0: batches of `batch_size` in any order."""
    join: tuple[int, int] = (1, 1)
    """Fewest and most recordings of one speaker in a sample."""
    join_gap_s: tuple[float, float] = (0.05, 0.3)
    """Shortest and longest silence before, between and after them."""
    join_bare: float = 0.0
    """Share of the strings without silence before and after, as recordings come."""
    join_noise: float = 1e-3
    """Deviation of the noise in that silence; a waveform lies within 1."""
    join_train: int = 0
    """Strings an epoch; 0: so many that each recording is in one, on average."""
    join_eval: int = 0
    """Strings of the validation and of the test part, the same in all epochs."""
    perturb: PerturbConfig = field(default_factory=PerturbConfig)
    """Of training waveforms."""
    spec_augment: SpecAugmentConfig = field(default_factory=SpecAugmentConfig)
    """Of training features."""
    min_seconds: float = 0.1
    """A shorter recording is left out."""
    max_seconds: float = 30.0
    """A longer one is left out."""
    frames_per_token: int = 4
    """A recording is left out whose frames, divided by this (the subsampling of the
    encoder), are fewer than its tokens and their repeats: CTC cannot align it."""
    memory_mb: int = 0
    """Decoded audio that is kept; 0: a quarter of this machine's memory."""
    workers: int = 0
    """Loader processes; 0 loads in the trainer."""
    toy: ToyConfig = field(default_factory=ToyConfig)
    """Of toy_seq2seq and toy_tones."""
    espeak: EspeakConfig = field(default_factory=EspeakConfig)

    def __post_init__(self) -> None:
        for name, least in [
            ("batch_size", 1), ("batch_frames", 0), ("join_train", 0),
            ("join_eval", 0), ("min_seconds", 0), ("memory_mb", 0), ("workers", 0),
            ("join_noise", 0), ("frames_per_token", 1),
        ]:  # fmt: skip
            if getattr(self, name) < least:
                raise ValueError(f"{name} = {getattr(self, name)}: must be >= {least}")
        if not 0 < self.val_share < 1:
            raise ValueError(f"val_share = {self.val_share}: must be between 0 and 1")
        if not 0 <= self.join_bare <= 1:
            raise ValueError(f"join_bare = {self.join_bare}: must be from 0 to 1")
        check_range("join", self.join, 1)
        check_range("join_gap_s", self.join_gap_s, 0)
        if self.max_seconds <= self.min_seconds:
            raise ValueError(
                f"max_seconds = {self.max_seconds}: must be more than min_seconds = "
                f"{self.min_seconds}"
            )

    @property
    def joined(self) -> bool:
        return self.join != (1, 1)


MADE = ("toy_seq2seq", "toy_tones", "espeak")


def check_fits(config: DataConfig) -> None:
    """Raise InputError for keys that this kind of data would not read."""
    name, plain = config.name, DataConfig()
    unread = []
    if name in ("toy_seq2seq", "toy_tones"):
        unread += ["root", "leave_out_speaker"]
    if name in MADE:
        unread += ["train", "val", "test", "val_share"]
    if name == "toy_seq2seq":
        unread += ["join", "join_train", "join_eval", "perturb", "spec_augment"]
        unread += ["batch_frames"]
    if not config.joined:
        unread += ["join_train", "join_eval"]
    for key in unread:
        if getattr(config, key) != getattr(plain, key):
            without = "" if key not in ("join_train", "join_eval") else " without join"
            raise InputError(
                f"data.{key}: data.name = {name}{without} does not read it"
            )
