"""What to type to train on a folder, quoted for the shell and for YAML."""

import json
import re
import shlex
from collections.abc import Mapping

from ..utils.yaml12 import ConfigError, read_value
from .mask_values import MAX_VALUES, Value, format_value


CONFIG = "configs/my_images.yaml"


def train_command(
    images: str, masks: str, suffix: str, classes: Mapping[Value, str]
) -> str:
    """Training on these folders; more than MAX_VALUES classes are left to be found."""
    settings = {"images": images, "masks": masks, "mask_suffix": suffix}
    words = [
        shell_quote(f"data.folder.{key}={_yaml(text)}")
        for key, text in settings.items()
        if text
    ]
    if len(classes) <= MAX_VALUES:
        words.append(mask_values_option(classes))
    return " ".join([f"python scripts/train.py --config {CONFIG}", *words])


def mask_values_option(classes: Mapping[Value, str]) -> str:
    """`'data.folder.mask_values={"0": ground, "9": road}'`, quoted for the shell."""
    items = (
        f'"{format_value(value)}": {_yaml(name, flow=True)}'
        for value, name in classes.items()
    )
    return shell_quote(f"data.folder.mask_values={{{', '.join(items)}}}")


def shell_quote(word: str) -> str:
    """As `shlex.quote`, but `a=b` stays as it is."""
    plain = re.fullmatch(r"[\w.,:/=+@%-]+", word, re.ASCII)
    return word if plain else shlex.quote(word)


def _yaml(text: str, flow: bool = False) -> str:
    """A text as YAML reads it back: as it is, or in double quotes."""
    try:
        plain = read_value(text, "text")[0] == text
    except ConfigError:
        plain = False
    if flow and re.search(r"[^\w .-]", text):
        plain = False  # a comma or a brace would end the value
    return text if plain else json.dumps(text, ensure_ascii=False)
