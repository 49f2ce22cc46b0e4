import ast

import pytest

from tools.projects import WorkspaceError
from tools.stripping import function_text, put_function, strip


TEXT = b'''import math\r
\r
\r
@decorated(1)  # why\r
def whole(\r
    x: int,\r
) -> int:  # after the signature\r
    """Says it.\r
\r
    In words.\r
    """\r
\r
    # a first word\r
    y = \xc3\xa9 + x  # unusual   \r
    return (\r
        y\r
    )  # the end\r
    # a last word\r
\r
\r
# of the module\r
def line(x): return x * 2\r
class Deep:\r
    class Inner:\r
        @property\r
        def value(self):\r
            if 1:\r
                return 2\r
    other = 3\r
\r
\r
def last():\r
    @wraps\r
    def inner():\r
        pass\r
    return inner'''
RAISE = 'raise NotImplementedError("exercise: m.{}")'


def diff(name):
    """(what is gone, what is new) from the first to the last byte that differ."""
    new = strip(TEXT, name, f"m.{name}")
    assert ast.parse(new)
    inserted = RAISE.format(name).encode()
    start = new.index(inserted)
    assert TEXT[:start] == new[:start]
    rest = new[start + len(inserted) :]
    assert TEXT.endswith(rest)
    return TEXT[start : len(TEXT) - len(rest)].decode()


@pytest.mark.spec("WSP-211", "every other byte of the file stays")
@pytest.mark.parametrize(
    "name, start, end",
    [
        ("whole", "# a first word", "# a last word"),
        ("line", "return x * 2", "return x * 2"),
        ("Deep.Inner.value", "if 1:", "return 2"),
        ("last", "@wraps", "return inner"),
    ],
)
def test_only_the_body_goes(name, start, end):
    gone = diff(name)
    assert gone.startswith(start) and gone.endswith(end)


@pytest.mark.spec("WSP-211", "what can be no exercise is named")
@pytest.mark.parametrize(
    "text, name, sentence",
    [
        ("class A:\n    def f(self):\n        return 1\n", "A", "is a class.*are: f"),
        (
            "def f():\n    def g():\n        pass\n    return g\n",
            "g",
            "inside a function",
        ),
        ("def f():\n    return 1\ndef f():\n    return 2\n", "f", "lines 1, 3"),
        ("def f():\n    return 1\n", "g", "m.g is not defined"),
        ("f = lambda: 1\n", "f", "m.f is not defined"),
        ('def f():\n    """Only words."""\n', "f", "no body"),
        ("def f():\n    raise NotImplementedError\n", "f", "no body"),
        ("def f(:\n", "f", "is not Python: line 1"),
    ],
)
def test_what_can_be_no_exercise(text, name, sentence):
    with pytest.raises(WorkspaceError, match=sentence):
        strip(text.encode(), name, f"m.{name}")


@pytest.mark.parametrize("name", ["whole", "Deep.Inner.value", "last"])
def test_a_function_that_is_put_back_makes_the_file_whole(name):
    old = function_text(TEXT, name, name)
    assert put_function(strip(TEXT, name, name), old, name, name) == TEXT.replace(
        b"    # a last word\r\n", b"" if name == "whole" else b"    # a last word\r\n"
    )
