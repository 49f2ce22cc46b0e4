"""The encoder is BERT, the encoder-decoder is torch's: values and gradients."""

import pytest
import torch
from torch import nn

from src.models.encoder import EncoderClassifier, MaskedLM
from src.models.transformer import Transformer


VOCAB, CONTEXT = 11, 12
SIZE = {"d_model": 16, "layers": 2, "heads": 4}


@pytest.fixture(autouse=True)
def double():
    """Also for the tables of positions."""
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def stirred(model):
    torch.manual_seed(1)
    model.eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 0.2 * torch.randn_like(parameter)
    return model


def padded(batch=3, time=CONTEXT):
    """Tokens, and which of them are real: all, then fewer at the end of each row."""
    lengths = torch.tensor([time - 3 * row for row in range(batch)])
    return torch.randint(VOCAB, (batch, time)), torch.arange(time) < lengths[:, None]


def copy(to, **parts):
    for name, value in parts.items():
        getattr(to, name).data.copy_(value)


def copy_feed(to, block, first="linear1", second="linear2"):
    for name, part in ((first, block.feed.up), (second, block.feed.down)):
        copy(getattr(to, name), weight=part.weight, bias=part.bias)


def torch_stacks(ours, order):
    """nn.TransformerEncoder and nn.TransformerDecoder with our weights."""
    options = {"batch_first": True, "norm_first": order == "pre", "dropout": 0.0}
    layer = {"d_model": 16, "nhead": 4, "dim_feedforward": 64} | options
    last = [nn.LayerNorm(16) if order == "pre" else None for _ in range(2)]
    encoder = nn.TransformerEncoder(
        nn.TransformerEncoderLayer(**layer), 2, last[0], enable_nested_tensor=False
    )
    decoder = nn.TransformerDecoder(nn.TransformerDecoderLayer(**layer), 2, last[1])
    for to, block in zip(encoder.layers, ours.encoder, strict=True):
        copy_self(to, block, (to.norm1, block.attend_norm), (to.norm2, block.feed_norm))
    for to, block in zip(decoder.layers, ours.decoder, strict=True):
        norms = block.attend_norm, block.cross_norm, block.feed_norm
        copy_self(to, block, *zip((to.norm1, to.norm2, to.norm3), norms, strict=True))
        cross = block.cross
        copy(
            to.multihead_attn,
            in_proj_weight=torch.cat((cross.q.weight, cross.kv.weight)),
            in_proj_bias=torch.cat((cross.q.bias, cross.kv.bias)),
        )
        out = to.multihead_attn.out_proj
        copy(out, weight=cross.out.weight, bias=cross.out.bias)
    for norm, own in zip(last, (ours.encoder_norm, ours.decoder_norm), strict=True):
        if norm is not None:
            copy(norm, weight=own.weight, bias=own.bias)
    return encoder, decoder


def copy_self(to, block, *norms):
    attend = block.attend
    copy(to.self_attn, in_proj_weight=attend.qkv.weight, in_proj_bias=attend.qkv.bias)
    copy(to.self_attn.out_proj, weight=attend.out.weight, bias=attend.out.bias)
    copy_feed(to, block)
    for norm, own in norms:
        copy(norm, weight=own.weight, bias=own.bias)


@pytest.mark.spec("SEQ-069", "`nn.TransformerDecoder`, post-norm and pre-norm")
@pytest.mark.parity(
    "encoder-decoder", "torch.nn.TransformerEncoder, torch.nn.TransformerDecoder"
)
@pytest.mark.parametrize("order", ["post", "pre"])
def test_the_encoder_decoder_is_that_of_torch(parity, order):
    ours = stirred(Transformer(VOCAB, CONTEXT, order=order, **SIZE))
    encoder, decoder = torch_stacks(ours, order)
    (source, real), tokens = padded(), torch.randint(VOCAB, (3, 7))
    rates = 10000.0 ** (-torch.arange(0, 16, 2, dtype=torch.float64) / 16)
    angles = torch.arange(CONTEXT)[:, None] * rates
    places = torch.stack((angles.sin(), angles.cos()), 2).flatten(1)

    def embed(ids):
        return nn.functional.embedding(ids, table) * 4 + places[: ids.shape[1]]

    table = ours.embedding.weight.detach().clone().requires_grad_()
    encoded = encoder(embed(source), src_key_padding_mask=~real)
    later = nn.Transformer.generate_square_subsequent_mask(7, dtype=torch.float64)
    hidden = decoder(
        embed(tokens), encoded, later, memory_key_padding_mask=~real, tgt_is_causal=True
    )
    expected = hidden @ table.T

    logits = ours(source, real, tokens)
    weight = torch.randn_like(logits)
    (logits * weight).sum().backward()
    (expected * weight).sum().backward()

    parity.value(logits, expected, atol=1e-10)
    parity.gradient(ours.embedding.weight.grad, table.grad, atol=1e-9)
    for stack, own in ((encoder, ours.encoder), (decoder, ours.decoder)):
        for to, block in zip(stack.layers, own, strict=True):
            grad = to.self_attn.in_proj_weight.grad
            parity.gradient(block.attend.qkv.weight.grad, grad, atol=1e-9)
            up, first = block.feed.up.weight.grad, to.linear1.weight.grad
            parity.gradient(up, first, atol=1e-9)
            norms = block.attend_norm.bias.grad, to.norm1.bias.grad
            parity.gradient(*norms, atol=1e-9)
    for to, block in zip(decoder.layers, ours.decoder, strict=True):
        grad = torch.cat((block.cross.q.weight.grad, block.cross.kv.weight.grad))
        parity.gradient(grad, to.multihead_attn.in_proj_weight.grad, atol=1e-9)


@pytest.mark.spec("SEQ-070", "the logits and gradients of transformers'")
@pytest.mark.parity("masked language model", "transformers.BertForMaskedLM")
def test_the_masked_language_model_is_bert(parity):
    transformers = pytest.importorskip("transformers", reason="the reference")
    ours = stirred(MaskedLM(VOCAB, CONTEXT, **SIZE))
    config = transformers.BertConfig(
        vocab_size=VOCAB,
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=64,
        max_position_embeddings=CONTEXT,
        layer_norm_eps=1e-5,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        pad_token_id=None,
        attn_implementation="eager",
    )
    theirs = transformers.BertForMaskedLM(config).eval()
    copy_bert(theirs, ours)
    tokens, real = padded()

    logits = ours(tokens, real)[real]
    expected = theirs(tokens, attention_mask=real.long()).logits[real]
    weight = torch.randn_like(logits)
    (logits * weight).sum().backward()
    (expected * weight).sum().backward()

    parity.value(logits, expected, atol=1e-10)
    embeddings, own = theirs.bert.embeddings, ours.encoder
    for mine, grad in (
        (own.embedding.weight, embeddings.word_embeddings.weight.grad),
        (own.positions.weight, embeddings.position_embeddings.weight.grad),
        (own.embedding_norm.weight, embeddings.LayerNorm.weight.grad),
        (ours.bias, theirs.cls.predictions.bias.grad),
        (ours.norm.weight, theirs.cls.predictions.transform.LayerNorm.weight.grad),
    ):
        parity.gradient(mine.grad, grad, atol=1e-9)
    for block, layer in zip(own.blocks, theirs.bert.encoder.layer, strict=True):
        parts = [getattr(layer.attention.self, n) for n in ("query", "key", "value")]
        joint = torch.cat([part.weight.grad for part in parts])
        parity.gradient(block.attend.qkv.weight.grad, joint, atol=1e-9)
        down, dense = block.feed.down.weight.grad, layer.output.dense.weight.grad
        parity.gradient(down, dense, atol=1e-9)


def copy_bert(theirs, ours):
    embeddings, own = theirs.bert.embeddings, ours.encoder
    head = theirs.cls.predictions
    copy(embeddings.word_embeddings, weight=own.embedding.weight)
    copy(embeddings.position_embeddings, weight=own.positions.weight)
    embeddings.token_type_embeddings.weight.data.zero_()
    pairs = [
        (embeddings.LayerNorm, own.embedding_norm),
        (head.transform.dense, ours.transform),
        (head.transform.LayerNorm, ours.norm),
    ]
    head.bias.data.copy_(ours.bias)
    for layer, block in zip(theirs.bert.encoder.layer, own.blocks, strict=True):
        attend = layer.attention
        weights, biases = (t.chunk(3) for t in block.attend.qkv.state_dict().values())
        for place, name in enumerate(("query", "key", "value")):
            part = getattr(attend.self, name)
            copy(part, weight=weights[place], bias=biases[place])
        pairs += [
            (attend.output.dense, block.attend.out),
            (attend.output.LayerNorm, block.attend_norm),
            (layer.intermediate.dense, block.feed.up),
            (layer.output.dense, block.feed.down),
            (layer.output.LayerNorm, block.feed_norm),
        ]
    for to, part in pairs:
        copy(to, weight=part.weight, bias=part.bias)


@pytest.mark.spec("SEQ-071", "what stands at padding, and how much of it")
@pytest.mark.parametrize("pool", ["mean", "first"])
def test_padding_changes_nothing(pool):
    model = stirred(EncoderClassifier(VOCAB, CONTEXT, 3, pool=pool, **SIZE))
    tokens, real = padded()
    logits = model(tokens, real)
    other = torch.where(real, tokens, torch.randint(VOCAB, tokens.shape))
    torch.testing.assert_close(model(other, real), logits, rtol=0, atol=0)
    for row, length in enumerate(real.sum(1).tolist()):
        alone = model(tokens[row : row + 1, :length])
        torch.testing.assert_close(alone[0], logits[row], rtol=1e-12, atol=1e-12)


@pytest.mark.spec("SEQ-071", "the encoder-decoder")
def test_padding_of_the_source_changes_nothing():
    model = stirred(Transformer(VOCAB, CONTEXT, **SIZE))
    (source, real), tokens = padded(), torch.randint(VOCAB, (3, 5))
    logits = model(source, real, tokens)
    for row, length in enumerate(real.sum(1).tolist()):
        alone = model(source[row : row + 1, :length], None, tokens[row : row + 1])
        torch.testing.assert_close(alone[0], logits[row], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("order", ["post", "pre"])
@pytest.mark.parametrize("chunks", [[1] * 7, [3, 1, 3], [7]])
@pytest.mark.spec("SEQ-072", "the encoder-decoder too")
def test_the_encoder_decoder_with_its_memory(order, chunks):
    model = stirred(Transformer(VOCAB, CONTEXT, order=order, **SIZE))
    (source, real), tokens = padded(), torch.randint(VOCAB, (3, 7))
    with torch.no_grad():
        encoded = model.encode(source, real)
        memory = model.new_memory(3, 7, CONTEXT)
        parts = [
            model.decode(part, encoded, real, memory)
            for part in tokens.split(chunks, dim=1)
        ]
        whole = model(source, real, tokens)
    torch.testing.assert_close(torch.cat(parts, 1), whole, rtol=1e-10, atol=1e-10)


def test_a_text_of_padding_alone_is_refused():
    model = EncoderClassifier(VOCAB, CONTEXT, 3, **SIZE)
    real = torch.tensor([[True, False], [False, False]])
    with pytest.raises(ValueError, match="^row 1 of the batch has no real token$"):
        model(torch.zeros(2, 2, dtype=torch.long), real)
