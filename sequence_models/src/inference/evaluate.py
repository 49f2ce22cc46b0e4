"""Score a checkpoint on a split of its own data."""

import time
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from ..data.dataloader import eval_loader
from ..data.streams import Streams
from ..data.windows import EveryWindow, RandomWindows
from ..reasoning.curriculum import Curriculum, Exam
from ..training.load import Loaded, load_model, reopen_data, run_folder
from ..training.task import make_task
from ..utils.device import pick_device
from ..utils.errors import FaultError, InputError
from ..utils.logging import table
from ..utils.run_dir import to_json
from ..utils.tensor_utils import to_device
from .outputs import write_text


def evaluate(
    checkpoint: Path,
    split: str = "",
    out: Path | None = None,
    *,
    device: str = "auto",
    quiet: bool = False,
) -> dict[str, Any]:
    """Score `split` (test, or val where there is none) and write `<out>/<split>.json`.

    `out`: eval/ of the run, where a checkpoint that is not best.pt adds its name.
    Every token of the split but the first is scored once. Raises InputError if the data
    cannot be read, FaultError for a model that gives no numbers.
    """
    loaded = load_model(checkpoint, pick_device(device))
    opened = reopen_data(loaded)
    split = split or ("test" if "test" in opened.datasets else "val")
    if split not in opened.datasets:
        raise InputError(f"--split {split}: this data has {', '.join(opened.datasets)}")
    dataset = opened.datasets[split]
    if isinstance(dataset, (RandomWindows, Streams)):  # as the other splits are cut
        block = loaded.config.data.eval_block or loaded.config.data.block
        dataset = EveryWindow(dataset.tokens, block)
    if isinstance(dataset, Curriculum):  # asked as the other splits are
        samples, seed = loaded.config.reason.samples, loaded.config.seed
        dataset = Exam(dataset.problems, loaded.tokenizer, samples, seed, "train")
    task = make_task(loaded.config, opened)
    started, cpu = time.monotonic(), time.process_time()
    sums = _sum_up(loaded, task, dataset, quiet, split)
    if any(not torch.as_tensor(value).isfinite().all() for value in sums.values()):
        raise FaultError(f"{checkpoint}: the model gives NaN. Use another checkpoint")
    result = {
        "checkpoint": str(checkpoint),
        "split": split,
        "data": loaded.config.data.root or loaded.config.data.name,
        "data_fingerprint": opened.info.fingerprint,
        **task.metrics(sums),
        **{name: int(sums[name]) for name in ("tokens", "bytes") if name in sums},
        "seconds": round(time.monotonic() - started, 2),
        "cpu_seconds": round(time.process_time() - cpu, 2),
        "threads": torch.get_num_threads(),
    }
    # Another checkpoint of a run is scored to be compared: it keeps a file of its own.
    stem = Path(checkpoint).stem
    name = split if out or stem in ("best", "checkpoint") else f"{split}-{stem}"
    out = out or (run_folder(checkpoint) or Path()) / "eval"
    write_text(out / f"{name}.json", to_json(result, indent=1) + "\n")
    return result


def text(result: dict[str, Any]) -> str:
    """The table that is printed."""
    hidden = ("checkpoint", "data_fingerprint", "seconds", "threads", "split")
    rows = [(name, value) for name, value in result.items() if name not in hidden]
    return table(rows, (result["split"], ""))


def _sum_up(loaded: Loaded, task, dataset, quiet: bool, split: str) -> dict[str, Any]:
    config, sums = loaded.config, {}
    device = next(loaded.model.parameters()).device
    loader = eval_loader(dataset, config.data.batch_size)
    bar = tqdm(
        loader,
        desc=f"eval {split}",
        leave=False,
        disable=True if quiet else None,  # None: hidden where stderr is no terminal
    )
    with torch.no_grad():
        for batch in bar:
            for name, value in task.evaluate(
                loaded.model, to_device(batch, device)
            ).items():
                sums[name] = sums.get(name, 0) + value.cpu()
    return sums
