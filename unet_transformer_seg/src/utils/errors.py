# pattern: utils/errors.py -- the same in every sub-project; edit one, then: python -m tools.copies sync utils/errors.py --from <sub-project>
"""The ways in which a command ends badly; `utils.cli` turns each into a sentence and an exit code."""


class InputError(ValueError):
    """Something the user gave is wrong; exit code 2. The text says what, where, what to do."""


class FaultError(RuntimeError):
    """Something outside the command line failed (disk, memory, a worker); exit code 1."""


class DivergedError(ArithmeticError):
    """The loss or a gradient stopped being a finite number; exit code 3."""
