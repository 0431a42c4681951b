"""How messages from outside reach a universe: tried again, in turn, and once for each id.

Whoever sends a message and loses the answer cannot know whether it took effect. With a
*message id* it may send the message again: a *receipt*, committed together with the effect,
says that it did, and what was answered. Undoing a message takes its receipt along.

Receipts lie in pages by their ids, and pages merge by key, so different ids never meet a
conflict, and an old receipt can be undone beneath later ones. They are texts: what a
receipt holds is never unpickled as anything else.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from persistent import Persistent
from persistent.list import PersistentList
from ZODB.POSException import ConflictError, POSError

from batos.errors import (
    ArgumentsRefused,
    BatosError,
    DeliveryFailed,
    MessageIdRefused,
    MethodFailed,
    NotStorable,
    PrimitiveFailed,
)
from batos.kernel import lookup
from batos.kernel.merging import merged
from batos.kernel.message import Message
from batos.kernel.method import Primitive, is_behaviour
from batos.sandbox.wire import OBJECT, OPAQUE, Encoder, Json, decode
from batos.universe.conflicts import Turns, retried
from batos.universe.log import LASTING
from batos.universe.names import Named, Unnamed, loaded, named_object, shown
from batos.universe.remains import GONE, Remains
from batos.universe.universe import Root, Universe

PAGES = 256
PAGE_RECEIPTS = 64  # the most a page keeps; the oldest go first
KEPT_S = 30 * 24 * 3600  # older receipts go when their page is written

RECEIPTS = "message ids"  # in the root; no object's name, which are all identifiers
_MOST_ID_CHARACTERS = 200
_TOLD_CHARACTERS = 200
_WHY_CHARACTERS = 500  # a method's error may hold whatever the method did


@dataclass(frozen=True)
class Sent:
    """A message from outside, and what its sender calls it."""

    receiver: str
    message: Message
    id: str | None = None


class Delivery:
    """The way into one universe. Safe to use from several threads."""

    def __init__(self, universe: Universe, user: str) -> None:
        self._universe = universe
        self._user = user
        self._turns = Turns()
        self._has_pages = False

    def deliver(self, sent: Sent, opened: Callable[[], AbstractContextManager[Root]]) -> object:
        """Send a message in a transaction; return the answer, or what its receipt says.

        Args:
            sent: The message.
            opened: Opens a transaction for a try.

        Raises:
            NoSuchObject: The root has no such object.
            MethodFailed: The method raised an error.
        ArgumentsRefused: The selector leads to data, and there are arguments.
            DeliveryFailed: Every try met a conflict.
            MessageIdRefused: The id is another message's, or the answer cannot be kept.
        """

        tries = 0

        def attempt() -> object:
            nonlocal tries
            tries += 1
            with opened() as root:
                return _answer(sent, root) if sent.id is None else _once(sent, sent.id, root)

        if sent.id is not None:
            self._prepare(sent.id)
        try:
            return retried(attempt, self._turns)
        except ConflictError as error:
            raise DeliveryFailed(sent.receiver, sent.message.selector, tries) from error

    def _prepare(self, message_id: str) -> None:
        """See that there are pages: in a transaction of their own, which is never undone."""
        if not message_id.strip() or len(message_id) > _MOST_ID_CHARACTERS:
            why = f"it must have 1 to {_MOST_ID_CHARACTERS} characters"
            raise MessageIdRefused(message_id[:_MOST_ID_CHARACTERS], why)
        if not self._has_pages:
            retried(self._make_pages, self._turns)
            self._has_pages = True

    def _make_pages(self) -> None:
        with self._universe.transaction("receipts", self._user, {LASTING: True}) as root:
            if RECEIPTS not in root:
                root[RECEIPTS] = PersistentList([ReceiptPage() for _ in range(PAGES)])


class Receipt(Persistent):  # type: ignore[misc]  # persistent is untyped
    """That a message took effect, and what was answered: a record of its own."""

    def __init__(self, digest: str, told: str, answer: str) -> None:
        self.digest = digest  # of receiver, selector and arguments
        self.told = told  # the same in words, shortened
        self.answer = answer  # as JSON


class ReceiptPage(Persistent):  # type: ignore[misc]  # persistent is untyped
    """The receipts of some ids, with their times."""

    def __init__(self) -> None:
        self._receipts: dict[str, tuple[float, Receipt]] = {}

    def get(self, message_id: str) -> Receipt | None:
        return self._receipts.get(message_id, (0.0, None))[1]

    def add(self, message_id: str, receipt: Receipt) -> None:
        """Keep a receipt; those that are too old, or too many, go."""
        now = time.time()
        newest_first = sorted(self._receipts.items(), key=lambda item: -item[1][0])
        kept = [item for item in newest_first if now - item[1][0] <= KEPT_S]
        self._receipts = {**dict(kept[: PAGE_RECEIPTS - 1]), message_id: (now, receipt)}

    def items(self) -> Iterable[tuple[str, tuple[float, Receipt]]]:
        return self._receipts.items()

    def remove(self, message_id: str) -> None:
        self._receipts = {key: one for key, one in self._receipts.items() if key != message_id}

    def __len__(self) -> int:
        return len(self._receipts)

    def _p_resolveConflict(  # noqa: N802  ZODB's name
        self, old: dict[str, Any], saved: dict[str, Any], new: dict[str, Any]
    ) -> dict[str, Any]:
        kept = merged(old["_receipts"], saved["_receipts"], new["_receipts"])
        return {"_receipts": kept}


def _answer(sent: Sent, root: Root) -> object:
    """Send a message, and return the answer as plain data and names."""
    receiver = named_object(root, sent.receiver)
    given = tuple(loaded(value, root) for value in sent.message.args)
    keywords = {name: loaded(value, root) for name, value in sent.message.keywords.items()}
    selector = sent.message.selector
    found = lookup.find(receiver, selector)
    if found is not None and sent.message.arity and not is_behaviour(found.value):
        raise ArgumentsRefused(sent.receiver, selector)
    try:
        return shown(Message(selector, given, keywords).send_to(receiver), root)
    except (BatosError, POSError):
        raise
    except Exception as error:
        why = _shortened(f"{type(error).__name__}: {error}", _WHY_CHARACTERS)
        is_ours = found is not None and isinstance(found.value, Primitive)
        failed = PrimitiveFailed if is_ours else MethodFailed
        raise failed(sent.receiver, selector, why) from error


def _once(sent: Sent, message_id: str, root: Root) -> object:
    page: ReceiptPage = root[RECEIPTS][_place(message_id)]
    digest = _digest(sent, message_id)
    receipt = page.get(message_id)
    if receipt is None:
        receipt = Receipt(digest, _told(sent), _written(_answer(sent, root), message_id))
        page.add(message_id, receipt)
    elif receipt.digest != digest:
        raise MessageIdRefused(message_id, f"it was given to another message, {receipt.told}")
    return decode(json.loads(receipt.answer), _read_name)


def _place(message_id: str) -> int:
    return hashlib.sha256(message_id.encode("utf-8", "surrogatepass")).digest()[0] % PAGES


def redact_receipts(root: Root, remains: Remains) -> None:
    """Take the receipts of an object away, and what tells of it out of the others.

    A receipt of another object goes on to say that its message took effect; an answer that
    told of the object is gone. One whose id tells of it can only go.
    """
    for page in root.get(RECEIPTS, ()):
        for message_id, (_time, receipt) in list(page.items()):
            if receipt.told.split(" ", 1)[0] in remains.names or remains.are_in(message_id):
                page.remove(message_id)
            elif remains.are_in(receipt.told) or remains.are_in(_readable(receipt.answer)):
                receipt.told, receipt.answer = GONE, json.dumps(GONE)


def _readable(answer: str) -> str:
    """Return an answer's JSON with its texts as they are."""
    return json.dumps(json.loads(answer), ensure_ascii=False)


# --- messages and answers as text --------------------------------------------------------


def _digest(sent: Sent, message_id: str) -> str:
    """Return the same text for the same message, in every process."""
    message = sent.message
    parts = [sent.receiver, message.selector, message.args, dict(message.keywords)]
    return hashlib.sha256(_written(parts, message_id).encode()).hexdigest()


def _told(sent: Sent) -> str:
    arguments = ", ".join(map(repr, sent.message.args))
    told = f"{sent.receiver} {sent.message.selector}({arguments})"
    return _shortened(told, _TOLD_CHARACTERS)


def _shortened(text: str, characters: int) -> str:
    return text if len(text) <= characters else text[: characters - 1] + "…"


def _written(value: object, message_id: str) -> str:
    try:
        return json.dumps(Encoder(_write_name).encode(value))
    except (ValueError, NotStorable) as error:
        why = f"what it asks or answers cannot be kept as text ({error})"
        raise MessageIdRefused(message_id, why) from None


def _write_name(value: object) -> Json:
    if isinstance(value, Named):
        return [OBJECT, value.name]
    if isinstance(value, Unnamed):
        return [OPAQUE, value.oid]
    raise NotStorable(type(value).__name__, "a receipt")


def _read_name(tag: str, parts: list[Any]) -> object:
    return Named(*parts) if tag == OBJECT else Unnamed(*parts)
