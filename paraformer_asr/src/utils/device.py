# pattern: utils/device.py -- the same in every sub-project; edit one, then: python -m tools.copies sync utils/device.py --from <sub-project>
"""Where to compute: CUDA, then MPS, then the CPU."""

import torch

from .errors import InputError


CHOICES = ("auto", "cpu", "cuda", "mps")


def pick_device(name: str = "auto", local_rank: int = 0) -> torch.device:
    """The device called `name`; raises InputError if this machine does not have it."""
    present = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if name == "auto":
        name = next(kind for kind, here in present.items() if here)
    if name not in present:
        raise InputError(f"--device {name}: choose one of {', '.join(CHOICES)}")
    if not present[name]:
        have = ", ".join(kind for kind, here in present.items() if here)
        raise InputError(f"--device {name}: not on this machine, which has: {have}")
    if name != "cuda":
        return torch.device(name)
    count = torch.cuda.device_count()
    if local_rank >= count:
        raise InputError(
            f"process {local_rank + 1} of this machine has no GPU: there are {count}. "
            f"Start torchrun with --nproc-per-node={count}, or use --device cpu"
        )
    torch.cuda.set_device(local_rank)
    return torch.device(name, local_rank)


def describe_device(device: torch.device) -> str:
    """`cpu (2 threads)` or the name of the accelerator."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    if device.type == "cpu":
        return f"cpu ({torch.get_num_threads()} threads)"
    return device.type
