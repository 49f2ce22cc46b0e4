"""Small causal models, their front end and a sound, for tests of streams."""

import torch

from src.audio.front_end import FeatureConfig, FrontEnd
from src.decoding.ctc_search import ctc_greedy
from src.decoding.greedy import nar_greedy
from src.decoding.streaming import Stream
from src.models import ModelConfig, build_model
from src.tokenizers import TokenizerConfig, build_tokenizer


TOKENIZER = build_tokenizer(TokenizerConfig("char"), ["abcdefgh"])
NAMES = {
    "cif": {"name": "paraformer"},
    "ctc predictor": {"name": "paraformer", "predictor": "ctc"},
    "ctc": {"name": "ctc"},
}


def make(kind="cif", **options):
    torch.manual_seed(0)
    sizes = {"d_model": 16, "heads": 2, "encoder_layers": 1, "ff": 16, "kernel": 3}
    sizes |= {"decoder_layers": 1, "subsampling": 2, "alpha_bias": -1.0}
    config = ModelConfig(
        **({"causal": True, "chunk": 3} | sizes | NAMES[kind] | options)
    )
    model = build_model(config, 10, TOKENIZER.vocab_size).eval()
    for parameter in model.parameters():
        if parameter.ndim > 1:
            parameter.data *= 2.5  # different tokens at different sounds
    return model


def offline(model, waveform):
    features = FRONT_END(waveform)[None]
    lengths = torch.tensor([features.shape[1]])
    with torch.no_grad():
        if not hasattr(model, "recognise"):
            output = model(features, lengths)
            log_probs = output.ctc_logits.log_softmax(-1)
            return ctc_greedy(log_probs, output.time_lengths)[0]
        output = model.recognise(features, lengths)
        return nar_greedy(output.logits, output.lengths)[0]


def sound(samples, seed=0):
    generator = torch.Generator().manual_seed(seed)
    loudness = torch.linspace(0, 40, samples).sin().abs()
    return torch.randn(samples, generator=generator) * loudness * 0.1


FRONT_END = FrontEnd.fitted(FeatureConfig(n_mels=10, cmvn="global"), [sound(8000)])


def new_stream(**options):
    return Stream(make(**options), FRONT_END, TOKENIZER)
