"""Sound: files, features and what is done to them in training."""

from .front_end import FeatureConfig, FrontEnd
from .mel import fbank
from .perturb import Perturbation, PerturbConfig, draw_perturbation
from .read import Audio, AudioInfo, audio_info, read_audio, stream_audio
from .spec_augment import SpecAugmentConfig
from .stream import FrontEndStream
from .wav import write_wav


__all__ = [
    "Audio",
    "AudioInfo",
    "FeatureConfig",
    "FrontEnd",
    "FrontEndStream",
    "PerturbConfig",
    "Perturbation",
    "SpecAugmentConfig",
    "audio_info",
    "draw_perturbation",
    "fbank",
    "read_audio",
    "stream_audio",
    "write_wav",
]
