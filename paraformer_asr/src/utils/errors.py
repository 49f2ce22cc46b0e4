# pattern: utils/errors.py -- the same in every sub-project; edit one, then: python -m tools.copies sync utils/errors.py --from <sub-project>
"""The ways in which a command ends badly; `utils.cli` gives the exit codes."""


class InputError(ValueError):
    """The user gave something wrong; exit code 2. Says what, where, what to do."""


class FaultError(RuntimeError):
    """Something failed that nobody typed: disk, memory, a worker; exit code 1."""


class DivergedError(ArithmeticError):
    """The loss or a gradient stopped being a finite number; exit code 3."""
