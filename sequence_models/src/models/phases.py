"""What each era changed in the decoder-only Transformer, as data for `Decoder`.

Each phase is the one before with what is new. Besides the architecture a recipe of
training belongs to each; those are in `configs/` and in `evolution`.

| phase | new | source |
| --- | --- | --- |
| 2017 | the decoder without its encoder: post-norm, ReLU, sines, embeddings times sqrt(d_model) | Vaswani et al. 1706.03762; Liu et al. 1801.10198 |
| 2019 | nothing: the same trained better | Liu et al. 1907.11692 |
| 2020 | pre-norm, GELU, learned positions, residual projections begin small | Radford et al. 2019, section 2.3; Brown et al. 2005.14165 |
| 2023 | rotary positions, RMS norm, SwiGLU, two heads of keys and values, no biases | Touvron et al. 2302.13971, 2307.09288 |
| 2025 | queries and keys normalised (and Muon as the optimiser) | Henry et al. 2010.04245; Qwen3 2505.09388 |
"""  # noqa: E501

from typing import Any


_2017: dict[str, Any] = {
    "positions": "sinusoidal",
    "norm": "layer",
    "order": "post",
    "ffn": "relu",
    "kv_heads": None,  # as many as heads
    "qk_norm": False,
    "bias": True,
    "tie": True,
    "init": "xavier",
    "scale_embedding": True,
}
_2019 = _2017
_2020 = _2019 | {
    "positions": "learned",
    "order": "pre",
    "ffn": "gelu",
    "init": "scaled",
    "scale_embedding": False,
}
_2023 = _2020 | {
    "positions": "rope",
    "norm": "rms",
    "ffn": "swiglu",
    "kv_heads": 2,
    "bias": False,
}
_2025 = _2023 | {"qk_norm": True}

PHASES: dict[str, dict[str, Any]] = {
    "2017": _2017,
    "2019": _2019,
    "2020": _2020,
    "2023": _2023,
    "2025": _2025,
}
