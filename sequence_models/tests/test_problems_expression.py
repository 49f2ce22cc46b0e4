"""The parser of expressions against Python's own, and what it refuses."""

import ast
import operator
import re
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.reasoning.problems.expression import (
    DEEPEST,
    LONGEST,
    ExpressionError,
    read_expression,
)


OPERATORS = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


def pythons(text: str) -> tuple[Fraction | None, list[int]]:
    """Value (None: divided by zero) and numbers by Python's own grammar.

    Which has no 007.
    """
    text = re.sub(r"(?<![0-9])0+(?=[0-9])", "", text)
    numbers: list[int] = []

    def work(node: ast.AST) -> Fraction:
        if isinstance(node, ast.Constant):
            numbers.append(node.value)
            return Fraction(node.value)
        left, right = work(node.left), work(node.right)
        return OPERATORS[type(node.op)](left, right)

    try:
        return work(ast.parse(text, mode="eval").body), numbers
    except ZeroDivisionError:
        return None, numbers


spaces = st.sampled_from(["", "", " ", "  "])
numbers = st.integers(0, 999).map(str)
expressions = st.recursive(
    numbers,
    lambda inner: st.one_of(
        st.tuples(inner, spaces, st.sampled_from("+-*/"), spaces, inner).map("".join),
        st.tuples(st.just("("), spaces, inner, spaces, st.just(")")).map("".join),
    ),
    max_leaves=12,
)


@pytest.mark.spec("SEQ-187", "the value that Python gives")
@given(expressions)
def test_the_value_is_that_of_python(text):
    value, used = pythons(text)
    if value is None:
        with pytest.raises(ExpressionError, match="division by zero"):
            read_expression(text)
    else:
        assert read_expression(text) == (value, used)


@pytest.mark.spec("SEQ-187", "the value that Python gives")
@pytest.mark.parametrize(
    "text",
    [
        "8-3-2",
        "64/4/2",
        "2+3*4",
        "(2+3)*4",
        "7-(3-2)",
        "8/(4/2)",
        "2*3-4*5",
        "1/3*3",
        "2-5",
        "0/7",
        "10 - 2 * (3 + 1)",
        "((7))",
    ],
)
def test_operators_bind_as_in_python(text):
    assert read_expression(text) == pythons(text)
    assert read_expression(text).value == pytest.approx(eval(text))


@pytest.mark.spec("SEQ-187", "Anything else is refused")
@pytest.mark.parametrize(
    "text, words",
    [
        ("", "'' where a number"),
        ("   ", "where a number"),
        ("1 +", "'' where a number"),
        ("+1", "'\\+' where a number"),
        ("-1", "'-' where a number"),
        ("1 2", "'2' where the expression should end"),
        ("1)", "'\\)' where the expression should end"),
        ("(1", "not closed"),
        ("()", "'\\)' where a number"),
        ("2(3)", "'\\(' where the expression should end"),
        ("2**3", "'\\*' where a number"),
        ("7//2", "'/' where a number"),
        ("7%2", "'%' is not understood"),
        ("1.5", "'.' is not understood"),
        ("1e3", "'e' is not understood"),
        ("1_0", "'_' is not understood"),
        ("1\n+2", "is not understood"),
        ("1\n", "is not understood"),
        ("\t1", "is not understood"),
        ("nan", "'n' is not understood"),
        ("\u0661+1", "is not understood"),
        ("1+\uff11", "is not understood"),
        ("\xb2", "is not understood"),
        ("1/0", "division by zero"),
        ("1/(2-2)", "division by zero"),
        ("__import__('os')", "'_' is not understood"),
    ],
)
def test_what_is_no_expression_is_refused(text, words):
    with pytest.raises(ExpressionError, match=words):
        read_expression(text)


@pytest.mark.spec("SEQ-187", "Anything else is refused")
@given(st.text("0123456789+-*/() .e\u0661", max_size=12))
def test_any_text_has_a_value_or_is_refused(text):
    try:
        found = read_expression(text)
    except ExpressionError:
        return
    assert found == pythons(text.strip(" "))


@pytest.mark.spec("SEQ-187", "length and depth are limited")
def test_length_and_depth_are_limited():
    deepest = "(" * DEEPEST + "1" + ")" * DEEPEST
    assert read_expression(deepest).value == 1
    assert read_expression(deepest + "+" + deepest).value == 2
    with pytest.raises(ExpressionError, match="more than 50 parentheses"):
        read_expression(f"({deepest})")
    assert read_expression("9" * LONGEST).value == 10**LONGEST - 1
    for long in ("9" * (LONGEST + 1), "(" * 10**6, " " * 10**6):
        with pytest.raises(ExpressionError, match="at most 1000 are read"):
            read_expression(long)
