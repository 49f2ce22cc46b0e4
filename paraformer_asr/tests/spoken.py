"""Checkpoints without a training, sounds as files, and scripts run in this process."""

import importlib.util
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from src.audio.front_end import FeatureConfig, FrontEnd
from src.audio.wav import write_wav
from src.data.config import DataConfig, ToyConfig
from src.inference.recognizer import Recognizer
from src.models import ModelConfig
from src.tokenizers import CharTokenizer
from src.training.load import Loaded
from src.training.task import Config, make_model
from src.utils.checkpoint import save_checkpoint
from src.utils.cli import run
from src.utils.config import to_dict


ROOT = Path(__file__).resolve().parents[1]
RATE = 8000
CONFIG = Config(
    features=FeatureConfig(n_mels=8),
    data=DataConfig(
        name="toy_tones",
        toy=ToyConfig(tokens=4, shortest=1, longest=3, n_train=4, n_val=5, n_test=20),
    ),
    model=ModelConfig(
        encoder="transformer",
        d_model=8,
        heads=2,
        encoder_layers=1,
        decoder_layers=1,
        ff=16,
        alpha_bias=0.0,
    ),
)
TOKENIZER = CharTokenizer(list("abcd"))


def untrained(name: str = "paraformer", **changes) -> Loaded:
    """A model with random weights that says a lot."""
    config = replace(CONFIG, **changes)
    config = replace(config, model=replace(config.model, name=name))
    torch.manual_seed(0)
    model = make_model(config, TOKENIZER.vocab_size)
    for weight in model.parameters():
        if weight.dim() > 1:
            weight.data *= 3  # as after a training: not all near the same
    special = torch.tensor([-9.0, -9.0, -9.0, -9.0])
    model.ctc_head.bias.data[:4] = special + torch.tensor([9.5, 0, 0, 0])
    if name != "ctc":
        model.decoder.head.bias.data[:4] = special
    return Loaded(model.eval(), config, TOKENIZER, FrontEnd(config.features), {})


def make_checkpoint(folder: Path, name: str = "paraformer", **changes) -> Path:
    """`folder/checkpoints/best.pt` of an untrained model."""
    loaded = untrained(name, **changes)
    (folder / "checkpoints").mkdir(parents=True)
    (folder / "meta.json").write_text("{}")
    path = folder / "checkpoints" / "best.pt"
    data = {
        "tokenizer": TOKENIZER.to_dict(),
        "front_end": loaded.front_end.to_dict(),
        "fingerprint": "none",
    }
    content = {"kind": "weights", "config": to_dict(loaded.config), "data": data}
    state = loaded.model.state_dict()
    save_checkpoint(path, content | {"model": state, "metrics": {}})
    return path


def load(folder: Path, **changes) -> Recognizer:
    return Recognizer.load(make_checkpoint(folder, **changes))


def sound(seconds: float, seed: int = 0, rate: int = RATE) -> torch.Tensor:
    """Chords that come and go, in noise."""
    generator = torch.Generator().manual_seed(seed)
    t = torch.arange(round(seconds * rate)) / rate
    waveform = 0.002 * torch.randn(len(t), generator=generator)
    for _ in range(4):
        pitch, beat = torch.rand(2, generator=generator).tolist()
        swell = 0.3 + (torch.sin((9 + 15 * beat) * t) > 0).float()
        waveform += 0.1 * swell * torch.sin((1000 + 12_000 * pitch) * t)
    return waveform


def save_sound(path: Path, seconds: float = 0.7, seed: int = 0, rate: int = RATE):
    path.parent.mkdir(parents=True, exist_ok=True)
    write_wav(path, sound(seconds, seed, rate), rate)
    return path


def call(monkeypatch, script: str, *arguments: object) -> int:
    """Run scripts/<script>.py as the command line does; gives its exit code."""
    spec = importlib.util.spec_from_file_location(script, ROOT / f"scripts/{script}.py")
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setattr(sys, "path", list(sys.path))
    spec.loader.exec_module(module)
    monkeypatch.setattr(sys, "argv", [f"{script}.py", *map(str, arguments)])
    with pytest.raises(SystemExit) as stop:
        run(module.command)
    return stop.value.code or 0
