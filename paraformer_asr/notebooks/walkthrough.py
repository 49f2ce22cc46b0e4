# %% [markdown]
# # From a waveform to its transcript
#
# Every stage of a speech recogniser with its picture: frames, mel filters, features, an
# encoder, integrate-and-fire, a decoder that names all tokens at once, and all of it
# while the sound still comes. The speech is made up; nothing is downloaded or written.

# %%
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch
from torch import nn


sys.path.insert(0, str(Path.cwd().parent))  # Jupyter starts in notebooks/
sys.path.insert(0, str(Path.cwd()))  # Python in the folder above

from src.audio.cmvn import normalise
from src.audio.frames import SCALE, frame, power_spectrum, windowed
from src.audio.front_end import FeatureConfig
from src.audio.low_frame_rate import stack_frames
from src.audio.mel import log_mel, mel_filters
from src.audio.mfcc import cepstra
from src.audio.spec_augment import SpecAugmentConfig, spec_augment
from src.data.config import DataConfig, ToyConfig
from src.decoding.ctc_search import ctc_greedy
from src.decoding.greedy import nar_greedy
from src.decoding.streaming import Stream
from src.decoding.timestamps import token_times
from src.metrics.edit_distance import align
from src.metrics.error_rate import cer
from src.metrics.report import inline
from src.models import ModelConfig
from src.models.cif import cif_weights
from src.training.optim import OptimConfig, build_optimizer, lr_at
from src.training.task import Config, build
from src.utils.cif_picture import Fired, draw_fired


torch.manual_seed(0)
torch.set_num_threads(1)
plt.rcParams["figure.constrained_layout.use"] = True


# %% [markdown]
# ## 1. Sound
# Each of ten tokens is a chord of two tones that fades, with pauses and hiss between.
# The waveform is 8,000 numbers a second; the same word never has the same ones twice.

# %%
toy = ToyConfig(longest=6, pause=(0, 25), n_train=480)
network = ModelConfig(
    d_model=48, encoder_layers=2, decoder_layers=1, ff=96, kernel=7, front_channels=16,
    causal=True, chunk=4, left_chunks=8,
)  # fmt: skip
sound = FeatureConfig(n_mels=40, cmvn="global", dither=10.0)
setup = build(
    Config(features=sound, data=DataConfig("toy_tones", toy=toy), model=network)
)
print(setup.title)
known, unseen = setup.datasets["train"], setup.datasets["val"]
tokenizer, front_end, rate = setup.opened.tokenizer, setup.opened.front_end, 8000
waveform, text = unseen.waveform(0, 0), unseen.texts[0]
plt.figure(figsize=(11, 2))
plt.plot(np.arange(len(waveform)) / rate, waveform, linewidth=0.4)
plt.title(f"the waveform of {text!r}")
plt.show()

# %% [markdown]
# ## 2. Frames
# Speech changes over tens of milliseconds, so we cut frames of 25 ms, one each 10 ms.
# Of each we take the mean away, lift high tones and fade both ends,
#
# $$y_i = w_i (x_i - 0.97\, x_{i-1}), \qquad
# w_i = (0.5 - 0.5 \cos \tfrac{2 \pi i}{N - 1})^{0.85},$$
#
# or the cuts would be heard as clicks. The square of the Fourier transform is the power
# at each frequency.

# %%
frames = frame(waveform * SCALE, 200, 80)
shaped = windowed(frames)
power = power_spectrum(shaped)
loudest = power.sum(1).argmax()
filters = mel_filters(40, 256, rate)
hertz = torch.arange(129) * rate / 256
figure, (left, middle, right) = plt.subplots(1, 3, figsize=(12, 2.6))
left.plot(frames[loudest], label="as cut")
left.plot(shaped[loudest], label="shaped")
left.legend()
left.set_title("one frame, 200 samples")
middle.plot(hertz, 10 * power[loudest].log10())
middle.set_title("its power in dB: a chord of two tones")
right.plot(hertz, filters)
right.set_title("40 mel filters, narrow where we hear finely")
plt.show()

# %% [markdown]
# ## 3. Features
# A mel filter sums the power in a band; bands are even in $1127 \ln(1 + f / 700)$. The
# logarithm makes loudness a shift. A cosine transform of the 40 numbers gives *MFCC*,
# the shape of the spectrum in 13. *CMVN* gives each row mean 0 and variance 1. *Low
# frame rate* puts 7 frames side by side, every sixth time. *SpecAugment* hides bands in
# training, so that a model learns to do without any one of them.

# %%
mels = log_mel(power, filters)
normal = normalise(mels)
hiding = SpecAugmentConfig(frequency_masks=2, time_masks=2)
panels = {
    "power spectrum, dB": 10 * power.clamp(min=1).log10(),
    "log-mel": mels,
    "MFCC": cepstra(mels, 13),
    "CMVN": normal,
    "low frame rate": stack_frames(normal, 7, 6),
    "SpecAugment": spec_augment(normal, hiding, np.random.default_rng(0)),
}
figure, axes = plt.subplots(3, 2, figsize=(11, 6.5))
for axis, (title, x) in zip(axes.flat, panels.items(), strict=True):
    whole = (0, len(mels) / 100, 0, x.shape[1])  # seconds, numbers of a frame
    axis.imshow(x.T.numpy(), aspect="auto", origin="lower", extent=whole)
    axis.set_title(title, fontsize=10)
plt.show()

# %% [markdown]
# ## 4. A model that counts, then names
# An encoder (here a causal Conformer) makes one vector of each 40 ms. A small predictor
# gives each a weight $\alpha_t$: how much of a token it carries. The loss is the cross
# entropy of the tokens, plus $|\sum_t \alpha_t - U|$ for the count $U$, plus CTC.

# %%
model, optim, losses = setup.model.train(), OptimConfig(lr=4e-3), []
optimizer = build_optimizer(optim, model)
for step in range(250):
    for group in optimizer.param_groups:
        group["lr"] = lr_at(optim, step, 250)
    batch = known.__getitems__([(0, (12 * step + i) % 480) for i in range(12)])
    loss = setup.task.loss(model, batch, step / 250)
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    losses.append(loss.item())
plt.figure(figsize=(6, 2.4))
plt.semilogy(losses)
plt.title("the loss of 250 steps; CTC joins after 15 %")
plt.show()

# %% [markdown]
# ## 5. Integrate and fire
# Sum up: $S_t = \sum_{s \le t} \alpha_s$. Token $u$ owns what of $S$ lies from $u - 1$
# to $u$; its embedding is the sum of the frames, weighed by what of them lies in it:
#
# $$c_u = \sum_t w_{ut} h_t, \qquad
# w_{ut} = \max(0, \min(S_t, u) - \max(S_{t-1}, u - 1)).$$
#
# The staircase fires at each whole number. So the count is known before any name.

# %%
model.eval()
features = front_end(waveform)
with torch.inference_mode():
    said = model.recognise(features[None], torch.tensor([len(features)]))
count = int(said.lengths[0])
best = nar_greedy(said.logits, said.lengths)[0]
alphas, ends = said.cif.alphas[0], said.cif.boundaries[0, :count]
names = [tokenizer.pieces[i] for i in best.tokens]
figure = plt.figure(figsize=(11, 4.5), layout="none")
heard = f"said {text!r}, heard {tokenizer.decode(best.tokens)!r}"
fired = Fired(features.numpy(), 0.01, alphas.numpy(), 0.04, ends * 0.04, names, heard)
draw_fired(figure, figure.add_gridspec(1, 1)[0], fired)
plt.show()

# %% [markdown]
# The weights $w_{ut}$; the CTC head, which names each frame or says that it has nothing
# new (not drawn); and what the decoder thinks of each token, all from one pass.

# %%
figure, (left, middle, right) = plt.subplots(1, 3, figsize=(12, 2.8))
shares = said.ctc_logits[0].softmax(-1)
tables = {
    "who owns which frame": cif_weights(alphas.double().cumsum(0)[None], count)[0],
    "CTC: tokens over time": shares[:, 4:].T,
    "decoder: one row a token": said.logits[0, :count, 4:].softmax(-1),
}
for axis, (title, table) in zip((left, middle, right), tables.items(), strict=True):
    axis.imshow(table.numpy(), aspect="auto", cmap="magma")
    axis.set_title(title)
left.set_yticks(range(count), names)
middle.set_yticks(range(10), tokenizer.pieces[4:])
right.set_yticks(range(count), names)
right.set_xticks(range(10), tokenizer.pieces[4:])
plt.show()
for name, start, end, sure in token_times(names, ends, alphas, 0.04, best.confidence):
    print(f"{name}  {start:.2f} to {end:.2f} s, sure to {sure:.0%}")

# %% [markdown]
# ## 6. How wrong?
# The *edit distance* is the fewest substitutions, deletions and insertions between what
# was said and what was heard. The character error rate is that over the length of what
# was said. `(a->b)` is a confusion, `(a->*)` a loss, `(*->b)` an invention.

# %%
with torch.inference_mode():
    batch = unseen.__getitems__([(0, i) for i in range(100)])
    outputs = setup.task.transcribe(model, batch)
    ctc = model.recognise(batch["features"], batch["feature_lengths"])
spoken = ctc_greedy(ctc.ctc_logits.log_softmax(-1), ctc.encoded.lengths)
heard = [tokenizer.decode(tokens) for tokens in outputs]
heard_ctc = [tokenizer.decode(one.tokens) for one in spoken]
rates = [cer(batch["text"], texts).rate for texts in (heard, heard_ctc)]
print(f"characters wrong: {rates[0]:.1%}, by the CTC head {rates[1]:.1%}")
wrong = [pair for pair in zip(batch["text"], heard, strict=True) if pair[0] != pair[1]]
for true, found in wrong[:6]:
    print(f"{true:>8}  {inline(align(true, found), '')}")

# %% [markdown]
# ## 7. While it sounds
# The encoder is causal in chunks of 0.16 s, and each part keeps a small state. So the
# text grows with the sound, and at the end it is the text of the whole.

# %%
stream = Stream(model, front_end, tokenizer)
for piece in waveform.split(2400):
    partial = stream.push(piece)
    print(f"heard {partial.seconds:.2f} s: {partial.text}")
print(f"the end: {stream.finish().text}; as a whole: {tokenizer.decode(best.tokens)}")

# %% [markdown]
# Go on with `scripts/explain.py`, which draws this for your recording, with
# `configs/digits.yaml`, which is real speech, and with `docs/EXERCISES.md`.
