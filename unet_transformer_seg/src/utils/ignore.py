"""The mark of a pixel that nobody judges."""

IGNORE_INDEX = 255
"""Target value of a pixel that counts in no loss and no metric."""
