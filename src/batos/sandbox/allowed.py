"""What generated source may name and read: allow-lists, by exact type.

An attribute is readable when the exact type of the value has it in a list here; a list may
put a bounded function in the place of Python's own. Nothing here decides anything: the
guards do.
"""

from __future__ import annotations

import builtins
import collections
import datetime
import re
import time
from collections.abc import Callable, Mapping
from typing import Any

from persistent.list import PersistentList
from persistent.mapping import PersistentMapping

from batos.kernel.message import Message
from batos.kernel.shared import Counter, Queue
from batos.kernel.values import ATOMS, PersistentSet
from batos.sandbox import containers, iterators, kinds, operators, texts
from batos.sandbox.meter import METER
from batos.sandbox.namespaces import members

# What an attribute is: None for Python's own, or what is bound in its place.

Rules = Mapping[str, Callable[..., Any] | None]


# --- builtins ------------------------------------------------------------------------------


def _print(*_values: object, **_options: object) -> None:
    """Nothing is printed; it costs a step."""
    METER.burn()


def _repr(value: object) -> str:
    containers.weigh(value)
    METER.allocate(str, 2 * texts.length(value))
    return repr(value)


# The guards add those that read, write or import.
BUILTINS: Mapping[str, Any] = members(
    builtins,
    "None True False Ellipsis abs bin bool callable chr complex dict divmod float"
    " frozenset hex issubclass len list next oct ord reversed set tuple"
    " ArithmeticError AssertionError AttributeError Exception FloatingPointError IndexError"
    " KeyError LookupError MemoryError NameError NotImplementedError OverflowError"
    " RecursionError RuntimeError StopIteration TypeError UnicodeError ValueError"
    " ZeroDivisionError",
    **{
        name: iterators.charging(getattr(builtins, name))
        for name in ("all", "any", "max", "min", "sorted")
    },
    **{
        name: iterators.linked(getattr(builtins, name))
        for name in ("enumerate", "filter", "map", "zip")
    },
    format=texts.form,
    int=kinds.Integer,
    iter=iterators.first_of,
    pow=operators.power,
    print=_print,
    repr=_repr,
    range=operators.span,
    round=operators.rounded,
    slice=operators.part,
    str=kinds.Text,
    sum=iterators.total,
)


# --- attributes ----------------------------------------------------------------------------


def _public(kind: type, *without: str, **bounded: Callable[..., Any]) -> Rules:
    rules: dict[str, Callable[..., Any] | None] = dict.fromkeys(
        name for name in dir(kind) if not name.startswith("_") and name not in without
    )
    return rules | bounded


def _only(names: str) -> Rules:
    return dict.fromkeys(names.split())


def _moment(kind: type) -> Rules:
    bounded = {"strftime": texts.moment_as_text}
    for name in ("timetuple", "utctimetuple"):
        if hasattr(kind, name):
            bounded[name] = operators.from_here(getattr(kind, name))
    return _public(kind, "now", "strptime", "today", "utcnow", **bounded)


_DAY = datetime.date(2000, 1, 1)
_TEXT_RULES: dict[str, Callable[..., Any]] = {
    **{name: texts.padded(name) for name in ("center", "ljust", "rjust", "zfill")},
    "expandtabs": texts.expand_tabs,
    "join": texts.join,
    "replace": texts.replace,
    "translate": texts.translate,
}
_PATTERN_RULES = {name: texts.pattern_substitute(name) for name in ("sub", "subn")}
_VIEWS: tuple[type, ...] = (type({}.keys()), type({}.values()), type({}.items()))

ATTRIBUTES: Mapping[type, Rules] = {
    **{kind: _public(kind) for kind in (*ATOMS, dict, tuple, set, frozenset, range, slice)},
    **{kind: _public(kind, "mapping") for kind in _VIEWS},
    **{kind: _moment(kind) for kind in (datetime.date, datetime.datetime, datetime.time)},
    **{kind: _public(kind) for kind in (time.struct_time, type(_DAY.isocalendar()))},
    **{kind: _public(kind, "from_bytes", to_bytes=operators.to_bytes) for kind in (bool, int)},
    str: _public(str, "format", "format_map", encode=texts.encode, **_TEXT_RULES),
    bytes: _public(bytes, decode=texts.decode, **_TEXT_RULES),
    list: _public(list, extend=containers.extend),
    collections.deque: _public(
        collections.deque, extend=containers.extend, extendleft=containers.extend_left
    ),
    collections.Counter: _public(
        collections.Counter, elements=iterators.fueled(collections.Counter.elements)
    ),
    collections.defaultdict: _public(collections.defaultdict),
    collections.OrderedDict: _public(collections.OrderedDict),
    re.Pattern: _public(re.Pattern, "scanner", **_PATTERN_RULES),
    re.Match: _public(re.Match, expand=texts.expand),
    PersistentList: _public(
        PersistentList,
        "data",
        append=containers.entering("append"),
        extend=containers.stored_extend,
        insert=containers.entering("insert", 1),
    ),
    PersistentMapping: _public(
        PersistentMapping,
        "data",
        "fromkeys",
        setdefault=containers.stored_default,
        update=containers.stored_update,
    ),
    PersistentSet: _public(
        PersistentSet,
        add=containers.entering("add"),
        union=containers.stored_union,
        update=containers.stored_insert,
    ),
    Counter: _only("change value"),
    Queue: {"put": containers.entering("put"), "take": None},
    Message: _only("selector args keywords arity"),
    iterators.Chain: _only("from_iterable"),
}

# Attributes of types themselves: `str.lower` as a key, `datetime.now`.
CLASS_ATTRIBUTES: Mapping[type, Rules] = {
    kinds.Text: {name: rule and texts.of_text(rule) for name, rule in ATTRIBUTES[str].items()},
    dict: _only("fromkeys get items keys values"),
    float: _only("fromhex"),
    datetime.datetime: {
        **_only("combine fromisoformat fromtimestamp max min now"),
        "strptime": operators.from_here(datetime.datetime.strptime),
        "today": operators.from_here(datetime.datetime.today),
    },
    datetime.date: {
        **_only("fromisoformat max min"),
        "today": operators.from_here(datetime.date.today),
    },
    datetime.time: _only("fromisoformat max min"),
    datetime.timezone: _only("utc"),
    collections.OrderedDict: _only("fromkeys"),
}

# Types whose items may be read, and written.
INDEXED: frozenset[type] = frozenset(
    {
        *(list, dict, tuple, str, bytes, range, re.Match),
        *(collections.deque, collections.Counter, collections.defaultdict),
        *(collections.OrderedDict, PersistentList, PersistentMapping),
    }
)
WRITTEN: frozenset[type] = frozenset(
    {
        *(list, dict, collections.deque, collections.Counter),
        *(collections.defaultdict, collections.OrderedDict),
    }
)
