"""The picture of a profile: shares as bars, memory over time in the phases' colours."""

from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from tools.profile_samples import PHASES, Profile


# Okabe and Ito's colours, which the colour-blind can tell apart, and two greys.
COLOURS = dict(
    zip(
        PHASES,
        ("#999999", "#56b4e9", "#0072b2", "#d55e00", "#e69f00", "#009e73", "#cc79a7",
         "#dddddd"),
        strict=True,
    )
)  # fmt: skip


def draw(profile: Profile, path: Path, title: str) -> None:
    """Two bars, wall and CPU seconds, above the memory over time."""
    figure = Figure(figsize=(9, 5.5), layout="tight")
    FigureCanvasAgg(figure)
    bars, memory = figure.subplots(2, 1, height_ratios=(2, 3))
    _draw_bars(bars, profile)
    _draw_memory(memory, profile)
    figure.suptitle(f"{title}: {profile.seconds:.1f} s, {profile.cpu:.1f} CPU-s")
    figure.savefig(path, dpi=110)


def _draw_bars(axes, profile: Profile) -> None:
    totals = {"time": profile.seconds, "CPU": profile.cpu or 1.0}
    left = {"time": 0.0, "CPU": 0.0}
    for name, phase in profile.phases.items():
        if phase.seconds == 0:
            continue
        for row, took in (("CPU", phase.cpu), ("time", phase.seconds)):
            share = 100 * took / totals[row]
            label = name if row == "time" else None
            axes.barh(row, share, left=left[row], color=COLOURS[name], label=label)
            if share >= 4:
                middle = left[row] + share / 2
                axes.text(middle, row, f"{share:.0f}", ha="center", va="center")
            left[row] += share
    axes.set(xlim=(0, 100), xlabel="%")
    axes.legend(
        ncols=8,
        loc="lower center",
        bbox_to_anchor=(0.5, 1),
        frameon=False,
        columnspacing=1.2,
        handlelength=1,
        handletextpad=0.4,
    )


def _draw_memory(axes, profile: Profile) -> None:
    """The height is memory, the colours below it are what the time was spent on."""
    for part in profile.slices():
        whole, bottom = sum(part.phases.values()) or 1.0, 0.0
        for name in filter(part.phases.get, PHASES):
            height = part.memory / 1024 * part.phases[name] / whole
            axes.bar(
                part.start,
                height,
                part.end - part.start,
                bottom,
                align="edge",
                color=COLOURS[name],
            )
            bottom += height
    top = profile.peak / 1024
    axes.axhline(top, color="black", linewidth=0.8)
    axes.text(0, top, f" at most {top:.0f} MiB", va="bottom")
    axes.set(xlabel="seconds", ylabel="memory in MiB", ylim=(0, 1.15 * top or 1))
    axes.set_xlim(0, profile.seconds)
