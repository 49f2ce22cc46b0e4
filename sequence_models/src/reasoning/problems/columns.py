"""Sums and products in columns, least digit first: "digit carry,...=result"."""

import re


def add_columns(first: int, second: int, columns: int, width: int) -> str:
    """27 + 58 in two columns, the result three wide: "51,80=085"."""
    return _write(
        [first // 10**k % 10 + second // 10**k % 10 for k in range(columns)],
        f"{first + second:0{width}}",
    )


def multiply_columns(number: int, digit: int, columns: int) -> str:
    """47 * 6 in two columns, the result three wide: "24,82=282"."""
    return _write(
        [number // 10**k % 10 * digit for k in range(columns)],
        f"{number * digit:0{columns + 1}}",
    )


def read_result(response: str, width: int) -> str | None:
    """What follows the last "=", if that is `width` digits."""
    _, mark, result = response.rpartition("=")
    return result if mark and re.fullmatch(f"[0-9]{{{width}}}", result) else None


def _write(values: list[int], result: str) -> str:
    """The digit and the carry of each column's value, with the carry before it."""
    carry, steps = 0, []
    for value in values:
        carry, digit = divmod(value + carry, 10)
        steps.append(f"{digit}{carry}")
    return ",".join(steps) + "=" + result
