"""`scripts/explain.py`: what one model did with one recording."""

from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from ..audio.read import read_audio
from ..audio.resample import resample
from ..inference.long_audio import checked, scaled_down
from ..inference.segmenter import has_sound
from ..models.paraformer import Paraformer, Recognition
from ..training.load import Loaded, load_model
from ..utils.cif_picture import LONGEST_S, Fired, draw_fired
from ..utils.errors import InputError
from ..utils.logging import log
from ..utils.plots import new_figure, save_figure
from .attention_maps import cross_attention, draw_attention
from .decode_table import frame_table, glance_table, name_of, token_table


class Explained(NamedTuple):
    text: str
    tables: str
    pictures: list[Path]


def explain(checkpoint: Path, audio: Path, out: Path, *, text: str = "") -> Explained:
    """Pictures into `out`, tables as text; with the true `text` both training passes.

    Raises InputError for a model without predictor, for audio that is too long, and
    for a `text` that the model cannot write or was not shown in training.
    """
    loaded = load_model(checkpoint)
    model, tokenizer = loaded.model, loaded.tokenizer
    if not isinstance(model, Paraformer):
        raise InputError(
            f"{checkpoint} is a {loaded.config.model.name}, which fires no tokens; "
            "explain is for model.name=paraformer"
        )
    true = _true_tokens(loaded, text)
    features = hear(loaded, audio)
    said, attention = _recognise(model, features)
    count, step = int(said.lengths[0]), loaded.front_end.frame_seconds
    step_time = step * model.encoder.subsampling
    tokens = said.logits[0, :count].argmax(-1)
    names = [name_of(tokenizer, i) for i in tokens.tolist()]
    heard = tokenizer.decode(tokens.tolist())
    parts = [
        frame_table(said.cif, names, step_time),
        token_table(said, tokenizer, step_time),
    ]
    if len(true):
        ratio = loaded.config.model.glance
        parts.append(glance_table(model, said, true, tokenizer, ratio))
    pictures = [out / f"{audio.stem}.cif.png"]
    fired = fired_of(loaded, features, said, f"{audio.name}: {heard}")
    draw_utterance(fired, pictures[0])
    if count:
        pictures.append(out / f"{audio.stem}.attention.png")
        seconds = len(features) * step
        draw_attention(attention, names, seconds, pictures[1], f"{audio.name}: {heard}")
    return Explained(heard, "\n\n".join(parts), pictures)


def hear(loaded: Loaded, path: Path, quiet: bool = False) -> Tensor:
    """The features of a recording, heard as a whole, its pauses included.

    Warns of silence and of another rate, unless `quiet`.
    Raises InputError for one without a whole frame, and for NaN and infinity.
    """
    audio, rate = read_audio(path), loaded.front_end.config.sample_rate
    seconds = len(audio.waveform) / audio.sample_rate
    if seconds > LONGEST_S:
        raise InputError(
            f"{path} has {seconds:.0f} s, and a picture shows {LONGEST_S:.0f} at most; "
            "cut it, or transcribe it with scripts/infer.py"
        )
    waveform = checked(audio.waveform)
    if not has_sound(waveform, audio.sample_rate) and not quiet:
        log.warning(
            f"warning: {path} is silence: scripts/infer.py hears nothing there, and "
            "what follows is what the model makes of it"
        )
    if audio.sample_rate != rate and not quiet:
        log.warning(f"warning: the audio is resampled from {audio.sample_rate} Hz")
    heard = resample(scaled_down(waveform), audio.sample_rate, rate)
    features = loaded.front_end(heard)
    if not len(features):
        raise InputError(f"{path} has {seconds:.3f} s, less than one frame")
    return features


def draw_utterance(fired: Fired, path: Path) -> None:
    """One utterance as a picture of its own."""
    seconds = len(fired.features) * fired.frame_seconds
    figure = new_figure(max(7.0, min(24.0, 3.0 * seconds)), 5)
    draw_fired(figure, figure.add_gridspec(1, 1)[0], fired)
    save_figure(figure, path)


def fired_of(loaded: Loaded, features: Tensor, said: Recognition, title: str) -> Fired:
    """The first utterance of a recognition, in plain arrays."""
    step = loaded.front_end.frame_seconds
    step_time = step * loaded.model.encoder.subsampling
    count = int(said.lengths[0])
    tokens = said.logits[0, :count].argmax(-1).tolist()
    return Fired(
        features=features.cpu().numpy(),
        frame_seconds=step,
        alphas=said.cif.alphas[0].float().cpu().numpy(),
        time_seconds=step_time,
        boundaries=(said.cif.boundaries[0, :count] * step_time).tolist(),
        tokens=[name_of(loaded.tokenizer, i) for i in tokens],
        title=title,
    )


@torch.no_grad()
def recognise(model: Paraformer, features: Tensor) -> Recognition:
    """One utterance as a batch of its own."""
    return model.recognise(features[None], torch.tensor([len(features)]))


def _true_tokens(loaded: Loaded, text: str) -> Tensor:
    if text and not loaded.config.model.glance:
        raise InputError(
            "--text: this model was trained with model.glance=0, in one pass; leave "
            "--text out"
        )
    return torch.tensor(loaded.tokenizer.encode(text), dtype=torch.long)


def _recognise(model: Paraformer, features: Tensor) -> tuple[Recognition, list[Tensor]]:
    """With the weights of the decoder's cross-attention, layer by layer."""
    found: list[Recognition] = []
    call = lambda: found.append(recognise(model, features))  # noqa: E731
    attention = cross_attention(model.decoder, call)
    return found[0], attention
