"""Clipping of gradients, where an optimiser is used; PyTorch has it in `nn.utils`."""

from ..nn.utils import clip_grad_norm_, clip_grad_value_


__all__ = ["clip_grad_norm_", "clip_grad_value_"]
