"""What whoever holds an open universe may do beyond sending messages and looking.

A person approves, defines, permits, releases and rewrites the past. A server, a model or
another program's client gets a handle that cannot, whatever it is asked to do.
"""

from __future__ import annotations

from enum import Enum

from batos.errors import PersonNeeded


class Scope(Enum):
    """How far a handle on a universe reaches."""

    PERSON = "person"  # everything
    CLIENT = "client"  # messages, and looking


class Scoped:
    """A handle that has a scope."""

    scope = Scope.PERSON

    def _require_person(self, act: str) -> None:
        """Refuse an act of a person's to a client.

        Raises:
            PersonNeeded: This handle is one.
        """
        if self.scope is not Scope.PERSON:
            raise PersonNeeded(act)
