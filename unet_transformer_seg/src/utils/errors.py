# pattern: utils/errors.py -- the same in every sub-project; edit one, then: python -m tools.copies sync utils/errors.py --from <sub-project>
"""The two ways in which a command ends badly without being at fault itself."""


class InputError(ValueError):
    """Something the user gave is wrong: one sentence that says what, where and what to do.

    The command line prints the sentence without a traceback and exits with 2.
    """


class DivergedError(ArithmeticError):
    """The loss or a gradient stopped being a finite number; exit code 3."""
