"""`torch.compile` takes a whole Transformer: the contracts step aside."""

import pytest
import torch

from src.models.decoder import Decoder
from src.models.encoder import MaskedLM
from src.models.phases import PHASES
from src.models.transformer import Transformer


VOCAB, CONTEXT = 13, 24
SIZE = {"d_model": 16, "layers": 2, "heads": 4}
TOKENS = torch.randint(VOCAB, (3, CONTEXT), generator=torch.Generator().manual_seed(0))
PAD = torch.arange(CONTEXT) < torch.tensor([[24], [9], [1]])
MODELS = {
    "2017": (Decoder, PHASES["2017"], {}),
    "2025": (Decoder, PHASES["2025"], {}),
    "alibi": (Decoder, {"positions": "alibi"}, {}),
    "documents": (Decoder, PHASES["2023"], {"document": TOKENS.sort(1).values}),
    "encoder": (MaskedLM, {}, {"pad_mask": PAD}),
    "encoder-decoder": (Transformer, {}, {"source_mask": PAD, "tokens": TOKENS[:, :7]}),
}


@pytest.mark.spec("SEQ-080", "in one graph")
@pytest.mark.parametrize("name", MODELS)
def test_compiles_to_one_graph(name):
    torch.compiler.reset()
    torch.manual_seed(0)
    kind, options, given = MODELS[name]
    model = kind(VOCAB, CONTEXT, **SIZE, **options)
    compiled = torch.compile(model, fullgraph=True, backend="eager")
    torch.testing.assert_close(compiled(TOKENS, **given), model(TOKENS, **given))
