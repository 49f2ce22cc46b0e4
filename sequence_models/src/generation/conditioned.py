"""An encoder-decoder whose source is given, called as a language model is."""

from jaxtyping import Float, Int
from torch import Tensor, nn

from ..models.transformer import Memory, Transformer
from ..utils.contracts import contract


class Conditioned(nn.Module):
    """Writes the target of each row of `source`; one row serves any number of texts.

    So `generate` and `beam_search` answer questions as they go on with a text.
    """

    def __init__(
        self, model: Transformer, source: Tensor, source_mask: Tensor | None = None
    ):
        super().__init__()
        self.model, self.source_mask = model, source_mask
        self.vocab, self.context = model.vocab, model.context
        self.encoded = model.encode(source, source_mask)

    @contract
    def forward(
        self, tokens: Int[Tensor, "batch time"], memory: Memory | None = None
    ) -> tuple[Float[Tensor, "batch time {self.vocab}"], Memory | None]:
        """Logits of the target, and the memory, which these tokens have joined."""
        batch, mask = len(tokens), self.source_mask
        encoded = self.encoded.expand(batch, -1, -1)
        mask = None if mask is None else mask.expand(batch, -1)
        return self.model.decode(tokens, encoded, mask, memory), memory

    def new_memory(self, batch: int, length: int) -> Memory:
        return self.model.new_memory(batch, length, self.encoded.shape[1])
