"""A network with parts switched off, and as little computed again as can be.

What has finished before the first part that is off begins cannot depend on it, in any
network. So each block keeps what it gave for the images when all was on, and gives it
again without a computation.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager

import torch
from torch import Tensor, nn

from ..explain.layers import as_map, evaluating


BATCH = 100
ALL = None
"""Instead of channels: the whole layer."""
Parts = Mapping[str, Collection[int] | None]
"""By layer: the channels that are off, or ALL."""


class Ablation:
    """Logits of fixed images, with and without parts of the network.

    `blocks` are the layers whose outputs are kept, as long as they fit into `room`
    bytes; the largest are left out first.
    """

    def __init__(
        self,
        model: nn.Module,
        images: Tensor,
        blocks: Sequence[str] = (),
        room: int = 2**28,
    ):
        self.model, self.batches = model, images.split(BATCH)
        self.begins, self.ends = _times(model, images[:1])
        self.kept: dict[str, list[Tensor]] = {name: [] for name in blocks}
        with ExitStack() as hooks:
            for name, kept in self.kept.items():
                layer = model.get_submodule(name)
                hook = layer.register_forward_hook(
                    lambda _, __, output, kept=kept: kept.append(output.clone())
                )
                hooks.callback(hook.remove)
            self.logits = self._run()
        sizes = {n: sum(t.nbytes for t in kept) for n, kept in self.kept.items()}
        for name in sorted(sizes, key=sizes.get, reverse=True):
            if sum(sizes[n] for n in self.kept) > room:
                del self.kept[name]

    def without(self, parts: Parts) -> Tensor:
        """The logits when `parts` are off.

        A channel that is off is zero behind its layer. A layer that is off as a whole
        adds nothing where it has a branch `residual`, hands its input on where the
        shape allows it, and else gives zeros.
        """
        if not parts:
            return self.logits
        first = min(self.begins[name] for name in parts)
        early = [name for name in self.kept if self.ends[name] < first]
        with self._off(parts), self._remembering(early):
            return self._run()

    def _run(self) -> Tensor:
        with torch.no_grad(), evaluating(self.model):
            return torch.cat([self.model(batch) for batch in self.batches])

    @contextmanager
    def _off(self, parts: Parts) -> Iterator[None]:
        with ExitStack() as hooks:
            for name, channels in parts.items():
                layer = self.model.get_submodule(name)
                if channels is not ALL:
                    hook = _silence(channels, self.batches[0])
                elif has_branch(layer):
                    layer, hook = layer.residual, _nothing
                else:
                    hook = _skip
                hooks.callback(layer.register_forward_hook(hook).remove)
            yield

    @contextmanager
    def _remembering(self, names: Sequence[str]) -> Iterator[None]:
        """The layers `names` give what they gave, one batch after the other."""
        with ExitStack() as stack:
            for name in names:
                layer = self.model.get_submodule(name)
                layer.forward = _recall(self.kept[name])
                stack.callback(delattr, layer, "forward")
            yield


def has_branch(layer: nn.Module) -> bool:
    """Whether it adds a branch to its input, which can be off by itself."""
    shortcut = getattr(layer, "has_shortcut", True)
    return isinstance(getattr(layer, "residual", None), nn.Module) and shortcut


def channel_axis(output: Tensor, image: Tensor) -> int:
    """The axis of a layer's output whose entries are channels."""
    if output.ndim != 4:
        return output.ndim - 1
    return 1 if as_map(output, image) is output else 3


def _times(model: nn.Module, image: Tensor) -> tuple[dict[str, int], dict[str, int]]:
    """When each layer first begins and last ends, counted in such events."""
    begins: dict[str, int] = {}
    ends: dict[str, int] = {}
    with ExitStack() as hooks:
        for name, layer in model.named_modules():

            def begin(*_, name=name):
                begins.setdefault(name, len(begins) + len(ends))

            def end(*_, name=name):
                ends[name] = len(begins) + len(ends)

            hooks.callback(layer.register_forward_pre_hook(begin).remove)
            hooks.callback(layer.register_forward_hook(end).remove)
        with torch.no_grad(), evaluating(model):
            model(image)
    return begins, ends


def _silence(channels: Collection[int], image: Tensor):
    """A hook that makes these channels zero."""
    places = torch.tensor(sorted(channels))

    def hook(module, args, output):
        return output.index_fill(channel_axis(output, image), places, 0.0)

    return hook


def _recall(outputs: Sequence[Tensor]):
    """A forward that computes nothing. The next layer may write into what it gets."""
    left = iter(outputs)
    return lambda *_: next(left).clone()


def _nothing(module, args, output):
    return torch.zeros_like(output)


def _skip(module, args, output):
    same = len(args) == 1 and args[0].shape == output.shape
    return args[0] if same else torch.zeros_like(output)
