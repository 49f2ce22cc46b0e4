"""Recordings, or strings of them, as batches of features and tokens.

A sample is a pure function of (seed, epoch, index): which recordings it joins, how they
are perturbed and what of the features is hidden. Of the parts that are not trained on
each epoch is the same.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from torch import Tensor

from ..audio.front_end import FrontEnd
from ..audio.perturb import PerturbConfig, draw_perturbation, perturb
from ..audio.spec_augment import SpecAugmentConfig, spec_augment
from ..tokenizers import Tokenizer
from ..utils.contracts import contract
from ..utils.seed import keyed_rng
from .batch import Batch, Key, Samples, make_batch
from .buckets import Buckets
from .config import DataConfig
from .joined import String, Strings, gap_samples, join
from .recordings import Recordings
from .utterance import SPLITS, Split, Utterance


Drawn = tuple[String, np.random.Generator | None]


class SpeechDataset(Samples):
    """One split: `utterances` as they come, or strings of `config.join` of them.

    `order` (None, or the batches of a budget of frames) is for training, `sizes` for
    evaluation: where it changes, a batch ends. `lengths(epoch)` are the frames of each
    sample before it is perturbed.
    """

    def __init__(
        self,
        utterances: Sequence[Utterance],
        split: Split,
        recordings: Recordings,
        front_end: FrontEnd,
        tokenizer: Tokenizer,
        config: DataConfig,
        seed: int,
    ):
        self.split, self.config, self.seed = split, config, seed
        self.recordings, self.front_end = recordings, front_end
        self.training = split == "train"
        samples = [recordings.samples(u) for u in utterances]
        order = range(len(utterances))
        if config.batch_frames and not self.training and not config.joined:
            order = np.argsort(samples, kind="stable").tolist()
        self.utterances = [utterances[i] for i in order]
        self.samples = np.array([samples[i] for i in order], np.int64)
        self.texts = [tokenizer.normalise(u.text) for u in self.utterances]
        self.tokenizer = tokenizer
        self.strings = None
        if config.joined:
            speakers = [u.speaker for u in self.utterances]
            self.strings = Strings(
                speakers, config.join, config.join_gap_s, config.join_bare
            )
        self.perturbed = self.training and config.perturb != PerturbConfig()
        self.fixed = not self.training or not (self.perturbed or config.joined)
        self.hidden = self.training and config.spec_augment != SpecAugmentConfig()
        self.changed = self.perturbed or self.hidden
        self._kept: dict[int, Tensor] = {}
        self._room = recordings.limit // 4
        self.order = self.sizes = None
        if config.batch_frames and self.training:
            self.order = Buckets(self.lengths, config.batch_frames)
        elif config.batch_frames:
            self.sizes = pack(self.lengths(0), config.batch_frames)

    def __len__(self) -> int:
        if not self.strings:
            return len(self.utterances)
        wanted = self.config.join_train if self.training else self.config.join_eval
        mean = sum(self.config.join) / 2
        return wanted or max(1, round(len(self.utterances) / mean))

    def __getitems__(self, keys: list[Key]) -> Batch:
        drawn = [self._draw(*key) for key in keys]
        texts = [" ".join(self.texts[i] for i in string.parts) for string, _ in drawn]
        first = [self.utterances[string.parts[0]] for string, _ in drawn]
        names = [u.id for u in first]
        if self.strings:
            names = [f"{self.split}-{index:06d}" for _, index in keys]
        return make_batch(
            [self._features(*key, *d) for key, d in zip(keys, drawn, strict=True)],
            [self.tokenizer.encode(text) for text in texts],
            names,
            texts,
            [u.speaker for u in first],
        )

    def string(self, epoch: int, index: int) -> String:
        """What the sample is made of."""
        return self._draw(epoch, index)[0]

    @contract
    def waveform(self, epoch: int, index: int) -> Float[Tensor, " samples"]:
        """The sample as it sounds before it is perturbed."""
        return self._waveform(*self._draw(epoch, index))

    def _draw(self, epoch: int, index: int) -> Drawn:
        """What the sample is made of, and the generator of what fills its gaps."""
        if not self.strings:
            return String((index,), ()), None
        rng = self._rng(epoch, index, 0)
        return self.strings.draw(rng), rng

    def _waveform(self, string: String, rng: np.random.Generator | None) -> Tensor:
        waves = [self.recordings[self.utterances[i]] for i in string.parts]
        if not self.strings:
            return waves[0]
        rate, noise = self.recordings.sample_rate, self.config.join_noise
        return join(waves, string.gaps, rate, noise, rng)

    def _features(
        self, epoch: int, index: int, string: String, rng: np.random.Generator | None
    ) -> Tensor:
        found = self._kept.get(index)
        change = self._rng(epoch, index, 1) if self.changed else None
        if found is None:
            found = self._hear(self._waveform(string, rng), change)
            if self.fixed and found.nbytes <= self._room:
                self._kept[index] = found
                self._room -= found.nbytes
        if not self.hidden:
            return found
        stacked = self.front_end.config.lfr_m
        return spec_augment(found, self.config.spec_augment, change, stacked=stacked)

    def _hear(self, waveform: Tensor, rng: np.random.Generator | None) -> Tensor:
        """Perturbed, if it is to be, and through the front end."""
        if not self.perturbed:
            return self.front_end(waveform)
        drawn = draw_perturbation(self.config.perturb, rng)
        changed = perturb(waveform, drawn, rng)
        return self.front_end(
            changed, warp=drawn.warp, tempo=drawn.tempo, generator=rng
        )

    def _rng(self, epoch: int, index: int, what: int) -> np.random.Generator:
        """Of one kind of draw; the same in all epochs where it is not trained on."""
        part, epoch = SPLITS.index(self.split), epoch if self.training else 0
        return keyed_rng(self.seed, part, epoch, index, what)

    def lengths(self, epoch: int) -> np.ndarray:
        """Frames of each sample."""
        samples = self.samples
        if self.strings:
            rate, rows = self.recordings.sample_rate, []
            for index in range(len(self)):
                string = self.string(epoch, index)
                gaps = sum(gap_samples(gap, rate) for gap in string.gaps)
                rows.append(self.samples[list(string.parts)].sum() + gaps)
            samples = np.array(rows)
        return count_frames(self.front_end, samples)


def count_frames(front_end: FrontEnd, samples: np.ndarray) -> np.ndarray:
    """Frames that the front end makes of so many samples."""
    size, shift = front_end.frame_samples, front_end.shift_samples
    frames = np.maximum(0, 1 + (samples - size) // shift)
    return -(-frames // front_end.config.lfr_n)


def pack(lengths: np.ndarray, budget: int) -> list[int]:
    """The number of the batch of each sample: neighbours within the budget."""
    numbers, count, longest = [], 0, 0
    for length in lengths.tolist():
        longest = max(longest, length)
        if (count + 1) * longest > budget and count:
            count, longest = 0, length
        count += 1
        numbers.append((numbers[-1] if numbers else 0) + (count == 1))
    return numbers
