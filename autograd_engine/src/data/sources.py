"""Each kind of data as training, validation and test set, with what a model must know.

Nothing about the test set, not even a mean, is used before the test. Where a set has no
validation part of its own, one is taken from the training samples by a permutation that
depends on the seed alone.
"""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ..utils.errors import InputError
from .config import DataConfig
from .dataset import ArrayDataset, fingerprint, hold_out
from .idx import open_idx_folder
from .image_folder import open_image_folder
from .points import make_points
from .sentences import encode_words, read_sentences, toy_sentences, word_vocabulary
from .tables import (
    fit_standard,
    read_table,
    sort_classes,
    standardise,
    stratified_folds,
)
from .text import (
    char_vocabulary,
    encode,
    evaluation_windows,
    read_text,
    split_text,
    training_windows,
)
from .toy_digits import toy_digits
from .transforms import AugmentConfig, channel_statistics, prepare_images


Parts = dict[str, ArrayDataset]
SPLIT_KEYS = {"train": 0, "val": 1, "test": 2}


@dataclass(frozen=True, slots=True)
class Splits:
    """The three parts, and what a model must know of them."""

    train: ArrayDataset
    val: ArrayDataset
    test: ArrayDataset
    info: dict[str, Any]
    """Plain values for the checkpoint. All kinds: name, input_shape (of one sample, no
    size for a free length). Classes: classes. Images: mean, std. Tables: columns, mean,
    std. Text and sentences: vocabulary."""
    fingerprint: str
    """SHA-256 of all values."""


def open_points(config: DataConfig, seed: int) -> Splits:
    """Each part is drawn by itself; spirals, which draw nothing, lie between."""
    parts = {}
    for part, key in SPLIT_KEYS.items():
        features, labels = make_points(
            config.points,
            config.count,
            3 * seed + key,
            noise=config.noise,
            phase=key / 3,
        )
        parts[part] = ArrayDataset(features.astype(np.float32), labels)
    return _splits(parts, name="points", input_shape=[2], classes=["0", "1"])


def open_digits(config: DataConfig, seed: int) -> Splits:
    """Drawn digits; each part has a seed of its own."""
    parts = {}
    for part, key in SPLIT_KEYS.items():
        count = config.count if part == "train" else config.count // 2
        images, labels = toy_digits(count, 3 * seed + key)
        parts[part] = ArrayDataset(images[:, None], labels)
    return _image_splits(config, parts, [str(digit) for digit in range(10)])


def open_idx(config: DataConfig, seed: int) -> Splits:
    """MNIST and its kin: a folder of IDX files."""
    parts = open_idx_folder(config.root)
    highest = max(int(part.labels.max()) for part in parts.values())
    classes = [str(code) for code in range(highest + 1)]
    return _image_splits(config, _keep_back(parts, config, seed), classes)


def open_images(config: DataConfig, seed: int) -> Splits:
    """A folder or a tar of images, a folder a class."""
    cache = config.cache or None
    parts, classes = open_image_folder(config.root, cache, config.channels)
    return _image_splits(config, _keep_back(parts, config, seed), classes)


def open_table(config: DataConfig, seed: int) -> Splits:
    """A CSV file: one fold tests, the next one validates, the others train."""
    table = read_table(config.root, config.target)
    counts = np.bincount(table.labels)
    if len(counts) < 2 or counts.min() < config.folds:
        few = table.classes[int(counts.argmin())]
        raise InputError(
            f"{config.root}: the class {few!r} of {config.target} has {counts.min()} "
            f"of {len(table.labels)} rows; needed are two classes, each with one row a "
            f"fold at least (data.folds={config.folds})"
        )
    folds = stratified_folds(table.labels, config.folds, seed)
    test = folds.pop(config.fold)
    val = folds.pop(config.fold % len(folds))
    rows = {"train": np.sort(np.concatenate(folds)), "val": val, "test": test}
    mean, std = fit_standard(table.features[rows["train"]])
    features = standardise(table.features, mean, std)
    return _splits(
        {part: ArrayDataset(features[i], table.labels[i]) for part, i in rows.items()},
        name="table",
        input_shape=[features.shape[1]],
        classes=table.classes,
        columns=table.columns,
        mean=mean.tolist(),
        std=std.tolist(),
    )


def open_text(config: DataConfig, seed: int) -> Splits:
    """`test` is the whole validation part: the text has no third one.

    The vocabulary is that of the whole text, so that every character can be scored.
    """
    text = read_text(config.root)
    vocabulary = char_vocabulary(text)
    train_ids, val_ids = (encode(part, vocabulary) for part in split_text(text))
    inputs, targets = training_windows(train_ids, config.block)
    size = min(config.epoch_windows, len(inputs)) or None
    whole = ArrayDataset(*evaluation_windows(val_ids, config.block))
    val = whole
    if config.val_windows:
        val = whole.subset(np.arange(min(config.val_windows, len(whole))))
    return Splits(
        ArrayDataset(inputs, targets, epoch_size=size),
        val,
        whole,
        {"name": "text", "input_shape": [config.block], "vocabulary": vocabulary},
        fingerprint(text),
    )


def open_sentiment(config: DataConfig, seed: int) -> Splits:
    """The vocabulary is that of the training sentences alone."""
    if config.root:
        root = Path(config.root)
        labels, texts = read_sentences(root / "train.tsv")
        rest = _hold_out(len(texts), config, seed)
        raw = {
            part: ([labels[i] for i in places], [texts[i] for i in places])
            for part, places in zip(("train", "val"), rest, strict=True)
        }
        raw["test"] = read_sentences(root / "test.tsv")
    else:
        counts = {"train": config.count, "val": config.count // 2}
        counts["test"] = counts["val"]
        raw = {
            part: toy_sentences(counts[part], 3 * seed + key)
            for part, key in SPLIT_KEYS.items()
        }
    classes = sort_classes(raw["train"][0])
    vocabulary = word_vocabulary(raw["train"][1], config.max_words)
    codes = {label: code for code, label in enumerate(classes)}
    parts = {}
    for part, (labels, texts) in raw.items():
        strange = sorted(set(labels) - set(classes))
        if strange:
            raise InputError(
                f"{config.root}: the {part} sentences have the label {strange[0]!r}, "
                f"the training ones only {', '.join(classes)}"
            )
        numbers = np.array([codes[label] for label in labels], np.int64)
        parts[part] = ArrayDataset(encode_words(texts, vocabulary), numbers)
    return _splits(
        parts,
        name="sentiment",
        input_shape=[None],
        classes=classes,
        vocabulary=vocabulary,
    )


OPENERS = {
    "points": open_points,
    "digits": open_digits,
    "idx": open_idx,
    "image_folder": open_images,
    "table": open_table,
    "text": open_text,
    "sentiment": open_sentiment,
}


def _image_splits(config: DataConfig, parts: Parts, classes: list[str]) -> Splits:
    """Mean and deviation are those of the training images."""
    shape = parts["train"].features.shape[1:]
    mean, std = channel_statistics(parts["train"].features)
    plain = partial(prepare_images, mean=mean, std=std)
    varied = plain
    if config.augment != AugmentConfig():
        varied = partial(plain, config=config.augment)
    ready = {
        name: ArrayDataset(
            part.features, part.labels, varied if name == "train" else plain
        )
        for name, part in parts.items()
    }
    info = {"input_shape": list(shape), "classes": classes, "mean": mean, "std": std}
    return _splits(ready, name=config.name, **info)


def _keep_back(parts: Parts, config: DataConfig, seed: int) -> Parts:
    """The same with a validation part, taken from the training one if there is none."""
    if "val" in parts:
        return parts
    places = _hold_out(len(parts["train"]), config, seed)
    train, val = (parts["train"].subset(index) for index in places)
    return {"train": train, "val": val, "test": parts["test"]}


def _hold_out(
    count: int, config: DataConfig, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    if count < 2:
        raise InputError(
            f"{config.root}: has {count} training sample; two at least are needed, one "
            "of them to validate"
        )
    return hold_out(count, max(1, min(config.val_size, count // 10)), seed)


def _splits(parts: Parts, **info: Any) -> Splits:
    content = [[*_list(part.features), part.labels] for part in parts.values()]
    return Splits(**parts, info=info, fingerprint=fingerprint(*content))


def _list(features: np.ndarray | list[np.ndarray]) -> list[np.ndarray]:
    return features if isinstance(features, list) else [features]
