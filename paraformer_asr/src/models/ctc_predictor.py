"""Acoustic embeddings from the CTC head (An et al. 2024, Paraformer-v2, 2409.17746)."""

from jaxtyping import Float, Int
from torch import Tensor, nn

from ..utils.contracts import contract
from .cif import CifOutput


class CtcPredictor(nn.Module):
    """Merge the frames of each token of the best CTC path and project their posterior.

    In training the path is the best one through the true tokens (Viterbi), so that
    their number is right from the start.
    """

    def __init__(self, d_model: int, vocab: int):
        super().__init__()
        self.d_model, self.vocab = d_model, vocab
        self.project = nn.Linear(vocab, d_model)

    @contract
    def forward(
        self,
        hidden: Float[Tensor, "batch time {self.d_model}"],
        ctc_logits: Float[Tensor, "batch time {self.vocab}"],
        time_lengths: Int[Tensor, " batch"],
        tokens: Int[Tensor, "batch tokens"] | None = None,
        token_lengths: Int[Tensor, " batch"] | None = None,
    ) -> CifOutput:
        """As many embeddings as the path has tokens."""
        raise NotImplementedError
