"""Arithmetic read by recursive descent: exact, bounded, and without `eval`.

    sum     = product {("+" | "-") product}
    product = atom {("*" | "/") atom}
    atom    = whole number | "(" sum ")"

Spaces may stand between tokens. Digits are 0 to 9 and nothing else that Unicode calls a
digit. Length and depth are limited, so any text is refused or read in bounded time.
"""

import re
from fractions import Fraction
from typing import NamedTuple


LONGEST = 1000  # characters
DEEPEST = 50  # parentheses in parentheses
TOKEN = re.compile(r" *([0-9]+|[-+*/()])")


class ExpressionError(ValueError):
    """A text that is no expression, or one that cannot be worked out."""


class Expression(NamedTuple):
    value: Fraction
    numbers: list[int]
    """The whole numbers in it, from left to right."""


def read_expression(text: str) -> Expression:
    """The value of `text` and its numbers; raises ExpressionError."""
    tokens = _Tokens(text)
    value = _sum(tokens, 0)
    if tokens.next:
        raise ExpressionError(f"{tokens.next!r} where the expression should end")
    return Expression(value, tokens.numbers)


def _sum(tokens: "_Tokens", depth: int) -> Fraction:
    value = _product(tokens, depth)
    while tokens.next in ("+", "-"):
        sign = 1 if tokens.take() == "+" else -1
        value += sign * _product(tokens, depth)
    return value


def _product(tokens: "_Tokens", depth: int) -> Fraction:
    value = _atom(tokens, depth)
    while tokens.next in ("*", "/"):
        if tokens.take() == "*":
            value *= _atom(tokens, depth)
        elif divisor := _atom(tokens, depth):
            value /= divisor
        else:
            raise ExpressionError("division by zero")
    return value


def _atom(tokens: "_Tokens", depth: int) -> Fraction:
    token = tokens.take()
    if token.isdigit():
        tokens.numbers.append(int(token))
        return Fraction(tokens.numbers[-1])
    if token != "(":
        raise ExpressionError(f"{token!r} where a number or ( should be")
    if depth == DEEPEST:
        raise ExpressionError(f"more than {DEEPEST} parentheses in one another")
    value = _sum(tokens, depth + 1)
    if tokens.take() != ")":
        raise ExpressionError("a parenthesis is not closed")
    return value


class _Tokens:
    """The tokens of a text one after another; `next` is "" at the end."""

    def __init__(self, text: str) -> None:
        if len(text) > LONGEST:
            raise ExpressionError(f"{len(text)} characters, at most {LONGEST} are read")
        self.numbers: list[int] = []
        self._text, self._at = text.rstrip(" "), 0
        self.take()

    def take(self) -> str:
        """The next token; steps to the one after it."""
        taken = getattr(self, "next", "")
        found = TOKEN.match(self._text, self._at)
        if found is None and self._at < len(self._text):
            raise ExpressionError(f"{self._text[self._at]!r} is not understood")
        self.next = found[1] if found else ""
        self._at = found.end() if found else self._at
        return taken
