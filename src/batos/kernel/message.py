"""Messages: sent, on their way, and not understood.

A name that leads to no slot becomes a `Send`. When it is called, its arguments are known:
the message is complete and `doesNotUnderstand_` is sent to the original receiver with it.
What that does is not this module's business.
"""

from __future__ import annotations

import difflib
import keyword
import logging
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, NoReturn

from batos.errors import MessageNotUnderstood, NotStorable
from batos.kernel import lookup
from batos.kernel.delegation import LONGEST_NAME, selectors
from batos.kernel.method import bind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from batos.kernel.uvm_object import UvmObject

_LOG = logging.getLogger(__name__)

NOT_UNDERSTOOD = "doesNotUnderstand_"

# A universe in which these grew would rewrite the way it grows.
NEVER_GROWN = frozenset(
    {NOT_UNDERSTOOD, "reflectOn_", "infer_", "fineTuneWith_", "improveCognition"}
)

# Asked by Python libraries of objects they know nothing about; none of it is a message.
# `batos.send` sends these all the same.
_PROTOCOL_NAMES = frozenset(
    {
        *("keys", "write", "read", "fileno", "dtype", "shape"),
        "as_integer_ratio",  # statistics
        "toDict",  # the JSON of pandas
        "getdoc",  # IPython's `obj?`
        "aihwerij235234ljsdnp34ksodfipwoe234234jlskjdf",  # rich's canary
    }
)


@dataclass(frozen=True)
class Message:
    """A selector and its arguments: a message as a value."""

    selector: str
    args: tuple[object, ...] = ()
    keywords: Mapping[str, object] = field(default_factory=dict)

    @property
    def arity(self) -> int:
        """How many arguments it carries."""
        return len(self.args) + len(self.keywords)

    def send_to(self, receiver: UvmObject) -> object:
        """Send it, and return the answer."""
        return send(receiver, self.selector, *self.args, **self.keywords)


class Send:
    """A message on its way: nothing has happened yet; calling it completes and sends it.

    It is falsy, so that `if obj.flag:` does not take an unknown name for a true one. That
    hides a misspelled slot, so it is logged as a warning; `mirror(obj).understands(name)`
    asks without one.
    """

    __slots__ = ("_receiver", "_selector")

    def __init__(self, receiver: UvmObject, selector: str) -> None:
        self._receiver = receiver
        self._selector = selector

    def __call__(self, *args: object, **keywords: object) -> object:
        return send(self._receiver, self._selector, *args, **keywords)

    def __bool__(self) -> bool:
        _warn_of_falsehood(id(self._receiver), repr(self._receiver), self._selector)
        return False

    def __repr__(self) -> str:
        return f"<{self._selector}: not understood yet; call it to send it>"

    def __reduce__(self) -> NoReturn:
        raise NotStorable("message that was not sent yet", f"a slot ({self._selector!r})")


@lru_cache(maxsize=1024)  # once for each, or a loop would fill the log
def _warn_of_falsehood(_identity: int, receiver: str, selector: str) -> None:
    _LOG.warning(
        "%s.%s was taken for false: nobody understands it. To send it, call it;"
        " to ask whether it is understood, use mirror(obj).understands(%r).",
        *(receiver, selector, selector),
    )


def is_probe(name: str) -> bool:
    """Tell whether an unknown name is a library's question rather than a message."""
    return name in _PROTOCOL_NAMES


def send(receiver: UvmObject, selector: str, /, *args: object, **keywords: object) -> object:
    """Send a message in the transaction that is open, and return the answer.

    A selector that leads to data answers with the data. One that leads nowhere goes to
    `doesNotUnderstand_` of the same receiver.

    Raises:
        MessageNotUnderstood: There is no `doesNotUnderstand_`, or the selector never grows.
    """
    found = lookup.find(receiver, selector)
    if found is None:
        return _not_understood(receiver, Message(selector, args, keywords))
    value = getattr(receiver, selector)  # its map knows it by now
    if value is found.value and not args and not keywords:
        return value  # data: reading it is the answer
    if not callable(value):
        raise TypeError(f"{selector!r} is data and takes no arguments")
    return value(*args, **keywords)


def _not_understood(receiver: UvmObject, message: Message) -> object:
    handler = lookup.find(receiver, NOT_UNDERSTOOD)
    if handler is None or not may_grow(receiver, message.selector):
        raise not_understood_error(receiver, message.selector)
    answer = bind(handler.value, receiver)
    assert callable(answer)  # noqa: S101  traits hold a primitive there since the awakening
    return answer(message)


def may_grow(receiver: UvmObject, selector: str) -> bool:
    """Tell whether a selector is one that a method can grow for."""
    inborn = selector in dir(type(receiver))  # `clone`: no slot can have its name
    is_name = selector.isidentifier() and not keyword.iskeyword(selector)
    is_free = not inborn and not selector.startswith("_")
    return is_name and is_free and selector not in NEVER_GROWN


def not_understood_error(
    receiver: UvmObject, selector: str, name: str | None = None
) -> MessageNotUnderstood:
    """Return the error for a selector, with the names that come closest to it.

    Args:
        receiver: Who was sent it.
        selector: The selector.
        name: What a person calls the receiver, if it has a name.
    """
    if len(selector) > LONGEST_NAME:  # no slot can have it, and to compare it takes long
        return MessageNotUnderstood(name or repr(receiver), f"{selector[:20]}…")
    close = difflib.get_close_matches(selector, selectors(receiver), n=3, cutoff=0.6)
    return MessageNotUnderstood(name or repr(receiver), selector, tuple(close))
