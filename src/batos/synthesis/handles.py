"""Handles on an open universe: a person's, and those of servers and models.

A base class of the machine (`uvm`). What each act needs is said where the act is.
"""

from __future__ import annotations

from copy import copy
from dataclasses import replace
from typing import Self

from batos.personas.adapters import Adapters
from batos.synthesis.growth import MODES, Asking, Mode
from batos.universe.journal import Journal
from batos.universe.scope import Scope, Scoped


class Handles(Scoped):
    """A handle that gives others which can do less."""

    journal: Journal
    adapters: Adapters
    _asking: Asking

    def without_approval(self) -> Self:
        """Return a handle for servers and models: it sends messages, and looks.

        Whatever it is asked, it approves nothing, defines no method, changes no permission,
        and lets methods grow no more freely than this one does. Closing it does nothing.
        """
        handle = copy(self)
        handle._limit(Scope.CLIENT)
        return handle

    def _limit(self, scope: Scope) -> None:
        """Let this handle do no more than its scope allows."""
        self.scope = scope
        if scope is Scope.CLIENT:
            self.journal = self.journal.without_approval()
            self.adapters = self.adapters.without_approval()
            self._asking = replace(self._asking, approve=None)

    def _asked(self, asking: Asking | None, mode: Mode | None = None) -> Asking:
        """Return how a message may make methods grow; a client may only be stricter."""
        asked = asking or self._asking
        if mode is not None:
            asked = replace(asked, mode=mode)
        if self.scope is Scope.CLIENT:
            strictest = min(asked.mode, self._asking.mode, key=MODES.index)
            asked = replace(asked, mode=strictest, approve=None)
        return asked
