"""Text whose length is bounded before it is made: formats, padding, joins, replacements.

`'%999999999d' % 1` and `text.ljust(10**10)` are one short line each. Codecs are a list,
because looking one up by name imports a module. A pattern that backtracks for ever is not
found here: `re` asks for signals while it matches, so the clock ends it, on the main
thread; elsewhere only the jail does.
"""

from __future__ import annotations

import datetime
import functools
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from persistent.mapping import PersistentMapping

from batos.sandbox.meter import MAX_ITEMS, METER

_CODECS = frozenset({"utf-8", "utf8", "ascii", "latin-1", "latin1", "utf-16", "utf-32"})
_MAX_TEMPLATE = 10_000  # characters in a format
_NUMBER = re.compile(r"[0-9]+")
_EACH_CHARACTERS = 256  # what a replacement costs beside its own length: one step
_STAR = re.compile(r"%(?:\(.*\))?[^a-zA-Z%]*\*", re.DOTALL)
_CONVERSIONS: Mapping[str, Callable[[object], str]] = {"s": str, "r": repr, "a": ascii}


# --- formats -------------------------------------------------------------------------------


def modulo(a: Any, b: Any) -> Any:
    """`%`, which formats when its left side is text."""
    kind = type(a)
    if kind is not int and (kind is str or kind is bytes):
        _check_template(a if isinstance(a, str) else a.decode("latin-1"), b)
    return a % b


def form(value: Any, spec: str = "", conversion: str = "") -> str:
    """`format`, after the conversion of an f-string."""
    if spec:
        _check_spec(spec)
        _check_zone(value, spec)
    if conversion:
        value = _CONVERSIONS[conversion](value)
    return format(value, spec)


def concatenate(*parts: str) -> str:
    """What an f-string does with its parts."""
    METER.allocate(str, sum(map(len, parts)))
    return "".join(parts)


def moment_as_text(moment: Any, template: str) -> str:
    """`strftime`, which takes widths too."""
    _check_spec(template)
    _check_zone(moment, template)
    text: str = moment.strftime(template)
    return text


def _check_template(template: str, values: object) -> None:
    if len(template) > _MAX_TEMPLATE:
        raise OverflowError(f"a format of more than {_MAX_TEMPLATE:,} characters")
    if _STAR.search(template):
        raise OverflowError("a width in a format must be a number, not *")
    longest = max(map(length, _parts(values)), default=0)
    widest = max(_numbers(template), default=0)
    METER.allocate(str, template.count("%") * max(longest, widest))


def _check_spec(spec: str) -> None:
    if len(spec) > _MAX_TEMPLATE or sum(_numbers(spec)) > _MAX_TEMPLATE:
        raise OverflowError(f"a format of more than {_MAX_TEMPLATE:,} characters")


def _check_zone(moment: object, template: str) -> None:
    """Pay for the names of time zones: a method may give one a million characters."""
    if isinstance(moment, datetime.datetime | datetime.time):
        METER.allocate(str, template.count("%") * length(moment.tzname()))


def _numbers(template: str) -> Iterable[int]:
    return [int(digits[:9]) for digits in _NUMBER.findall(template)]


def _parts(values: object) -> Iterable[object]:
    if isinstance(values, dict | PersistentMapping):
        return list(values.values())
    return values if type(values) is tuple else (values,)


def length(value: object) -> int:
    """Return the length of text, or 0."""
    return len(value) if isinstance(value, str | bytes) else 0


# --- methods of text; the first parameter is the text --------------------------------------


def of_text(method: Callable[..., Any]) -> Callable[..., Any]:
    """Return a method of `str` as a function, as in `map(str.strip, lines)`.

    It takes text only: of anything else it would read attributes that no guard has seen.
    """

    @functools.wraps(method)
    def call(text: str, *args: Any, **keywords: Any) -> Any:
        if type(text) is not str:
            raise TypeError(f"a method of str takes a str, not {type(text).__name__}")
        return method(text, *args, **keywords)

    return call


def padded(name: str) -> Callable[..., Any]:
    """Return the method `name`, which makes a text as long as it is told."""

    def pad(text: Any, width: int, *fill: Any) -> Any:
        METER.allocate(str, width)
        return getattr(text, name)(width, *fill)

    return pad


def expand_tabs(text: Any, tabsize: int = 8) -> Any:
    METER.allocate(str, len(text) + text.count("\t" if type(text) is str else b"\t") * tabsize)
    return text.expandtabs(tabsize)


def replace(text: Any, old: Any, new: Any, count: int = -1) -> Any:
    found = text.count(old)
    METER.allocate(str, len(text) + found * max(0, len(new) - len(old)))
    return text.replace(old, new, count)


def join(separator: Any, items: Iterable[Any]) -> Any:
    parts = items if type(items) in (list, tuple) else list(items)
    try:
        length = sum(map(len, parts)) + len(separator) * len(parts)  # type: ignore[arg-type]
    except TypeError:
        length = 0  # not all are text: join itself says so best
    METER.allocate(str, length)
    return separator.join(parts)


def translate(text: Any, table: dict[int, Any]) -> Any:
    if type(table) is not dict:
        raise TypeError("translate takes a dict, as str.maketrans makes it")
    longest = max(map(length, table.values()), default=1)
    METER.allocate(str, len(text) * max(longest, 1))
    return text.translate(table)


def encode(text: str, encoding: str = "utf-8", errors: str = "strict") -> bytes:
    METER.allocate(bytes, 4 * len(text))
    return text.encode(codec(encoding), errors)


def decode(data: bytes, encoding: str = "utf-8", errors: str = "strict") -> str:
    return data.decode(codec(encoding), errors)


def codec(name: str) -> str:
    """Return the name of a codec that is on the list.

    Raises:
        LookupError: It is not.
    """
    if name.lower() not in _CODECS:
        raise LookupError(f"unknown encoding {name!r}: use one of {', '.join(sorted(_CODECS))}")
    return name


def escape(pattern: str) -> str:
    """`re.escape`, which may double a text."""
    METER.allocate(str, 2 * len(pattern))
    return re.escape(pattern)


# --- patterns ------------------------------------------------------------------------------


def substitute(name: str) -> Callable[..., Any]:
    """Return `re.sub` or `re.subn`."""
    function = getattr(re, name)

    def call(pattern: Any, repl: Any, string: Any, count: int = 0, flags: int = 0) -> Any:
        return function(pattern, _paid(repl, string), string, count, flags)

    return call


def pattern_substitute(name: str) -> Callable[..., Any]:
    """Return `sub` or `subn` of a compiled pattern."""

    def call(pattern: re.Pattern[Any], repl: Any, string: Any, count: int = 0) -> Any:
        return getattr(pattern, name)(_paid(repl, string), string, count)

    return call


def expand(match: re.Match[Any], template: Any) -> Any:
    _check_expansion(template, match.string)
    return _pay(match.expand(template))


def _paid(repl: Any, string: object) -> Any:
    """Return a replacement that pays for each text that it makes.

    A template may repeat a group, and a function may answer the same long text each time.
    """
    if callable(repl):
        return lambda match: _pay(repl(match))
    if (type(repl) is str and "\\" in repl) or (type(repl) is bytes and b"\\" in repl):
        return lambda match: expand(match, repl)
    _check_expansion(repl, string)
    return repl


def _pay(text: Any) -> Any:
    METER.allocate(str, length(text) + _EACH_CHARACTERS)
    return text


def _check_expansion(repl: object, string: object) -> None:
    if length(repl) * (length(string) + 1) > MAX_ITEMS * 10:
        raise OverflowError("a replacement that would make the text far too long")
