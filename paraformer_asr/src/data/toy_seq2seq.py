"""Look at the toy speech: `python -m src.data.toy_seq2seq --debug`.

Apart from `toy_patterns`, which the package loads: `-m` warns of what is loaded.
"""

from pathlib import Path

from .config import ToyConfig
from .toy_patterns import draw_features, draw_plan


def describe(config: ToyConfig, seed: int, count: int) -> list[str]:
    """A line per sample: what is said, its frames, and when each token sounds."""
    lines = []
    for index in range(count):
        plan = draw_plan(config, "train", seed, index)
        times = zip(plan.text, plan.starts, plan.ends, strict=True)
        spans = " ".join(f"{letter}[{start}:{end}]" for letter, start, end in times)
        lines.append(
            f"{index}  {plan.text:<{config.longest}}  {plan.frames:>4}  {spans}"
        )
    return lines


def draw(config: ToyConfig, seed: int, mels: int, count: int, path: Path) -> None:
    """The features of some samples, each token written where it begins."""
    from ..utils.plots import new_figure, save_figure

    figure = new_figure(9, 1.2 + 1.5 * count)
    plans = [draw_plan(config, "train", seed, index) for index in range(count)]
    for place, plan in enumerate(plans):
        axis = figure.add_subplot(count, 1, place + 1)
        features = draw_features(config, plan, mels, (seed, 0, place, 1))
        axis.imshow(features.T, aspect="auto", origin="lower", cmap="cividis")
        axis.set_xlim(-0.5, max(plan.frames for plan in plans) - 0.5)
        for letter, start, end in zip(plan.text, plan.starts, plan.ends, strict=True):
            axis.axvline(start - 0.5, color="white", lw=1)
            axis.axvline(end - 0.5, color="white", lw=1, ls=":")
            axis.text((start + end) / 2, mels + 0.5, letter, ha="center")
        axis.set_ylabel("feature")
    axis.set_xlabel("frame (line: a token begins, dotted: it ends)")
    figure.suptitle("toy_seq2seq: each token is a pattern that moves while it lasts")
    save_figure(figure, path)


def _main() -> None:
    import argparse

    parser = argparse.ArgumentParser(
        prog="python -m src.data.toy_seq2seq", description="Look at the toy speech."
    )
    parser.add_argument("--debug", action="store_true", help="print samples, draw them")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--mels", type=int, default=40)
    parser.add_argument("--out", type=Path, default=Path("runs/toy_seq2seq.png"))
    given = parser.parse_args()
    if not given.debug:
        parser.print_help()
        return
    print("\n".join(describe(ToyConfig(), given.seed, 8)))
    draw(ToyConfig(), given.seed, given.mels, 4, given.out)
    print(f"picture  {given.out}")


if __name__ == "__main__":
    _main()
