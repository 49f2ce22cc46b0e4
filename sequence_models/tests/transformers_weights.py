"""Models of `transformers` with the weights of ours."""

import pytest
import torch
from torch import nn


transformers = pytest.importorskip("transformers", reason="the reference for parity")


@torch.no_grad()
def gpt2_from(ours: nn.Module, attention: str = "eager") -> nn.Module:
    """GPT2LMHeadModel with the weights of a pre-norm, GELU, learned, tied `Decoder`."""
    block = ours.blocks[0]
    config = transformers.GPT2Config(
        vocab_size=ours.vocab,
        n_positions=ours.context,
        n_embd=ours.d_model,
        n_layer=len(ours.blocks),
        n_head=block.attend.heads,
        n_inner=block.feed.up.out_features,
        activation_function="gelu_new" if block.feed.kind == "gelu_tanh" else "gelu",
        resid_pdrop=0.0,
        embd_pdrop=0.0,
        attn_pdrop=0.0,
        bos_token_id=None,
        eos_token_id=None,
        attn_implementation=attention,
    )
    theirs = transformers.GPT2LMHeadModel(config).to(ours.embedding.weight.dtype).eval()
    for name, parameter in theirs.named_parameters():
        parameter.copy_(gpt2_view(name, dict(ours.named_parameters())))
    return theirs


GPT2_NAMES = {
    "transformer.wte": "embedding",
    "transformer.wpe": "positions",
    "transformer.ln_f": "norm",
    "ln_1": "attend_norm",
    "ln_2": "feed_norm",
    "attn.c_attn": "attend.qkv",
    "attn.c_proj": "attend.out",
    "mlp.c_fc": "feed.up",
    "mlp.c_proj": "feed.down",
}


def gpt2_view(name: str, ours: dict[str, torch.Tensor]) -> torch.Tensor:
    """What GPT-2 calls `name`; its `Conv1D` keeps matrices the other way round."""
    own = name.replace("transformer.h.", "blocks.")
    for theirs, mine in GPT2_NAMES.items():
        own = own.replace(f"{theirs}.", f"{mine}.")
    found = ours[own]
    turned = ".attn.c_" in name or ".mlp.c_" in name
    return found.T if turned and found.ndim == 2 else found


@torch.no_grad()
def llama_from(ours: nn.Module) -> nn.Module:
    """LlamaForCausalLM with the weights of a gpt_2023 `Decoder`."""
    block = ours.blocks[0]
    config = transformers.LlamaConfig(
        vocab_size=ours.vocab,
        max_position_embeddings=ours.context,
        hidden_size=ours.d_model,
        num_hidden_layers=len(ours.blocks),
        num_attention_heads=block.attend.heads,
        num_key_value_heads=block.attend.kv_heads,
        intermediate_size=block.feed.down.in_features,
        rms_norm_eps=block.attend_norm.eps,
        tie_word_embeddings=ours.head is None,
        bos_token_id=None,
        eos_token_id=None,
        attn_implementation="sdpa",  # the eager one has a float32 softmax
    )
    theirs = (
        transformers.LlamaForCausalLM(config).to(ours.embedding.weight.dtype).eval()
    )
    for name, parameter in theirs.named_parameters():
        parameter.copy_(llama_view(name, ours, dict(ours.named_parameters())))
    return theirs


LLAMA_NAMES = {
    "model.embed_tokens.": "embedding.",
    "model.norm.": "norm.",
    "lm_head.": "head.",
    "model.layers.": "blocks.",
    "input_layernorm.": "attend_norm.",
    "post_attention_layernorm.": "feed_norm.",
    "self_attn.o_proj.": "attend.out.",
    "mlp.down_proj.": "feed.down.",
}


def llama_view(
    name: str, model: nn.Module, ours: dict[str, torch.Tensor]
) -> torch.Tensor:
    """What Llama calls `name`: a part of one of our joint matrices, or all of it."""
    own = name
    for theirs, mine in LLAMA_NAMES.items():
        own = own.replace(theirs, mine)
    attend = model.blocks[0].attend
    keys = attend.kv_heads * attend.head_dim
    for place, letter in enumerate("qkv"):
        if f"self_attn.{letter}_proj" in own:
            joint = own.replace(f"self_attn.{letter}_proj", "attend.qkv")
            return ours[joint].split((model.d_model, keys, keys))[place]
    for place, part in enumerate(("gate", "up")):
        if f"mlp.{part}_proj" in own:
            return ours[own.replace(f"mlp.{part}_proj", "feed.up")].chunk(2)[place]
    return ours[own]
