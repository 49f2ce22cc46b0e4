"""Speech by the synthesiser espeak-ng, where it is installed: text with its sound.

Not for a good recogniser, but for a whole training without a recording: strings of
digits, or sentences of a text file, in several voices, speeds and pitches. The program
is started without a shell and gets its text on standard input.
"""

import hashlib
import shutil
import subprocess
from pathlib import Path

from torch import Tensor

from ..audio.read import read_audio
from ..audio.resample import resample
from ..utils.errors import InputError
from ..utils.seed import keyed_rng
from .config import EspeakConfig
from .lines import read_lines
from .utterance import SPLITS, Splits, Utterance


PROGRAM = "espeak-ng"
SECONDS = 20.0
"""Within which one sentence must be spoken."""
LONGEST = 2000
"""Characters of a sentence."""
DIGITS = "zero one two three four five six seven eight nine".split()


def espeak_utterances(config: EspeakConfig, text_file: str, seed: int) -> Splits:
    """Sentences and voices drawn from (seed, split, index).

    A line of `text_file` is in one split only, by its hash. Raises InputError where the
    program or the text is not there.
    """
    find_program()
    pools = _sentences(text_file) if text_file else {}
    splits: Splits = {}
    for part, split in enumerate(SPLITS):
        splits[split] = []
        for index in range(getattr(config, f"n_{split}")):
            rng = keyed_rng(seed, part, index)
            voice = config.voices[int(rng.integers(len(config.voices)))]
            if text_file:
                text = pools[split][int(rng.integers(len(pools[split])))]
            else:
                many = int(rng.integers(*config.digits, endpoint=True))
                text = " ".join(DIGITS[d] for d in rng.integers(0, 10, many))
            splits[split].append(Utterance(f"{split}-{index:06d}", None, text, voice))
    return splits


class EspeakMaker:
    """Waveforms of `espeak_utterances`; speed and pitch belong to the sample."""

    def __init__(self, config: EspeakConfig, seed: int):
        self.config, self.seed = config, seed

    def __call__(self, utterance: Utterance, sample_rate: int) -> Tensor:
        split, _, number = utterance.id.partition("-")
        rng = keyed_rng(self.seed, SPLITS.index(split), int(number), 1)
        speed = int(rng.integers(*self.config.speeds, endpoint=True))
        pitch = int(rng.integers(*self.config.pitches, endpoint=True))
        return speak(utterance.text, utterance.speaker, speed, pitch, sample_rate)


def speak(text: str, voice: str, speed: int, pitch: int, sample_rate: int) -> Tensor:
    """Mono samples of a sentence; InputError where espeak-ng does not give them."""
    command = [find_program(), "-v", voice, "-s", str(speed), "-p", str(pitch)]
    try:
        done = subprocess.run(
            [*command, "-b", "1", "--stdin", "--stdout"],
            input=text.encode("utf-8", "replace"),
            capture_output=True,
            timeout=SECONDS,
        )
    except subprocess.TimeoutExpired:
        raise InputError(
            f"{PROGRAM} took more than {SECONDS:g} s for {text[:40]!r}. Shorten it"
        ) from None
    except (OSError, ValueError) as error:
        raise InputError(f"{PROGRAM} cannot be started: {error}") from None
    if done.returncode or not done.stdout:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise InputError(
            f"{PROGRAM} said nothing in the voice {voice!r}: "
            f"{said[0][:80] if said else f'exit code {done.returncode}'}. "
            f"`{PROGRAM} --voices` lists the voices for data.espeak.voices"
        )
    audio = read_audio(done.stdout)
    return resample(audio.waveform, audio.sample_rate, sample_rate)


def find_program() -> str:
    """Where espeak-ng is; InputError, with the command that installs it, if nowhere."""
    found = shutil.which(PROGRAM)
    if found is None:
        raise InputError(
            f"the program {PROGRAM} is not installed, which data.name = espeak needs. "
            f"Type: sudo apt-get install {PROGRAM} (or brew install {PROGRAM})"
        )
    return found


def _sentences(text_file: str) -> Splits:
    """The lines of a file, 8 of 10 to train on, each in the split of its hash."""
    pools: dict[str, list[str]] = {split: [] for split in SPLITS}
    for number, line in read_lines(Path(text_file), "a sentence a line"):
        if len(line) > LONGEST:
            raise InputError(
                f"{text_file}:{number}: the line has {len(line)} characters, more than "
                f"the {LONGEST} of a sentence. Give a sentence a line"
            )
        draw = hashlib.sha256(line.encode("utf-8", "replace")).digest()[0] % 10
        pools[("val", "test")[draw] if draw < 2 else "train"].append(line)
    for split, pool in pools.items():
        if not pool:
            raise InputError(
                f"{text_file}: no sentence falls to the part {split}. Give more; 20 "
                "different ones are mostly enough"
            )
    return pools
