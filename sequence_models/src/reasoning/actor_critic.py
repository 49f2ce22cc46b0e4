"""A decoder that also says how much reward it expects: policy and value function.

One body for both, as in PPO (Schulman et al. 2017, section 5). Called without `values`
it is the decoder, so that what generates and evaluates need not know.
"""

import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from ..models.cache import KVCache
from ..models.decoder import Decoder
from ..utils.contracts import contract
from ..utils.errors import InputError


class ActorCritic(nn.Module):
    """A policy, and V as a linear function of its features, which begins as 0."""

    def __init__(self, policy: nn.Module):
        super().__init__()
        if not isinstance(policy, Decoder):
            raise InputError("ppo needs a decoder (model.name gpt_*)")
        self.vocab, self.context = policy.vocab, policy.context
        self.policy = policy
        like = policy.embedding.weight
        self.value = nn.Linear(policy.d_model, 1, device=like.device, dtype=like.dtype)
        nn.init.zeros_(self.value.weight)
        nn.init.zeros_(self.value.bias)

    @contract
    def forward(
        self,
        tokens: Int[Tensor, "batch time"],
        memory: KVCache | None = None,
        *,
        document: Int[Tensor, "batch time"] | None = None,
        values: bool = False,
    ) -> tuple[
        Float[Tensor, "batch time {self.vocab}"],
        KVCache | Float[Tensor, "batch time"] | None,
    ]:
        """The decoder's logits and memory; with `values` the logits and, in place of
        the memory, V of the text up to and with each token: see `values_before`.
        """
        if not values:
            return self.policy(tokens, memory, document=document)
        x, _ = self.policy.features(tokens, memory, document=document)
        return self.policy.logits(x), self.value(x)[..., 0]

    def new_memory(self, batch: int, length: int) -> KVCache:
        """The decoder's: an empty cache for up to `length` tokens a row."""
        return self.policy.new_memory(batch, length)


@contract
def values_before(values: Float[Tensor, "batch time"]) -> Float[Tensor, "batch time"]:
    """V of the state that each token was drawn in: the value after the token before.

    This is what `gae` and `value_loss` take. The first token was not drawn: 0.
    """
    return F.pad(values[:, :-1], (1, 0))
