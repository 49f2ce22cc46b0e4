"""Small folders of recordings, written for a test; batches taken apart."""

import json
from pathlib import Path

import numpy as np
import torch

from src.audio import write_wav


RATE = 8000


def sound(path: Path, seconds: float = 0.5, seed: int = 0, rate: int = RATE) -> Path:
    """A WAV file of noise; another seed, other noise."""
    path.parent.mkdir(parents=True, exist_ok=True)
    samples = np.random.default_rng(seed).uniform(-0.3, 0.3, round(seconds * rate))
    write_wav(path, torch.from_numpy(samples.astype(np.float32)), rate)
    return path


def manifest(path: Path, rows: list[dict]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


def folder(root: Path, parts: dict[str, int], speakers=("ann", "bob")) -> Path:
    """`parts` recordings of two speakers in PART.jsonl, each of its own length."""
    seed = 0
    for part, count in parts.items():
        rows = []
        for i in range(count):
            seed += 1
            name = f"wavs/{part}_{i}.wav"
            sound(root / name, 0.3 + 0.02 * (seed % 17), seed)
            text = ("one", "two", "three")[i % 3]
            speaker = speakers[i % len(speakers)]
            rows.append({"audio": name, "text": text, "speaker": speaker})
        manifest(root / f"{part}.jsonl", rows)
    return root


def same(first, second):
    return all(
        torch.equal(first[k], second[k])
        if isinstance(first[k], torch.Tensor)
        else first[k] == second[k]
        for k in first | second
    )


def one(batch, row):
    """A row of a batch without its padding."""
    frames, tokens = batch["feature_lengths"][row], batch["token_lengths"][row]
    return batch["features"][row, :frames], batch["tokens"][row, :tokens]
