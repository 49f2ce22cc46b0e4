"""What the key `data` of a configuration says."""

from dataclasses import dataclass, field
from typing import Literal

from ..tokenizers import TokenizerConfig
from ..utils.errors import InputError
from .stories import ToyConfig
from .toy_tasks import TaskConfig


@dataclass(frozen=True, slots=True)
class DataConfig:
    name: Literal[
        "toy_grammar", "toy_task", "text", "documents", "memmap", "labelled", "problems"
    ] = "toy_grammar"
    root: str = ""
    """A text file or a folder of .txt (text; documents, which empty lines end), a file
    of `scripts/tokenizer.py encode` (memmap), CSV or JSONL with labels (labelled)."""
    test: str = ""
    """Of labelled: the file with the test part; empty: there is none."""
    tokenizer: TokenizerConfig = field(default_factory=TokenizerConfig)
    block: int = 64
    """Tokens of a sample: what is learnt from at once."""
    eval_block: int = 0
    """Tokens of a window that is scored; 0: as many as `block`."""
    samples: int = 0
    """Of text that is one piece: windows an epoch; 0: as many as the training part
    holds side by side. Of problems: questions an epoch; 0: as many as are shown."""
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
    """Of toy_grammar."""
    toy_task: TaskConfig = field(default_factory=TaskConfig)
    """Of toy_task."""

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


DATA_OF = {
    "lm": ("toy_grammar", "text", "documents", "memmap"),
    "mlm": ("toy_grammar", "text"),
    "answer": ("toy_task",),
    "pairs": ("toy_task",),
    "classify": ("labelled",),
    "reason": ("problems",),
}
"""Which data a task can be trained on."""

FROM_FILES = ("text", "documents", "memmap", "labelled")


def check_fits(config: DataConfig, task: str) -> None:
    """Raise InputError for keys that this data or this task would not read."""
    if config.name not in DATA_OF[task]:
        raise InputError(
            f"data.name = {config.name}: the task {task} reads "
            f"{', '.join(DATA_OF[task])}"
        )
    if config.root == "" and config.name in FROM_FILES:
        raise InputError(
            f"data.root is empty: data.name = {config.name} needs to know where the "
            "files are; set data.root=PATH"
        )
    if config.root and config.name not in FROM_FILES:
        raise InputError(
            f"data.root = {config.root}: data.name = {config.name} reads no file; set "
            f"data.name to one of {', '.join(FROM_FILES)}"
        )
    if config.test and config.name != "labelled":
        raise InputError(
            f"data.test = {config.test}: only data.name = labelled reads a test part"
        )
    if config.stateful and (task != "lm" or config.name == "documents"):
        what = f"the task {task}" if task != "lm" else "data.name = documents"
        raise InputError(f"data.stateful: {what} has no text to go on with")
