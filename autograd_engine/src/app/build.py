"""All panels of the page, and what a saved page holds of them."""

from collections.abc import Iterator
from pathlib import Path

from .checkpoints import newest_checkpoint
from .digits import Digits
from .page import Page, Question
from .playground import Playground, recordings
from .sandbox import Sandbox
from .stepper import Stepper


def build(checkpoint: Path | None = None) -> Page:
    """The page of a checkpoint, by default the newest; raises InputError."""
    checkpoint = checkpoint or newest_checkpoint()
    digits = Digits(checkpoint)
    playground = Playground()
    stepper, sandbox = Stepper(), Sandbox()

    def exported() -> Iterator[Question]:
        yield from digits.exported()
        yield from recordings()
        yield from stepper.exported()
        yield from sandbox.exported()

    return Page(
        title="Three engines for automatic differentiation",
        subtitle=f"{checkpoint}" if checkpoint else "no checkpoint",
        calls={
            "digits/start": digits.start,
            "digits/open": digits.open,
            "digits/predict": digits.predict,
            "playground/start": playground.start,
            "playground/begin": playground.begin,
            "playground/advance": playground.advance,
            "playground/cost": playground.cost,
            "stepper/start": stepper.start,
            "stepper/expression": stepper.expression,
            "stepper/network": stepper.network,
            "stepper/given": stepper.given,
            "sandbox/start": sandbox.start,
            "sandbox/chain": sandbox.chain,
            "sandbox/broadcast": sandbox.broadcast,
        },
        streams={"playground/record": playground.record},
        exported=exported,
    )
