"""Tiny made-up data sets, packed as the official ones are."""

import dataclasses
import gzip
import hashlib
import io
import tarfile
import wave
from collections.abc import Mapping
from functools import cache

import numpy as np
from PIL import Image

from tools.datasets import DATASETS, Dataset, Remote


RNG = np.random.default_rng(0)
TRAIN_DIGITS, TEST_DIGITS, BATCH = 300, 50, 60


@cache
def pack(name: str) -> dict[str, bytes]:
    """Name of each official file of the data set -> its bytes, made once."""
    return PACKERS[name]()


def stand_in(name: str, packed: Mapping[str, bytes]) -> Dataset:
    """The data set, with the sizes and digests of made-up files."""
    made = tuple(
        Remote(f.url, len(packed[f.name]), hashlib.sha256(packed[f.name]).hexdigest())
        for f in DATASETS[name].files
    )
    return dataclasses.replace(DATASETS[name], files=made)


def tar(files: Mapping[str, bytes], mode: str = "w:gz") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def idx(values: np.ndarray) -> bytes:
    shape = np.array(values.shape, ">u4").tobytes()
    head = bytes([0, 0, 8, values.ndim])
    return gzip.compress(head + shape + values.astype(np.uint8).tobytes(), 1)


def _digits() -> dict[str, bytes]:
    files = {}
    for part, count in (("train", TRAIN_DIGITS), ("t10k", TEST_DIGITS)):
        images = RNG.integers(0, 256, (count, 28, 28))
        files[f"{part}-images-idx3-ubyte.gz"] = idx(images)
        files[f"{part}-labels-idx1-ubyte.gz"] = idx(np.arange(count) % 10)
    return files


def _records(count: int, *label_columns: np.ndarray) -> bytes:
    pixels = RNG.integers(0, 256, (count, 3072))
    columns = [column[:, None] for column in label_columns]
    return np.concatenate([*columns, pixels], 1).astype(np.uint8).tobytes()


def _cifar10() -> dict[str, bytes]:
    labels = np.arange(BATCH) % 10
    parts = [*(f"data_batch_{i}.bin" for i in range(1, 6)), "test_batch.bin"]
    folder = "cifar-10-batches-bin"
    files = {f"{folder}/{part}": _records(BATCH, labels) for part in parts}
    names = "\n".join(f"thing{i}" for i in range(10)) + "\n\n"
    files[f"{folder}/batches.meta.txt"] = names.encode()
    files[f"{folder}/readme.html"] = b"<html>"
    return {"cifar-10-binary.tar.gz": tar(files)}


def _cifar100() -> dict[str, bytes]:
    fine = np.arange(400) % 100
    folder = "cifar-100-binary"
    names = {"coarse": 20, "fine": 100}
    files = {
        f"{folder}/{kind}_label_names.txt": "".join(
            f"{kind}{i}\n" for i in range(count)
        ).encode()
        for kind, count in names.items()
    }
    for part in ("train", "test"):
        files[f"{folder}/{part}.bin"] = _records(400, fine // 5, fine)
    return {"cifar-100-binary.tar.gz": tar(files)}


def picture(kind: str, height: int, width: int) -> bytes:
    buffer = io.BytesIO()
    pixels = RNG.integers(0, 256, (height // 8, width // 8, 3), np.uint8)
    image = Image.fromarray(pixels.repeat(8, 0).repeat(8, 1))
    image.save(buffer, kind)
    return buffer.getvalue()


def trimap(height: int, width: int) -> bytes:
    mask = np.full((height, width), 2, np.uint8)
    mask[20:-20, 20:-20] = 3
    mask[30:-30, 30:-30] = 1
    buffer = io.BytesIO()
    Image.fromarray(mask).save(buffer, "PNG")
    return buffer.getvalue()


def _pets() -> dict[str, bytes]:
    """Also what the real ones have: files of a Mac, .mat, a GIF called .jpg."""
    lists = {
        "trainval": [f"Abyssinian_{i}" for i in range(6)] + ["Egyptian_Mau_1"],
        "test": [f"beagle_{i}" for i in range(2)],
    }
    images, rest = {"images/Abyssinian_100.mat": b"MATLAB"}, {}
    for i, name in enumerate([*lists["trainval"], *lists["test"], "pug_9"]):
        size = (264 + 8 * (i % 3), 272)
        kind = "GIF" if name == "Egyptian_Mau_1" else "JPEG"
        images[f"images/{name}.jpg"] = picture(kind, *size)
        rest[f"annotations/trimaps/{name}.png"] = trimap(*size)
        rest[f"annotations/trimaps/._{name}.png"] = b"\0\5\26\7"
        rest[f"annotations/xmls/{name}.xml"] = b"<annotation/>"
    for part, names in lists.items():
        lines = [f"{name} 1 1 1\n" for name in names]
        rest[f"annotations/{part}.txt"] = "".join(lines).encode()
    rest["annotations/list.txt"] = b"#Image CLASS-ID SPECIES BREED ID\n"
    return {"annotations.tar.gz": tar(rest), "images.tar.gz": tar(images)}


def sound(rate: int, seconds: float) -> bytes:
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        samples = RNG.normal(0, 3000, int(rate * seconds)).clip(-32000, 32000)
        file.writeframes(samples.astype("<i2").tobytes())
    return buffer.getvalue()


def _fsdd() -> dict[str, bytes]:
    top = "free-spoken-digit-dataset-1.0.9"
    files = {f"{top}/README.md": b"# FSDD", f"{top}/utils/trimmer.py": b"pass"}
    for digit in range(10):
        for number in range(3, 8):
            name = f"{digit}_jackson_{number}.wav"
            files[f"{top}/recordings/{name}"] = sound(8000, 0.3)
    return {"v1.0.9.tar.gz": tar(files)}


def _librispeech() -> dict[str, bytes]:
    """Both archives have the same pages on top."""
    found = {}
    words = "HE BEGAN A CONFUSED COMPLAINT".split()
    for part, speaker in (("dev-clean-2", "84"), ("train-clean-5", "1088")):
        files = {"LibriSpeech/SPEAKERS.TXT": b";", "LibriSpeech/LICENSE.TXT": b"CC BY"}
        folder, lines = f"LibriSpeech/{part}/{speaker}/134315", []
        for i in range(6):
            name = f"{speaker}-134315-{i:04}"
            lines.append(f"{name} {' '.join(words[: 1 + i % 5])}\n")
            files[f"{folder}/{name}.wav"] = sound(16000, 2.0)
        files[f"{folder}/{speaker}-134315.trans.txt"] = "".join(lines).encode()
        found[f"{part}.tar.gz"] = tar(files)
    return found


def _shakespeare() -> dict[str, bytes]:
    line = "First Citizen:\nBefore we proceed any further, hear me speak.\n\n"
    return {"input.txt": (line * 400).encode()}


def _stories() -> dict[str, bytes]:
    story = "Spot saw a car. “Wow,” said Spot.\n\nKitty smiled {}.\n"
    stories = "<|endoftext|>\n".join(story.format(i) for i in range(400))
    return {"TinyStories-valid.txt": stories.encode()}


PACKERS = {
    "mnist": _digits,
    "fashion_mnist": _digits,
    "cifar10": _cifar10,
    "cifar100": _cifar100,
    "oxford_pet": _pets,
    "fsdd": _fsdd,
    "librispeech_mini": _librispeech,
    "tiny_shakespeare": _shakespeare,
    "tinystories": _stories,
}
