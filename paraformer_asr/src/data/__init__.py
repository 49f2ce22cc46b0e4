"""Speech and its transcripts, as batches."""

from .config import DataConfig, ToyConfig
from .opening import Opened, open_data


__all__ = ["DataConfig", "Opened", "ToyConfig", "open_data"]
