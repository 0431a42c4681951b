# ruff: noqa: E501  (one attack a line)
"""What the gate refuses, with a reason that a mind can repair its source by."""

from __future__ import annotations

import inspect
import time

import pytest

from batos.errors import SourceRefused
from batos.sandbox import policy
from batos.sandbox.policy import check, compile_method


def body(*lines: str, parameters: str = "") -> str:
    return "\n    ".join([f"def method(self{parameters}):", *lines])


def finally_bomb(depth: int) -> str:
    """Return a method whose bytecode doubles with each level."""
    lines = ["def method(self):"]
    for level in range(depth):
        lines += ["  " * (level + 1) + "try: pass", "  " * (level + 1) + "finally:"]
    return "\n".join([*lines, "  " * (depth + 1) + "pass"])


# name: (source, a part of the reason)
REFUSED = {
    # statements
    "class": (body("class A: pass"), "a class is not allowed"),
    "class with metaclass": (body("class A(metaclass=self.x): pass"), "a class is not allowed"),
    "global": (body("global x", "x = 1"), "global is not allowed"),
    "global guard": (body("global _getattr_", "_getattr_ = getattr"), "global is not allowed"),
    "yield": (body("yield 1"), "yield is not allowed"),
    "yield from": (body("yield from self.x"), "yield is not allowed"),
    "yield frame": (body("g = (yield)", "return g.gi_frame"), "yield is not allowed"),
    "with": (body("with self.x as y: pass"), "with is not allowed"),
    "await": ("async def method(self):\n    await self.x", "write one def"),
    "async inside": (body("async def f(): pass"), "async is not allowed"),
    "async comprehension": (body("return [x async for x in self.x]"), "line 2"),
    "match": (body("match self.x:", "    case 1: pass"), "match is not allowed"),
    "match captures a guard": (body("match self.x:", "    case _write_: pass"), "match is not allowed"),
    "decorator": ("@staticmethod\ndef method(self): pass", "a decorator is not allowed"),
    "decorator inside": (body("@self.x", "def f(): pass"), "a decorator is not allowed"),
    "bare except": (body("try: pass", "except: pass"), "a bare except is not allowed"),
    "except star": (body("try: pass", "except* ValueError: pass"), "except* is not allowed"),
    "return in finally": (body("try: pass", "finally: return 1"), "a jump out of finally"),
    "break in finally": (body("while 1:", "    try: pass", "    finally: break"), "a jump out of finally"),
    "continue in finally": (body("while 1:", "    try: pass", "    finally: continue"), "a jump out of finally"),
    "compile bomb": (finally_bomb(5), "try inside finally"),
    "deep compile bomb": (finally_bomb(18), "try inside finally"),
    # shape
    "no def": ("x = 1", "write one def"),
    "two defs": ("def a(self): pass\ndef b(self): pass", "line 2: write one def"),
    "code after": ("def a(self): pass\na(1)", "line 2: write one def"),
    "lambda": ("f = lambda self: 1", "write one def"),
    "nothing": ("", "write one def"),
    "no self": ("def method(x): pass", "the first parameter must be self"),
    "no parameters": ("def method(): pass", "the first parameter must be self"),
    "self by star": ("def method(*self): pass", "the first parameter must be self"),
    "no Python": ("def method(self:", "line 1: not Python"),
    "prose": ("Sure! Here is the method.", "line 1: not Python"),
    "mutable default": (body("pass", parameters=", x=[]"), "a default must be a constant"),
    "default that calls": (body("pass", parameters=", x=print(1)"), "a default must be a constant"),
    "keyword default that calls": (body("pass", parameters=", *, x=len('')"), "a default must be a constant"),
    "default that is a lambda": (body("pass", parameters=", x=lambda: 1"), "a default must be a constant"),
    "default that fails": (body("pass", parameters=", x=-'a'"), "a default must be a constant"),
    "default that fails otherwise": (body("pass", parameters=", x=~1.5"), "a default must be a constant"),
    "default that reads": (body("pass", parameters=", x=str.join"), "a default must be a constant"),
    "calls itself as a function": ("def fact(self, n):\n    return n * fact(n - 1)", "write self.fact(...)"),
    "long": (body("x = 1  # " + "x" * 8_000), "longer than 8,000"),
    "large": (body("return [" + "1," * 1_600 + "]"), "more than 1,500"),
    "deep": (body("return " + "[" * 60 + "]" * 60), "nested"),
    "very deep": (body("return " + "-" * 5_000 + "1"), "line 1"),
    "deep parentheses": (body("return " + "(" * 300 + ")" * 300), "line"),
    "null": (body("return '\0'"), "write \\x00 in its place"),
    "right to left": (body("return 'a\u202eb'"), "write \\u202e in its place"),
    "zero width": (body("x\u200b = 1"), "write \\u200b in its place"),
    "line separator": (body("return 'a\u2028b'"), "write \\u2028 in its place"),
    "private use": (body("return '\ue000'"), "write \\ue000 in its place"),
    "surrogate": (body("return '\ud800'"), "an invisible character"),
    # names
    "builtins": (body("return __builtins__"), "begins with _"),
    "import function": (body("return __import__('os')"), "begins with _"),
    "class cell": (body("return __class__"), "begins with _"),
    "debug": (body("__debug__ = 1"), "line 2"),
    "guard as a name": (body("return _getattr_(self, 'x')"), "begins with _"),
    "guard assigned": (body("_getattr_ = getattr"), "begins with _"),
    "guard by walrus": (body("return (_write_ := 1)"), "begins with _"),
    "guard as a parameter": (body("pass", parameters=", _getattr_"), "begins with _"),
    "guard as positional-only": (body("pass", parameters=", _getattr_, /"), "begins with _"),
    "guard as keyword-only": (body("pass", parameters=", *, _write_=1"), "begins with _"),
    "guard as star": (body("pass", parameters=", *_getitem_"), "begins with _"),
    "guard as double star": (body("pass", parameters=", **_getitem_"), "begins with _"),
    "guard in a lambda": (body("return lambda _getattr_: 1"), "begins with _"),
    "guard in a lambda, positional-only": (body("return lambda _getattr_, /: 1"), "begins with _"),
    "guard by for": (body("for _burn_ in [1]: pass"), "begins with _"),
    "guard by tuple": (body("a, (b, _burn_) = self.x"), "begins with _"),
    "guard by star target": (body("a, *_burn_ = self.x"), "begins with _"),
    "guard by comprehension": (body("return [1 for _burn_ in 'a']"), "begins with _"),
    "guard by import as": (body("import math as _write_"), "begins with _"),
    "guard by from as": (body("from math import sin as _write_"), "begins with _"),
    "guard by except as": (body("try: pass", "except ValueError as _getattr_: pass"), "begins with _"),
    "guard by nested def": (body("def _getattr_(o, n): return 1"), "begins with _"),
    "guard by nonlocal": (body("def f():", "    nonlocal _burn_"), "begins with _"),
    "guard deleted": (body("del _burn_"), "begins with _"),
    "guard by +=": (body("_burn_ += self.x"), "begins with _"),
    "guard annotated": (body("_burn_: int = 1"), "begins with _"),
    "guard in full width": (body("\uff3fgetattr\uff3f = 1"), "not Python"),
    "guard in mathematical letters": (body("_\U0001d420etattr_ = 1"), "'_getattr_' begins with _"),
    "attribute in mathematical letters": (body("return self.__\U0001d41class__"), "'__class__' is"),
    "magic def": (body("def __eq__(a, b): return True"), "begins with _"),
    "private selector": ("def _hidden(self): pass", "begins with _"),
    "print redirected": (body("print = self.x"), "the name 'print' is taken"),
    "printed": (body("return printed"), "unknown"),
    "open": (body("return open('canary')"), "a method has no files"),
    "exec": (body("exec('1')"), "unknown"),
    "eval": (body("eval('1')"), "unknown"),
    "compile": (body("compile('1', '', 'eval')"), "unknown"),
    "type": (body("return type(self)"), "use isinstance"),
    "three-argument type": (body("return type('A', (), {})"), "use isinstance"),
    "object": (body("return object()"), "unknown"),
    "super": (body("return super()"), "unknown"),
    "vars": (body("return vars(self)"), "unknown"),
    "dir": (body("return dir(self)"), "unknown"),
    "globals": (body("return globals()"), "unknown"),
    "locals": (body("return locals()"), "unknown"),
    "input": (body("return input()"), "take the value as a parameter"),
    "memoryview": (body("return memoryview(b'')"), "unknown"),
    "breakpoint": (body("breakpoint()"), "unknown"),
    "BaseException": (body("try: pass", "except BaseException: pass"), "unknown"),
    "KeyboardInterrupt": (body("raise KeyboardInterrupt"), "unknown"),
    "SystemExit": (body("raise SystemExit"), "unknown"),
    "GeneratorExit": (body("raise GeneratorExit"), "unknown"),
    "ExceptionGroup": (body("raise ExceptionGroup('', [])"), "unknown"),
    "function without its module": (body("return sqrt(2)"), "write math.sqrt"),
    "own name without its _": ("def fact_(self, n):\n    return n * fact(n - 1)", "write self.fact_(...)"),
    "misspelt": (body("return self.x + amonut"), "'amonut' is unknown"),
    # attributes
    "class of": (body("return self.__class__"), "'__class__' is Python's own"),
    "subclasses": (body("return ().__class__.__base__.__subclasses__()"), "Python's own"),
    "function globals": (body("return (lambda: 1).__globals__"), "Python's own"),
    "private slot": (body("return self._slots"), "'_slots' is Python's own"),
    "jar": (body("return self._p_jar"), "'_p_jar' is Python's own"),
    "private write": (body("self._slots = {}"), "'_slots' is Python's own"),
    "private +=": (body("self._sealed += 1"), "'_sealed' is Python's own"),
    "private delete": (body("del self._slots"), "'_slots' is Python's own"),
    "private annotated": (body("self._slots: dict = {}"), "'_slots' is Python's own"),
    "private in an f-string": (body("return f'{self._slots}'"), "'_slots' is Python's own"),
    "private in a format spec": (body("return f'{1:{self._slots}}'"), "'_slots' is Python's own"),
    "private in a comprehension target": (body("return [1 for self._x in 'a']"), "'_x' is Python's own"),
    "generator frame": (body("return (x for x in 'a').gi_frame.f_back"), "'gi_frame' is Python's own"),
    "traceback frame": (body("try: pass", "except ValueError as e: return e.__traceback__.tb_frame"), "Python's own"),
    "coroutine frame": (body("return self.x.cr_frame"), "'cr_frame' is Python's own"),
    "code": (body("return self.x.f_code"), "'f_code' is Python's own"),
    # imports
    "os": (body("import os"), "import of 'os' is not allowed"),
    "sys among others": (body("import math, sys"), "import of 'sys' is not allowed"),
    "submodule": (body("import collections.abc as c", "return c.sys"), "is not allowed"),
    "import before the def": ("import os\ndef method(self): pass", "import of 'os' is not allowed"),
    "from statistics": (body("from statistics import sys"), "has no 'sys' here"),
    "from re": (body("from re import enum"), "has no 'enum' here"),
    "from json": (body("from json import codecs"), "has no 'codecs' here"),
    "from json decoder": (body("from json.decoder import scanner"), "is not allowed"),
    "from random": (body("from random import SystemRandom"), "has no 'SystemRandom' here"),
    "from operator": (body("from operator import attrgetter"), "has no 'attrgetter' here"),
    "methodcaller": (body("from operator import methodcaller"), "has no 'methodcaller' here"),
    "from functools": (body("from functools import update_wrapper"), "has no 'update_wrapper' here"),
    "cached_property": (body("from functools import cached_property"), "has no 'cached_property' here"),
    "namedtuple": (body("from collections import namedtuple"), "has no 'namedtuple' here"),
    "Formatter": (body("from string import Formatter"), "has no 'Formatter' here"),
    "Template": (body("from string import Template"), "has no 'Template' here"),
    "star": (body("pass", "from math import *"), "line"),
    "relative": (body("from . import math"), "is not allowed"),
    "relative allowed name": (body("from .math import sin"), "is not allowed"),
    "builtins module": (body("import builtins"), "is not allowed"),
    "this package": (body("from batos.sandbox import guards"), "is not allowed"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_the_gate_refuses(name: str) -> None:
    source, expected = REFUSED[name]
    since = time.monotonic()

    with pytest.raises(SourceRefused) as refusal:
        check(source)

    assert any(expected in reason for reason in refusal.value.reasons)
    assert all(reason.startswith("line ") for reason in refusal.value.reasons)
    assert time.monotonic() - since < 2


def test_every_reason_is_told_at_once_with_its_line() -> None:
    source = body("import os", "x = undefined", "class A: pass", "return x._y")

    with pytest.raises(SourceRefused) as refusal:
        check(source)

    lines = [reason.split(":")[0] for reason in refusal.value.reasons]
    assert sorted(lines) == ["line 2", "line 3", "line 4", "line 5"]


def test_checking_tells_name_and_parameters() -> None:
    checked = check(
        "def move(self, x, /, y=0, *rest, fast=False, **more) -> int:\n    return x"
    )

    assert checked.name == "move"
    assert checked.parameters == ("x", "y", "*rest", "fast", "**more")


def test_nothing_runs_at_the_definition() -> None:
    source = "def method(self, x: print('no') = 1) -> exit():\n    return x"

    assert compile_method(source)(None) == 1


def test_a_compiled_method_keeps_its_name_signature_and_docstring() -> None:
    method = compile_method("import math\ndef area(self, r):\n    'Of a circle.'\n    return r")

    assert method.__name__ == "area"
    assert method.__doc__ == "Of a circle."
    assert str(inspect.signature(method)) == "(self, r)"


def test_source_is_compiled_once_for_each_version_of_the_policy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source = body("return 1  # once")
    first = compile_method(source)

    assert compile_method(source) is first
    monkeypatch.setattr(policy, "POLICY_VERSION", policy.POLICY_VERSION + 1)
    assert compile_method(source) is not first


@pytest.mark.parametrize(
    "line", [r"return '\d'", "return 1 is 1", "return 1()", "return ''[0,]"]
)
def test_what_the_compiler_finds_odd_is_not_told_to_the_terminal(line: str) -> None:
    check(body(line))  # a warning would be an error here


def test_indented_source_is_read_where_it_starts() -> None:
    assert compile_method("    def method(self):\n        return 2\n")(None) == 2


def test_what_typing_gives_is_for_annotations_only() -> None:
    with pytest.raises(SourceRefused, match="'cast' is unknown"):
        check(body("from typing import cast", "return cast(int, 1)"))
