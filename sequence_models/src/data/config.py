"""What the key `data` of a configuration says."""

from dataclasses import dataclass, field
from typing import Literal

from ..tokenizers import TokenizerConfig
from .stories import ToyConfig
from .toy_tasks import TaskConfig


@dataclass(frozen=True, slots=True)
class DataConfig:
    name: Literal[
        "toy_grammar", "toy_task", "text", "documents", "memmap", "labelled"
    ] = "toy_grammar"
    root: str = ""
    """A text file or a folder of .txt (text), JSONL of texts (documents), a file of
    `scripts/tokenize.py encode` (memmap), CSV or JSONL with labels (labelled)."""
    test: str = ""
    """Of labelled: the file with the test part; empty: there is none."""
    tokenizer: TokenizerConfig = field(default_factory=TokenizerConfig)
    block: int = 64
    """Tokens of a sample: what is learnt from at once."""
    eval_block: int = 0
    """Tokens of a window that is scored; 0: as many as `block`."""
    samples: int = 0
    """Windows an epoch; 0: as many as the training part holds side by side."""
    stateful: bool = False
    """Batches continue one another, and a recurrent model keeps its memory."""
    val_share: float = 0.1
    """Share of a text, at its end, that is held out."""
    masked: float = 0.15
    """Share of the tokens that the task mlm hides."""
    batch_size: int = 32
    """Samples a batch, over all processes of a torchrun job."""
    workers: int = 0
    """Loader processes; 0 loads in the trainer."""
    toy: ToyConfig = field(default_factory=ToyConfig)
    """Read by toy_grammar."""
    toy_task: TaskConfig = field(default_factory=TaskConfig)
    """Read by toy_task."""

    def __post_init__(self):
        for name, least in [
            ("block", 1), ("eval_block", 0), ("samples", 0), ("batch_size", 1),
            ("workers", 0),
        ]:  # fmt: skip
            if getattr(self, name) < least:
                raise ValueError(f"{name} = {getattr(self, name)}: must be >= {least}")
        for name in ("val_share", "masked"):
            if not 0 < getattr(self, name) < 1:
                raise ValueError(
                    f"{name} = {getattr(self, name)}: must lie between 0 and 1, "
                    "without them"
                )

    @property
    def context(self) -> int:
        """The most tokens that a model sees at once."""
        return max(self.block, self.eval_block)
