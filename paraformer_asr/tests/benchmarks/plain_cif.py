"""Integrate-and-fire as it is usually written: a loop over the frames."""

import torch
from torch import Tensor


def plain_cif(hidden: Tensor, alphas: Tensor, token_lengths: Tensor) -> Tensor:
    """Scaled to `token_lengths`: (batch, tokens, d_model), 0 where nothing fired."""
    batch, time, d_model = hidden.shape
    alphas = alphas * (token_lengths / alphas.sum(1))[:, None]
    integrate = alphas.new_zeros(batch)
    frame = hidden.new_zeros(batch, d_model)
    fires, frames = [], []
    for t in range(time):
        alpha = alphas[:, t]
        missing = 1 - integrate
        integrate = integrate + alpha
        fired = integrate >= 1
        integrate = torch.where(fired, integrate - 1, integrate)
        now = torch.where(fired, missing, alpha)
        frame = frame + now[:, None] * hidden[:, t]
        fires.append(fired)
        frames.append(frame)
        rest = (alpha - now)[:, None] * hidden[:, t]
        frame = torch.where(fired[:, None], rest, frame)
    fires, frames = torch.stack(fires, 1), torch.stack(frames, 1)
    out = hidden.new_zeros(batch, int(token_lengths.max()), d_model)
    for row in range(batch):
        embeds = frames[row][fires[row]][: out.shape[1]]
        out[row, : len(embeds)] = embeds
    return out
