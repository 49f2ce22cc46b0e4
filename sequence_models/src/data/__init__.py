"""Data by name: `open_data(DataConfig(...), task, seed)`."""

from .config import DataConfig
from .opening import Opened, TextInfo, open_data


__all__ = ["DataConfig", "Opened", "TextInfo", "open_data"]
