"""The open slot: a file here joins the bench by its name.

`NAME.py` has a dataclass `Config` and `build(config, vocab, context)`, which gives a
causal language model: `forward(tokens, memory=None, *, document=None)` returns logits
and the memory (tensors, batch first), `new_memory(batch, length)` what nothing has been
read into yet; `vocab` is the number of ids, `context` the most tokens that it sees,
None where there is no limit; the tokens go in through an `nn.Embedding`. With
`model: {name: slot, slot: NAME}` it is trained, evaluated, sampled from and compared
like any other. `gated_retention.py` is an example.
"""
