"""python -m tests.screenshots: the pictures of the pages in README.md.

Needs Chromium, playwright and the demo's checkpoint (scripts/train.py --config
configs/toy_grammar.yaml).
"""

from pathlib import Path

import torch

from src.app.build import build
from src.app.tiny_training import STEPS
from tests.browser import wait_for
from tests.photographs import take


def cut(tab) -> None:
    """A sharper distribution, with two filters that cut."""
    tab.fill("#sampler-prompt", "It was a ")
    wait_for(tab, lambda: tab.locator("#sampler-text .piece").count() == 9)
    for name, value in {"temperature": 0.8, "top_k": 20, "top_p": 0.9}.items():
        tab.fill(f"#sampler-{name}", str(value))


def look_back(tab) -> None:
    """A head of the second layer."""
    tab.select_option("#attention-layer", "1")
    tab.select_option("#attention-head", "2")
    wait_for(tab, lambda: "layer 2, head 3" in tab.inner_text("#attention-figures"))


def count_letters(tab) -> None:
    """The tiny LSTM after its training, and a unit that knows where it is."""
    tab.click("#gates-train")
    for stage in STEPS:  # each has its time: a busy machine needs minutes for them all
        wait_for(tab, lambda stage=stage: int(tab.input_value("#gates-steps")) >= stage)
    tab.select_option("#gates-quantity", "c")
    tab.select_option("#gates-order", label="what follows place in the sentence")
    tab.locator("#gates-units").click(position={"x": 3, "y": 1})


if __name__ == "__main__":
    torch.set_num_threads(1)
    take(
        build,
        {
            "sampler": ("sampler", cut, 900),
            "attention": ("attention", look_back, 900),
            "gates": ("gates", count_letters, 1240),
        },
        Path(__file__).parents[1] / "docs" / "pictures",
    )
