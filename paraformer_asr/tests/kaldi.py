"""Features by kaldi-native-fbank, and waveforms to compare them on."""

import numpy as np
import torch


def features(knf, waveform, kind="fbank", **options) -> np.ndarray:
    """(frames, numbers) of a waveform in [-1, 1]; the options of `fbank`."""
    wanted = knf.MfccOptions() if kind == "mfcc" else knf.FbankOptions()
    names = {
        "sample_rate": (wanted.frame_opts, "samp_freq"),
        "window": (wanted.frame_opts, "window_type"),
        "preemphasis": (wanted.frame_opts, "preemph_coeff"),
        "frame_ms": (wanted.frame_opts, "frame_length_ms"),
        "shift_ms": (wanted.frame_opts, "frame_shift_ms"),
        "n_mels": (wanted.mel_opts, "num_bins"),
        "low_hz": (wanted.mel_opts, "low_freq"),
        "high_hz": (wanted.mel_opts, "high_freq"),
        "n_ceps": (wanted, "num_ceps"),
        "lifter": (wanted, "cepstral_lifter"),
    }
    options = {"sample_rate": 8000, "n_mels": 40} | options
    for name, value in options.items():
        part, field = names[name]
        setattr(part, field, value)
    wanted.frame_opts.dither = 0.0
    wanted.frame_opts.snip_edges = True
    if kind == "mfcc":
        wanted.use_energy = False
    online = (knf.OnlineMfcc if kind == "mfcc" else knf.OnlineFbank)(wanted)
    online.accept_waveform(options["sample_rate"], (waveform * 32768).tolist())
    online.input_finished()
    rows = [online.get_frame(i) for i in range(online.num_frames_ready)]
    size = wanted.num_ceps if kind == "mfcc" else wanted.mel_opts.num_bins
    return np.array(rows, dtype=np.float32).reshape(-1, size)


def speech_like(samples: int, rate: int, seed: int = 0) -> torch.Tensor:
    """Pulses through moving resonances, soft noise and a pause, as 16-bit values."""
    random = np.random.default_rng(seed)
    time = np.arange(samples) / rate
    pitch = 2 * np.pi * np.cumsum(120 + 30 * np.sin(5 * time)) / rate
    voice = sum(
        np.sin(k * pitch) / (1 + ((k * 120 - f) / 150) ** 2)
        for f in (500, 1500, 2500)
        for k in range(1, 25)
    )
    voice *= 0.1 * (np.sin(8 * time + seed) > -0.3)
    waveform = voice + 0.01 * random.standard_normal(samples)
    return torch.from_numpy(np.rint(waveform * 32768) / 32768).float().clamp(-1, 1)
