"""Layers, parameters, multiplications, receptive field and memory of any model.

    python -m src.models.summary --model resnet18 --size 32 --channels 3

A multiply-add (MAC) is counted in convolutions, linear layers and the two products of
attention, as fvcore and the papers' tables do; norms and activations are not counted.
"""

import argparse
import math
import sys
from dataclasses import dataclass, replace

from torch import nn

from .receptive_field import Field
from .trace import Layer, trace


@dataclass(frozen=True)
class Summary:
    layers: list[Layer]
    """Those which do something themselves, in the order in which they finish."""
    parameters: int
    parameter_bytes: int
    """With the buffers, as batch norm's running statistics."""
    macs: int
    saved: int
    """Bytes kept for the backward pass by each image of a batch."""
    field: Field | None
    """Of the last layer that still has places: the largest before the head."""


def summarise(
    model: nn.Module, channels: int, height: int, width: int, depth: int = 0
) -> Summary:
    """Run a copy of the model on black images and add up what its layers do.

    `depth` > 0 adds what lies deeper to the layer of that depth, as 1 to `layer3`. The
    model itself is left as it is, with its mode, its buffers and the random numbers.
    """
    layers = trace(model, channels, height, width)
    stored = [*model.parameters(), *model.buffers()]
    maps = [x for x in layers if x.field and x.field.axes and x.field.places > 1]
    finite = [x.field for x in maps if math.isfinite(max(x.field.high))]
    return Summary(
        _grouped(layers, depth) if depth else [x for x in layers if _acts(x)],
        sum(parameter.numel() for parameter in model.parameters()),
        sum(tensor.numel() * tensor.element_size() for tensor in stored),
        sum(layer.macs for layer in layers),
        sum(layer.saved for layer in layers),
        finite[-1] if finite else None,
    )


def describe(model: nn.Module, channels: int, height: int, width: int) -> str:
    """One line, as "11.2 M parameters, 555 M multiply-adds an image of 3x32x32"."""
    layers = trace(model, channels, height, width, memory=False)
    parameters, macs = (
        sum(getattr(x, n) for x in layers) for n in ("parameters", "macs")
    )
    return (
        f"{short(parameters)} parameters, {short(macs)} multiply-adds "
        f"an image of {channels}x{height}x{width}"
    )


def short(number: float) -> str:
    """Three digits and k, M or G."""
    for unit, name in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if number >= 0.9995 * unit:
            return f"{number / unit:.3g}{name}"
    return f"{number:.3g}"


def table(summary: Summary) -> str:
    """A line for each layer, then the totals."""
    head = ("layer", "kind", "output", "parameters", "MACs", "sees", "step", "centre")
    rows = [(*head, "kept KiB")]
    for layer in summary.layers:
        rows.append(
            (
                layer.name or "(itself)",
                type(layer.module).__name__,
                "x".join(map(str, layer.shape)),
                f"{layer.parameters:,}" if layer.parameters else "-",
                f"{layer.macs:,}" if layer.macs else "-",
                *_sight(layer.field),
                f"{layer.saved / 1024:,.1f}" if layer.saved else "-",
            )
        )
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        cells = zip(row, widths, range(len(row)), strict=True)
        lines.append(
            "  ".join(f"{c:<{w}}" if i < 3 else f"{c:>{w}}" for c, w, i in cells)
        )
    return "\n".join([*(line.rstrip() for line in lines), "", *_totals(summary)])


def _totals(summary: Summary) -> list[str]:
    sight = "x".join(f"{s:g}" for s in summary.field.size) if summary.field else "-"
    return [
        f"parameters      {summary.parameters:,} "
        f"({summary.parameter_bytes / 2**20:.2f} MiB with buffers)",
        f"multiply-adds   {summary.macs:,} an image, forward",
        f"receptive field {sight} pixels before the whole image is seen",
        f"kept for the backward pass {summary.saved / 2**20:.2f} MiB an image",
    ]


def _sight(field: Field | None) -> tuple[str, str, str]:
    """Size, step from place to place, and centre of the first place."""
    if field is None:
        return ("-", "-", "-")
    if not all(map(math.isfinite, field.high)):
        return ("all", "-", "-")
    return tuple(_pair(pair) for pair in (field.size, field.stride, field.centre))


def _pair(pair: tuple[float, float]) -> str:
    down, right = (f"{value:g}" for value in pair)
    return down if down == right else f"{down},{right}"


def _acts(layer: Layer) -> bool:
    leaf = next(layer.module.children(), None) is None
    return bool(leaf or layer.parameters or layer.macs or layer.saved)


def _grouped(layers: list[Layer], depth: int) -> list[Layer]:
    """The layers at most `depth` deep, each with what is inside it."""
    shown = {x.name: replace(x) for x in layers if x.name.count(".") < depth}
    for layer in layers:
        owner = ".".join(layer.name.split(".")[:depth])
        if layer.name not in shown:
            shown[owner].parameters += layer.parameters
            shown[owner].macs += layer.macs
            shown[owner].saved += layer.saved
    return [x for x in shown.values() if x.name or _acts(x)]


def main(arguments: list[str] | None = None) -> int:
    """The command line; gives the exit code."""
    from . import MODELS, ModelConfig, build_model

    parser = argparse.ArgumentParser(
        "python -m src.models.summary", description=__doc__.split("\n")[0]
    )
    parser.add_argument("--model", choices=MODELS, default="simple_cnn")
    parser.add_argument("--size", type=int, default=32, help="side of the image")
    parser.add_argument("--channels", type=int, default=3)
    parser.add_argument("--classes", type=int, default=10)
    parser.add_argument("--depth", type=int, default=0, help="1: blocks, 0: all layers")
    options = parser.parse_args(arguments)
    size = (options.size, options.size)
    try:
        config = ModelConfig(options.model)
        model = build_model(config, options.channels, options.classes, size)
    except ValueError as error:
        parser.error(str(error))
    print(table(summarise(model, options.channels, *size, options.depth)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
