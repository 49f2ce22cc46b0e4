"""What a model makes of one utterance, for pictures and tables."""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from ..decoding.timestamps import TokenTime
from ..training.load import Loaded
from ..utils.contracts import contract
from .search import ctc_log_probs, methods_of, search


class Inspection(NamedTuple):
    """All on the CPU; empty where this kind of model has no such thing."""

    features: Float[Tensor, "frames mels"]
    frame_seconds: float
    """From one row of `features` to the next."""
    alphas: Float[Tensor, " _"]
    """The weight of each encoder frame."""
    time_seconds: float
    """From one encoder frame to the next."""
    boundaries: Float[Tensor, " tokens"]
    """Seconds at which each token is complete, of all that fired."""
    logits: Float[Tensor, "tokens vocab"]
    """Of the decoder that names all tokens at once."""
    ctc_logits: Float[Tensor, "time vocab"]
    """Log-probabilities of the CTC head."""
    tokens: tuple[TokenTime, ...]
    """Those that are shown, of the model's own method."""
    text: str


@contract
def inspect_features(
    loaded: Loaded, features: Float[Tensor, "frames mels"], device: torch.device
) -> Inspection:
    """Everything on the way from features to text."""
    frame_s, vocab = loaded.front_end.frame_seconds, loaded.tokenizer.vocab_size
    found = Inspection(
        features,
        frame_s,
        alphas=torch.zeros(0),
        time_seconds=frame_s * loaded.model.encoder.subsampling,
        boundaries=torch.zeros(0),
        logits=torch.zeros(0, vocab),
        ctc_logits=torch.zeros(0, vocab),
        tokens=(),
        text="",
    )
    if not len(features):
        return found
    given = features[None].to(device), torch.tensor([len(features)], device=device)
    methods = methods_of(loaded.config)
    (heard,) = search(loaded, *given, methods[0])
    with torch.no_grad():
        found = found._replace(
            ctc_logits=ctc_log_probs(loaded.model, *given)[0][0].cpu(),
            tokens=heard.times,
            text=loaded.tokenizer.decode(heard.tokens),
        )
        if "nar" not in methods:
            return found
        said = loaded.model.recognise(*given)
    count = int(said.lengths[0])
    return found._replace(
        alphas=said.cif.alphas[0].float().cpu(),
        boundaries=said.cif.boundaries[0, :count].float().cpu() * found.time_seconds,
        logits=said.logits[0, :count].float().cpu(),
    )
