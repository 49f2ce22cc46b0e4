"""What a model hears in validation data, as a picture."""

from pathlib import Path

import numpy as np
import torch

from ..utils.cif_picture import Fired, draw_fired
from ..utils.plots import new_figure, save_figure
from ..utils.tensor_utils import to_device


SHOWN = 4
"""Utterances in the picture."""


@torch.no_grad()
def draw_predictions(setup, device: torch.device, path: Path, run: str = "") -> None:
    """The first validation utterances: sound, weights, tokens, true and heard."""
    dataset = setup.datasets["val"]
    batch = dataset.__getitems__([(0, i) for i in range(min(SHOWN, len(dataset)))])
    batch, model = to_device(batch, device), setup.model.eval()
    found = setup.task.transcribe(model, batch)
    cif = None
    if hasattr(model, "predictor"):
        cif = model.recognise(batch["features"], batch["feature_lengths"]).cif
    count = len(found)
    rows = (count + 1) // 2
    figure = new_figure(12, 4.2 * rows)
    places = figure.add_gridspec(rows, 2, hspace=0.3, wspace=0.12)
    for i in range(count):
        fired = _fired(setup, batch, found[i], cif, i)
        draw_fired(figure, places[i // 2, i % 2], fired)
    figure.suptitle(f"{run} · validation".lstrip(" ·"), fontsize=11)
    save_figure(figure, path)


def _fired(setup, batch, tokens: list[int], cif, row: int) -> Fired:
    tokenizer, frame = setup.opened.tokenizer, setup.opened.front_end.frame_seconds
    frames = int(batch["feature_lengths"][row])
    true, heard = batch["text"][row], tokenizer.decode(tokens)
    mark = "right" if true == heard else f"heard: {heard}"
    alphas, boundaries = np.zeros(0), []
    step = frame * setup.model.encoder.subsampling
    if cif is not None:
        alphas = cif.alphas[row].float().cpu().numpy()
        alphas = alphas[: -(-frames // setup.model.encoder.subsampling)]
        ends = cif.boundaries[row, : int(cif.lengths[row])]
        boundaries = [float(end) * step for end in ends]
    return Fired(
        features=batch["features"][row, :frames].float().cpu().numpy(),
        frame_seconds=frame,
        alphas=alphas,
        time_seconds=step,
        boundaries=boundaries,
        tokens=[tokenizer.pieces[i] for i in tokens],
        title=f"{true} · {mark}",
    )
