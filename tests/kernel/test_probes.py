"""Looking at an object wakes no mind, whoever looks: what is done here sends no message."""

from __future__ import annotations

import asyncio
import collections.abc
import contextlib
import copy
import dataclasses
import functools
import inspect
import io
import json
import logging
import math
import operator
import os
import pickle
import pprint
import pydoc
import reprlib
import statistics
import traceback
import typing
import weakref
from collections.abc import Callable
from typing import Any
from unittest import mock

import IPython.core.completer
import IPython.core.formatters
import IPython.core.oinspect
import IPython.lib.pretty
import numpy as np
import pandas as pd
import pytest
import rich
import rich.console
import rich.pretty
import rich.table
import zope.interface
import zope.interface.verify

from batos.kernel.message import Message
from batos.kernel.uvm_object import UvmObject

display: Any = IPython.core.formatters.DisplayFormatter  # parts of IPython are not typed
complete: Any = IPython.core.completer.Completer
explain: Any = IPython.core.oinspect.Inspector
Heard = list[tuple[UvmObject, Message]]


class ICounter(zope.interface.Interface):  # type: ignore[misc]  # zope.interface is untyped
    count = zope.interface.Attribute("how many there are")


@typing.runtime_checkable
class Priced(typing.Protocol):
    price: int

    def reprice(self) -> None: ...


def raise_with_it(obj: object) -> str:
    """Return a report that shows the locals of its frames."""
    try:
        raise ValueError(obj)
    except ValueError as error:
        told = traceback.TracebackException.from_exception(error, capture_locals=True)
        return "".join(told.format())


def matched(obj: object) -> str:
    match obj:
        case {"price": _}:
            return "a mapping"
        case [*_]:
            return "a sequence"
        case UvmObject(price=_):
            return "an object"
    return "nothing"


def show(obj: object) -> None:
    rich.console.Console(file=io.StringIO()).print(obj)


PYTHON: dict[str, Callable[[Any], object]] = {
    "bool": bool,
    "repr": repr,
    "str": str,
    "format": "{}".format,
    "hash": hash,
    "equality": lambda obj: obj == obj.clone(),
    "order": lambda obj: obj < obj.clone(),
    "dir": dir,
    "vars": vars,
    "hasattr": lambda obj: hasattr(obj, "price"),
    "getattr with a default": lambda obj: getattr(obj, "price", None),
    "reading a name": lambda obj: obj.price,
    "asking whether a name is true": lambda obj: bool(obj.price),
    "callable": lambda obj: callable(obj.price),
    "attrgetter": operator.attrgetter("price"),
    "dict": dict,
    "list": list,
    "tuple": tuple,
    "set": set,
    "len": len,
    "iter": iter,
    "reversed": reversed,
    "in": lambda obj: 1 in obj,
    "an item": lambda obj: obj[0],
    "unpacking": lambda obj: [*obj],
    "keyword unpacking": lambda obj: dict(**obj),
    "match": matched,
    "with": lambda obj: contextlib.ExitStack().enter_context(obj),
    "addition": lambda obj: obj + 1,
    "int": int,
    "float": float,
    "index": operator.index,
    "abs": abs,
    "round": round,
    "floor": math.floor,
    "bytes": bytes,
    "sorting": lambda obj: sorted([obj, obj.clone()]),
    "max": lambda obj: max(obj, obj.clone()),
    "isinstance of protocols": lambda obj: isinstance(
        obj, collections.abc.Mapping | collections.abc.Iterable | collections.abc.Callable
    ),
    "isinstance of a protocol with its names": lambda obj: isinstance(obj, Priced),
}

LIBRARY: dict[str, Callable[[Any], object]] = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "pickle": lambda obj: pickle.loads(pickle.dumps(obj)),
    "json": json.dumps,
    "json with a default": lambda obj: json.dumps({"it": obj}, default=str),
    "json of it as a file": json.load,
    "print to it": lambda obj: print("x", file=obj),
    "open it": open,
    "a path of it": os.fspath,
    "getmembers": inspect.getmembers,
    "getmembers_static": inspect.getmembers_static,
    "signature": inspect.signature,
    "getdoc": inspect.getdoc,
    "getsource": inspect.getsource,
    "unwrap": inspect.unwrap,
    "is it awaitable": inspect.isawaitable,
    "is it a coroutine function": asyncio.iscoroutinefunction,
    "every question of inspect": lambda obj: [
        ask(obj) for name, ask in inspect.getmembers(inspect) if name.startswith("is")
    ],
    "pprint": pprint.pformat,
    "reprlib": reprlib.repr,
    "pydoc": pydoc.render_doc,
    "logging": lambda obj: logging.getLogger("probe").error("%s %r", obj, obj),
    "traceback with locals": raise_with_it,
    "dataclasses": dataclasses.asdict,
    "wraps": lambda obj: functools.wraps(obj)(lambda: None),
    "singledispatch": functools.singledispatch(lambda _: None),
    "weakref": lambda obj: weakref.proxy(obj).__class__,
    "statistics": lambda obj: statistics.mean([obj]),
    "autospec": lambda obj: mock.create_autospec(obj, instance=True),
    "a mock by its spec": lambda obj: mock.MagicMock(spec=obj).price,
    "a mock that wraps it": lambda obj: mock.MagicMock(wraps=obj),
    "patching it": lambda obj: mock.patch.object(obj, "price").get_original(),
}

OTHERS: dict[str, Callable[[Any], object]] = {
    "rich": show,
    "rich inspect": lambda obj: rich.inspect(
        obj, console=rich.console.Console(file=io.StringIO()), all=True
    ),
    "rich pretty": rich.pretty.pretty_repr,
    "rich table": lambda obj: rich.table.Table().add_row(obj),
    "IPython pretty": IPython.lib.pretty.pretty,
    "IPython display": lambda obj: display().format(obj),
    "IPython question mark": lambda obj: explain(theme_name="nocolor").info(obj),
    "IPython completion": lambda obj: complete({"obj": obj}).attr_matches("obj.p"),
    "numpy array": np.array,
    "numpy array of objects": lambda obj: np.array([obj, obj]),
    "numpy asarray": np.asarray,
    "numpy sum": lambda obj: np.sum([obj]),
    "numpy isscalar": np.isscalar,
    "numpy add": lambda obj: np.arange(3) + obj,
    "numpy dtype": np.dtype,
    "pandas series": lambda obj: repr(pd.Series([obj, obj])),
    "pandas series of it": lambda obj: repr(pd.Series(obj)),
    "pandas frame": lambda obj: pd.DataFrame({"a": [obj], "b": 1}).to_string(),
    "pandas frame of it": pd.DataFrame,
    "pandas index": lambda obj: pd.Index([obj]),
    "pandas isna": pd.isna,
    "pandas like a list": pd.api.types.is_list_like,
    "pandas json": lambda obj: pd.DataFrame({"a": [obj]}).to_json(default_handler=str),
    "pandas concat": lambda obj: pd.concat([obj]),
    "zope provides": zope.interface.providedBy,
    "zope adapts": lambda obj: ICounter(obj, None),
    "zope verifies": lambda obj: zope.interface.verify.verifyObject(ICounter, obj),
}

PROBES = PYTHON | LIBRARY | OTHERS


@pytest.mark.parametrize("probe", PROBES.values(), ids=PROBES.keys())
@pytest.mark.filterwarnings("ignore::Warning")  # what a library says of odd objects
def test_no_library_sends_a_message_by_looking(
    probe: Callable[[Any], object], traits: UvmObject, heard: Heard
) -> None:
    account = traits.clone(balance=100, shape=(2, 3))

    with contextlib.suppress(Exception):  # whatever it may say of any object
        probe(account)

    assert heard == []
    assert account.price() == "heard price"  # the ear was open
