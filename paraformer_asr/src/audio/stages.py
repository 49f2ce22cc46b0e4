"""See what the front end does to a recording, stage by stage.

python -m src.audio.stages --input F.wav --out F.png
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import torch
from jaxtyping import Float
from torch import Tensor
from typer import Option

from ..utils.cli import run
from ..utils.errors import InputError
from ..utils.seed import keyed_rng
from .cmvn import normalise
from .frames import SCALE, fft_size, frame, power_spectrum, windowed
from .front_end import FeatureConfig, FrontEnd
from .low_frame_rate import stack_frames
from .mel import FLOOR, mel_filters
from .read import stream_audio
from .resample import resample
from .spec_augment import SpecAugmentConfig, spec_augment


if TYPE_CHECKING:
    from matplotlib.axes import Axes

LONGEST_S = 20.0
HIDDEN = SpecAugmentConfig(
    frequency_masks=2, frequency_width=8, time_masks=2, time_width=40, time_share=0.2
)


def stages(
    input: Annotated[Path, Option(help="an audio file; its first 20 s are shown")],
    out: Annotated[Path, Option(help="the PNG to write")],
    sample_rate: Annotated[int, Option(help="of the features, Hz; 0: the file's")] = 0,
    mels: Annotated[int, Option(help="filters")] = 40,
    window: Annotated[str, Option(help="povey or hamming")] = "povey",
) -> None:
    """Draw the stages from the waveform to what a model is trained on."""
    waveform, rate = next(stream_audio(input, LONGEST_S))
    if window not in ("povey", "hamming"):
        raise InputError(f"--window {window}: povey or hamming")
    try:
        config = FeatureConfig(sample_rate or rate, n_mels=mels, window=window)
        front_end = FrontEnd(config)
    except ValueError as error:
        raise InputError(f"--sample-rate, --mels: {error}") from None
    waveform = resample(waveform, rate, config.sample_rate)
    if len(waveform) < front_end.frame_samples:
        raise InputError(
            f"{input}: {len(waveform)} samples are shorter than one frame, "
            f"{front_end.frame_samples}"
        )
    try:
        draw_stages(waveform, front_end, input.name, out)
    except OSError as error:
        raise InputError(f"--out {out} cannot be written: {error}") from None
    print(f"8 stages of {len(waveform) / config.sample_rate:.2f} s: {out}")


def draw_stages(
    waveform: Float[Tensor, " samples"], front_end: FrontEnd, title: str, out: Path
) -> None:
    """Eight panels: the waveform, its loudest frame, and the features of all frames."""
    from ..utils.plots import new_figure, plain_text, save_figure

    config = front_end.config
    frames = frame(waveform * SCALE, front_end.frame_samples, front_end.shift_samples)
    loudest = int((frames - frames.mean(1, keepdim=True)).square().sum(1).argmax())
    one = frames[loudest : loudest + 1]
    shaped = windowed(one, window=config.window, preemphasis=config.preemphasis)
    start_s = loudest * front_end.shift_samples / config.sample_rate
    figure = new_figure(11, 12.5)
    axes = figure.subplots(4, 2).flatten()
    _draw_waveform(axes[0], waveform, start_s, config)
    _draw_frame(axes[1], one[0], shaped[0], config)
    _draw_power(axes[2], power_spectrum(shaped)[0], config)
    _draw_filters(axes[3], config)
    log_mels = front_end.coefficients(waveform)
    normal = normalise(log_mels)
    stacked = stack_frames(normal, 7, 6)
    hidden = spec_augment(normal, HIDDEN, keyed_rng(0))
    step = front_end.frame_seconds
    _draw_image(axes[4], log_mels, step, f"5  log-mel: {config.n_mels} numbers a frame")
    _draw_image(axes[5], normal, step, "6  CMVN: mean 0, variance 1 of each row")
    text = f"7  low frame rate: 7 frames a row, every 6th: {stacked.shape[1]} numbers"
    _draw_image(axes[6], stacked, 6 * step, text)
    _draw_image(axes[7], hidden, step, "8  SpecAugment: bands at their mean")
    figure.suptitle(f"{plain_text(title)}, {config.sample_rate} Hz")
    save_figure(figure, out)


def _draw_waveform(
    axis: "Axes", waveform: Tensor, start_s: float, config: FeatureConfig
) -> None:
    from ..utils.plots import BLUE, ORANGE

    times = torch.arange(len(waveform)) / config.sample_rate
    axis.plot(times.numpy(), waveform.numpy(), color=BLUE, linewidth=0.6)
    end_s = start_s + config.frame_ms / 1000
    axis.axvspan(start_s, end_s, color=ORANGE, alpha=0.6, label="the loudest frame")
    axis.set(title="1  waveform", xlabel="seconds", xlim=(0, float(times[-1])))
    axis.legend(loc="upper right", fontsize="small")


def _draw_frame(
    axis: "Axes", one: Tensor, shaped: Tensor, config: FeatureConfig
) -> None:
    from ..utils.plots import BLUE, ORANGE

    times = (torch.arange(len(one)) * 1000 / config.sample_rate).numpy()
    axis.plot(times, (one / SCALE).numpy(), color=ORANGE, label="as recorded")
    text = f"mean 0, pre-emphasis {config.preemphasis:g}, {config.window} window"
    axis.plot(times, (shaped / SCALE).numpy(), color=BLUE, label=text)
    axis.set(title=f"2  one frame, {config.frame_ms:g} ms", xlabel="milliseconds")
    axis.set_xlim(0, times[-1])
    axis.set_ylim(top=1.5 * float(one.max()) / SCALE)
    axis.legend(loc="upper right", fontsize="small")


def _draw_power(axis: "Axes", power: Tensor, config: FeatureConfig) -> None:
    from ..utils.plots import BLUE

    places = torch.linspace(0, config.sample_rate / 2, len(power))
    decibels = 10 * power.clamp_min(FLOOR).log10()
    axis.plot(places.numpy(), decibels.numpy(), color=BLUE)
    axis.set(title="3  its power spectrum", xlabel="Hz", ylabel="dB")
    axis.set_xlim(0, config.sample_rate / 2)
    axis.set_ylim(bottom=float(decibels.max()) - 80)
    axis.grid(alpha=0.3)


def _draw_filters(axis: "Axes", config: FeatureConfig) -> None:
    from ..utils.plots import LINES

    # Finer than the bins of the spectrum, so that the triangles are seen whole.
    fine = 4096
    weights = mel_filters(config.n_mels, fine, config.sample_rate, config.low_hz)
    places = torch.arange(fine // 2 + 1) * config.sample_rate / fine
    for number, filter in enumerate(weights.T):
        inside = filter.nonzero()[:, 0]
        shown = slice(max(0, int(inside[0]) - 1), int(inside[-1]) + 2)
        axis.plot(
            places[shown].numpy(),
            filter[shown].numpy(),
            color=LINES[number % 3],
            linewidth=1,
        )
    bins = fft_size(int(config.sample_rate * config.frame_ms / 1000)) // 2
    axis.set(title=f"4  mel filters over {bins} bins", xlabel="Hz", ylim=(0, 1.02))
    axis.set_xlim(0, config.sample_rate / 2)


def _draw_image(axis: "Axes", features: Tensor, step: float, title: str) -> None:
    rows = features.shape[1]
    image = axis.imshow(
        features.T.numpy(),
        origin="lower",
        aspect="auto",
        interpolation="nearest",
        cmap="cividis",
        extent=(0, len(features) * step, -0.5, rows - 0.5),
    )
    axis.set(title=title, xlabel="seconds")
    axis.figure.colorbar(image, ax=axis, pad=0.01)


if __name__ == "__main__":
    run(stages)
