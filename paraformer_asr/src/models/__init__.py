"""Models by name: `build_model(ModelConfig("paraformer"), mels=80, vocab=30)`."""

from dataclasses import dataclass
from typing import Literal

from torch import nn

from .ar_decoder import ARDecoder
from .ar_model import ARTransformer
from .ctc_model import CtcModel
from .ctc_predictor import CtcPredictor
from .decoder import NARDecoder
from .encoder import build_encoder
from .paraformer import Paraformer
from .predictor import AlphaPredictor


__all__ = ["ModelConfig", "build_model"]


@dataclass(frozen=True, slots=True)
class ModelConfig:
    name: Literal["paraformer", "transformer", "ctc"] = "paraformer"
    """All tokens at once; one after the other; encoder and CTC alone."""
    encoder: Literal["transformer", "conformer", "sanm"] = "conformer"
    d_model: int = 64
    heads: int = 4
    encoder_layers: int = 3
    decoder_layers: int = 2
    """Of paraformer and transformer."""
    ff: int = 256
    """Hidden units of each feed-forward layer."""
    kernel: int = 15
    """Frames that a convolution of conformer or a memory of sanm sees; odd."""
    dropout: float = 0.1
    front_channels: int = 32
    """Of the convolutions that subsample."""
    subsampling: Literal[1, 2, 4] = 4
    """Feature frames that become one encoder frame."""
    causal: bool = False
    """An encoder frame sees none after its chunk (or after itself where chunk is 0)."""
    chunk: int = 0
    """Encoder frames of a chunk, within which a causal encoder sees all; 0: one."""
    left_chunks: int = -1
    """Chunks before its own that a frame sees; -1: all."""
    predictor: Literal["cif", "ctc"] = "cif"
    """Who counts the tokens: integrate-and-fire, or the CTC head (Paraformer-v2)."""
    alpha_bias: float = -2.0
    """Of the weights of integrate-and-fire at the start: sigmoid(-2) = 0.12 a frame."""
    tail: float = 0.45
    """Weight put behind the end of the sound, so that the rest of a token can fire."""
    glance: float = 0.75
    """Lambda: share of the wrong tokens that the second pass is shown; 0: one pass."""

    def __post_init__(self):
        for name in (
            "d_model",
            "heads",
            "encoder_layers",
            "decoder_layers",
            "ff",
            "front_channels",
        ):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} = {getattr(self, name)}: must be at least 1")
        if self.d_model % self.heads or self.d_model % 2:
            raise ValueError(
                f"d_model = {self.d_model}: must be even and a multiple of "
                f"heads = {self.heads}"
            )
        if self.kernel < 1 or self.kernel % 2 == 0:
            raise ValueError(f"kernel = {self.kernel}: must be odd and positive")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout = {self.dropout}: must be in [0, 1)")
        if self.chunk < 0 or self.left_chunks < -1:
            raise ValueError(
                f"chunk = {self.chunk}, left_chunks = {self.left_chunks}: at least 0 "
                "and -1"
            )
        if not self.causal and (self.chunk or self.left_chunks != -1):
            raise ValueError("chunk and left_chunks are for causal = true")
        for name in ("tail", "glance"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} = {getattr(self, name)}: must be in [0, 1]")


def build_model(config: ModelConfig, mels: int, vocab: int) -> nn.Module:
    """The network for features of `mels` numbers and `vocab` tokens, blank included."""
    encoder = build_encoder(config, mels)
    if config.name == "ctc":
        return CtcModel(encoder, vocab)
    sizes = (vocab, config.d_model, config.heads, config.decoder_layers)
    options = {"ff": config.ff, "dropout": config.dropout}
    if config.name == "transformer":
        return ARTransformer(encoder, ARDecoder(*sizes, **options), vocab)
    if config.predictor == "ctc":
        predictor = CtcPredictor(config.d_model, vocab)
    else:
        predictor = AlphaPredictor(
            config.d_model, bias=config.alpha_bias, causal=config.causal
        )
    decoder = NARDecoder(*sizes, **options)
    glances = config.glance > 0
    return Paraformer(
        encoder, decoder, predictor, vocab, tail=config.tail, glances=glances
    )
