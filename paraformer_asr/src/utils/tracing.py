# pattern: utils/tracing.py -- the same in every sub-project; edit one, then: python -m tools.copies sync utils/tracing.py --from <sub-project>
"""Whether a compiler is tracing the code; `contracts.py` then steps aside."""

# local: begin
from torch.compiler import is_compiling as tracing  # a constant for dynamo


__all__ = ["tracing"]
# local: end
