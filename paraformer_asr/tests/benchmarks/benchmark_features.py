"""Features, resampling and reading, beside what a user would pick instead.

    python tests/benchmarks/benchmark_features.py [--rounds 9] [--json FILE]

One thread, contracts off, variants interleaved, medians of CPU seconds; the ratio is
the other's time over ours. kaldi-native-fbank takes a list of numbers and gives frame
after frame; `list ready` leaves the making of that list out. scipy resamples with its
own filter, a third as long as ours, and with ours.
"""

import argparse
import io
import json
import math
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path


sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import kaldi_native_fbank as knf  # noqa: E402
import numpy as np  # noqa: E402
import scipy.signal  # noqa: E402
import soundfile  # noqa: E402
import torch  # noqa: E402

from src.audio import FeatureConfig, FrontEnd, read_audio, write_wav  # noqa: E402
from src.audio.resample import low_pass, resample  # noqa: E402
from tests.benchmarks.measure import contracts, device_info, interleave  # noqa: E402
from tests.benchmarks.rows import ratio_row  # noqa: E402


SHAPES = ((0.4, 8000, 40), (2.5, 8000, 40), (10.0, 16000, 80))
RATES = ((44100, 16000), (48000, 16000), (16000, 8000), (8000, 16000), (11, 10))

RIVALS = {
    "kaldi": "kaldi-native-fbank",
    "scipy, its filter": "scipy.signal.resample_poly",
    "scipy, our filter": "scipy.signal.resample_poly, our filter",
    "soundfile": "soundfile",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    report = {}
    with contracts(False):
        for seconds, rate, n_mels in SHAPES:
            title = f"log-mel, {seconds:g} s at {rate} Hz, {n_mels} filters"
            calls = feature_calls(seconds, rate, n_mels)
            report[title] = compare(title, calls, seconds, options.rounds)
        for rate, new_rate in RATES:
            seconds = 5.0 if rate > 100 else 0.4
            title = f"resampling, {seconds:g} s, {rate} to {new_rate}"
            calls = resample_calls(seconds, rate, new_rate)
            report[title] = compare(title, calls, seconds, options.rounds)
        title = "reading, 10 s of 16-bit WAV at 16000 Hz"
        report[title] = compare(title, reading_calls(), 10.0, options.rounds)
    if options.json:
        result = {"device": device_info(), "times": report, "rows": ratio_rows(report)}
        options.json.write_text(json.dumps(result, indent=2) + "\n")


def ratio_rows(report: dict[str, dict]) -> list[dict]:
    return [
        ratio_row(title, RIVALS[name], rows["ours"]["us"], row["us"])
        for title, rows in report.items()
        for name, row in rows.items()
        if name in RIVALS
    ]


def compare(
    title: str, calls: dict[str, Callable], seconds: float, rounds: int
) -> dict:
    """Print and return the microseconds of each, and its time over ours."""
    repeat = max(1, round(40 / seconds))

    def many(call: Callable) -> Callable[[], None]:
        return lambda: [call() for _ in range(repeat)] and None

    times = interleave({name: many(call) for name, call in calls.items()}, rounds)
    ours = times["ours"]["cpu_s"]
    rows = {
        name: {"us": taken["cpu_s"] / repeat * 1e6, "over_ours": taken["cpu_s"] / ours}
        for name, taken in times.items()
    }
    print(title)
    for name, row in rows.items():
        print(f"  {name:22} {row['us']:9,.0f} us   {row['over_ours']:6.2f}")
    return rows


def feature_calls(seconds: float, rate: int, n_mels: int) -> dict[str, Callable]:
    config = FeatureConfig(sample_rate=rate, n_mels=n_mels, cmvn="none")
    front_end, waveform = FrontEnd(config), torch.randn(int(seconds * rate)) * 0.1
    ready = (waveform * 32768).tolist()

    def kaldi(samples: list[float]) -> np.ndarray:
        wanted = knf.FbankOptions()
        wanted.frame_opts.dither = 0.0
        wanted.frame_opts.samp_freq = rate
        wanted.mel_opts.num_bins = n_mels
        online = knf.OnlineFbank(wanted)
        online.accept_waveform(rate, samples)
        online.input_finished()
        frames = range(online.num_frames_ready)
        return np.stack([online.get_frame(i) for i in frames])

    assert np.abs(kaldi(ready) - front_end(waveform).numpy()).max() < 2e-3
    return {
        "ours": lambda: front_end(waveform),
        "kaldi": lambda: kaldi((waveform * 32768).tolist()),
        "kaldi, list ready": lambda: kaldi(ready),
    }


def resample_calls(seconds: float, rate: int, new_rate: int) -> dict[str, Callable]:
    waveform = torch.randn(int(seconds * max(rate, 8000)))
    values, common = waveform.numpy(), math.gcd(rate, new_rate)
    up, down = new_rate // common, rate // common
    taps = low_pass(up, down).astype(np.float32) / up
    return {
        "ours": lambda: resample(waveform, rate, new_rate),
        "scipy, its filter": lambda: scipy.signal.resample_poly(values, up, down),
        "scipy, our filter": lambda: scipy.signal.resample_poly(
            values, up, down, window=taps
        ),
    }


def reading_calls() -> dict[str, Callable]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.wav"
        write_wav(path, torch.randn(160_000) * 0.1, 16000)
        data = path.read_bytes()
    return {
        "ours": lambda: read_audio(data),
        "soundfile": lambda: soundfile.read(io.BytesIO(data), dtype="float32"),
    }


if __name__ == "__main__":
    main()
