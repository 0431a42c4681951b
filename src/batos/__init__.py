"""Persistent prototype objects whose mind, a local language model, is one of them.

What is named here is loaded when it is first used: a program that only asks for help must
not wait for a database.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from batos.kernel.message import send as send
    from batos.kernel.mirror import mirror as mirror
    from batos.kernel.shared import Counter as Counter, Queue as Queue
    from batos.opening import (
        awaken as awaken,
        open_uvm,
        recover as recover,
        verify as verify,
    )
    from batos.synthesis.examples import Example as Example
    from batos.synthesis.growth import Asking as Asking
    from batos.universe.names import Named as Named
    from batos.uvm import Uvm as Uvm

    open = open_uvm  # noqa: A001  named as in `io.open`

_PLACES = {
    "Asking": ("batos.synthesis.growth", "Asking"),
    "Counter": ("batos.kernel.shared", "Counter"),
    "Example": ("batos.synthesis.examples", "Example"),
    "Named": ("batos.universe.names", "Named"),
    "Queue": ("batos.kernel.shared", "Queue"),
    "Uvm": ("batos.uvm", "Uvm"),
    "awaken": ("batos.opening", "awaken"),
    "mirror": ("batos.kernel.mirror", "mirror"),
    "open": ("batos.opening", "open_uvm"),
    "recover": ("batos.opening", "recover"),
    "send": ("batos.kernel.message", "send"),
    "verify": ("batos.opening", "verify"),
}


def __getattr__(name: str) -> Any:
    if name == "errors":
        return import_module("batos.errors")
    if name not in _PLACES:
        raise AttributeError(name)
    module, attribute = _PLACES[name]
    return getattr(import_module(module), attribute)


def __dir__() -> list[str]:
    return [*globals(), *_PLACES]
