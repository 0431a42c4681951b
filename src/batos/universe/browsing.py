"""The browser's questions as an open universe offers them: each in a transaction of its own.

A base class of the machine (`uvm`), which has more to do than to pass questions on.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from batos.universe.browser import Browser, Place
from batos.universe.moments import When, visited
from batos.universe.universe import Universe


class Browsing:
    """Questions about all objects; they send nothing, and a read-only universe will do.

    They are asked of now, or of a moment of the past. All of them raise `UniverseUnreadable`
    for a record that is damaged or missing, and `NoSuchMoment`.
    """

    _universe: Universe

    def implementors(self, selector: str, when: When | None = None) -> tuple[Place, ...]:
        """Return every object's own slot of this name, and what it is."""
        with self._browser(when) as browser:
            return browser.implementors(selector)

    def senders(self, selector: str, when: When | None = None) -> tuple[Place, ...]:
        """Return the methods whose source sends, reads or writes a selector."""
        with self._browser(when) as browser:
            return browser.senders(selector)

    def understanding(self, selector: str, when: When | None = None) -> tuple[Place, ...]:
        """Return the objects that understand a selector: by a slot of their own, or not."""
        with self._browser(when) as browser:
            return browser.understanding(selector)

    def referrers(self, target: str, when: When | None = None) -> tuple[Place, ...]:
        """Return the slots that refer to an object, and the names that the root has for it.

        Args:
            target: Its name, or its number as a `Place` shows it.
            when: A moment of the past.

        Raises:
            NoSuchObject: There is nothing of this name, or of this number.
        """
        with self._browser(when) as browser:
            return browser.referrers(target)

    @contextmanager
    def _browser(self, when: When | None) -> Iterator[Browser]:
        past = None if when is None else visited(self._universe, when)
        with past or self._universe.transaction() as root:
            yield Browser(root)
