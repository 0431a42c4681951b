"""Values that many transactions may change at once: a counter, and a queue.

A change of one slot by two transactions is a conflict, and one of them has to begin again.
What commutes need not conflict: two additions, a put and a take. These values merge such
changes when they commit. Undo merges in the same way: it takes one change back and leaves
the later ones. What cannot be merged (two takes of one item) stays a conflict.

Records name this module, so it keeps its name. The queue is our own: `zc.queue` (last released
in 2017) merges no two equal items.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Iterator
from typing import Any

from persistent import Persistent

from batos.errors import QueueEmpty
from batos.kernel.merging import conflict, merged
from batos.kernel.searching import holds
from batos.kernel.values import Mergeable, storable

State = dict[str, Any]

_PAGE_ITEMS = 64  # a put writes one page anew
_OPEN, _CLOSED, _DROPPED = "open", "closed", "dropped"  # a page's life
_ABSENT = object()


class Counter(Mergeable):
    """A number that is added to; additions of several transactions merge.

    Sums of floats may differ in their last digit by the order in which they merge.
    """

    def __init__(self, value: float = 0) -> None:
        self._value = _number(value)

    @property
    def value(self) -> float:
        """The number as this transaction sees it."""
        return self._value

    def change(self, by: float) -> None:
        """Add `by`, which may be negative.

        Raises:
            TypeError: It is neither an int nor a float.
            ValueError: It is not finite, or the sum is not.
        """
        self._value = _number(self._value + _number(by))

    def content(self) -> object:
        """Return the number."""
        return self._value

    def __iadd__(self, by: float) -> Counter:
        self.change(by)
        return self

    def __isub__(self, by: float) -> Counter:
        self.change(-_number(by))
        return self

    def __repr__(self) -> str:
        return f"Counter({self._value!r})"

    def _p_resolveConflict(self, old: State, saved: State, new: State) -> State:  # noqa: N802  ZODB's name
        both = saved["_value"] + new["_value"] - old["_value"]
        if isinstance(both, float) and not math.isfinite(both):
            conflict()
        return {"_value": both}


def _number(value: float) -> float:
    if type(value) not in (int, float):
        raise TypeError(f"a counter counts in int and float, not {type(value).__name__}")
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"a counter counts in finite numbers, not {value}")
    return value


class Queue(Mergeable):
    """Items in the order in which they were committed; puts of several transactions merge.

    Two takes conflict when they take the same item. So may puts where one of them has to
    begin a new page, which is after each 64 items: that keeps the order exact.

    The items lie in pages, so that a put or a take writes one page and not all of them.
    Only the last page is open to puts. One that is emptied after it was closed is dropped.
    """

    def __init__(self, items: Iterable[object] = ()) -> None:
        self._pages: dict[int, QueuePage] = {0: QueuePage()}
        for item in items:
            self.put(item)

    def put(self, item: object) -> None:
        """Add an item at the end.

        Raises:
            NotStorable: The item cannot last.
        """
        kept = storable(item, "a queue")
        last = max(self._pages)
        page = self._pages[last]
        if len(page) >= _PAGE_ITEMS:
            page.move(_CLOSED)
            page = QueuePage()
            self._pages = {**self._pages, last + 1: page}
        page.append(kept)

    def take(self, default: object = _ABSENT) -> Any:
        """Take the first item out and return it; `default`, if given, where there is none.

        Raises:
            QueueEmpty: There is none.
        """
        last = max(self._pages)
        for number in sorted(self._pages):
            page = self._pages[number]
            item = page.take_first() if len(page) else _ABSENT
            if not len(page) and number != last:
                page.move(_DROPPED)
                self._pages = {n: kept for n, kept in self._pages.items() if n != number}
            if item is not _ABSENT:
                return item
        if default is _ABSENT:
            raise QueueEmpty
        return default

    def content(self) -> object:
        """Return the items as a list."""
        return list(self)

    def __len__(self) -> int:
        return sum(map(len, self._pages.values()))

    def __iter__(self) -> Iterator[Any]:
        for number in sorted(self._pages):
            yield from self._pages[number].items()

    def __copy__(self) -> Queue:
        return Queue(self)  # with pages of its own

    __contains__ = holds  # no frame of this file around it, in which a clock may not end it

    def __repr__(self) -> str:
        return f"<a queue of {len(self)}>"

    def _p_resolveConflict(self, old: State, saved: State, new: State) -> State:  # noqa: N802  ZODB's name
        return {"_pages": merged(old["_pages"], saved["_pages"], new["_pages"])}


class QueuePage(Persistent):  # type: ignore[misc]  # persistent is untyped
    """Some of a queue's items, each under an id that no other item ever has."""

    def __init__(self) -> None:
        self._entries: dict[int, tuple[int, object]] = {}  # id -> place in the order, item
        self._next = 0  # the place of the next item
        self._life = _OPEN

    def append(self, item: object) -> None:
        self._p_changed = True  # first: where no change is possible, this is what fails
        self._entries[int.from_bytes(os.urandom(8), "big")] = (self._next, item)
        self._next += 1

    def take_first(self) -> object:
        self._p_changed = True
        _place, item = self._entries.pop(next(iter(self._entries)))
        return item

    def move(self, life: str) -> None:
        """Go on to the next part of its life."""
        self._life = life

    def items(self) -> Iterator[object]:
        return (item for _place, item in list(self._entries.values()))

    def __len__(self) -> int:
        return len(self._entries)

    def __bool__(self) -> bool:
        return True

    def _p_resolveConflict(self, old: State, saved: State, new: State) -> State:  # noqa: N802  ZODB's name
        shift = saved["_next"] - old["_next"]
        new_places = {  # what is new in `new` comes behind what `saved` has added
            key: place + shift if place >= old["_next"] else place
            for key, place in _places(new).items()
        }
        places = merged(_places(old), _places(saved), new_places, once=True)
        life = _one_of(old["_life"], saved["_life"], new["_life"])
        has_put = new["_next"] > old["_next"]
        if (has_put and saved["_life"] != _OPEN) or (places and life == _DROPPED):
            conflict()  # nobody would find what was put here
        known = {**new["_entries"], **saved["_entries"]}
        return {
            "_entries": {
                key: (place, known[key][1])
                for key, place in sorted(places.items(), key=lambda item: item[1])
            },
            "_next": max(saved["_next"], new["_next"] + shift),
            "_life": life,
        }


def _places(page: State) -> dict[int, int]:
    return {key: place for key, (place, _item) in page["_entries"].items()}


def _one_of(old: Any, saved: Any, new: Any) -> Any:
    """Return the value that was changed, by one side or by both alike."""
    if new in (old, saved):
        return saved
    if saved != old:
        conflict()
    return new
