"""Sound: files, features and what is done to them in training."""

from .front_end import FeatureConfig, FrontEnd
from .mel import fbank
from .read import Audio, read_audio, stream_audio
from .wav import write_wav


__all__ = [
    "Audio",
    "FeatureConfig",
    "FrontEnd",
    "fbank",
    "read_audio",
    "stream_audio",
    "write_wav",
]
