"""One message that nobody understands, as the stages of its answer need it.

Its keys say when two messages ask the same: the journal is searched by them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

from batos.kernel import lookup
from batos.kernel.message import Message
from batos.kernel.uvm_object import UvmObject
from batos.kernel.values import plain
from batos.synthesis.claims import claims_for
from batos.synthesis.examples import Example
from batos.synthesis.growth import Growth
from batos.synthesis.inputs import probes_for
from batos.synthesis.properties import PropertyVerdict, check
from batos.synthesis.trial import try_out
from batos.synthesis.values import Candidate, Reflection, Tried
from batos.universe.journal import Proposal

ROLE = "toolsmith"  # whoever writes methods


@dataclass(frozen=True)
class Question:
    """One message to one receiver, as the stages of an answer need it."""

    receiver: UvmObject
    message: Message
    examples: tuple[Example, ...]
    reflection: Reflection
    growth: Growth

    @property
    def mind(self) -> Mapping[str, object]:
        """The card that lies beside the weights; any other `card` is somebody's data."""
        found = lookup.find(self.receiver, "model_blob")
        card: Any = {} if found is None else found.holder._slots.get("card", {})
        facts = {name: card.get(name) for name in ("name", "sha256", "quantization", "roles")}
        return cast("Mapping[str, object]", plain(facts))

    @property
    def adapter(self) -> str | None:
        """The adapter that the writer wears, if the mind's card says so."""
        roles = self.mind.get("roles")
        worn = roles.get(ROLE) if isinstance(roles, Mapping) else None
        return worn if isinstance(worn, str) else None

    @property
    def key(self) -> str:
        """A name for the question: equal for equal shapes, examples and minds."""
        mind = " ".join(filter(None, (str(self.mind.get("sha256")), self.adapter)))
        return _hash(self.reflection.outline(), repr(self.examples), mind)

    @property
    def message_key(self) -> str:
        """A name for the message, whatever the receiver holds and understands by now.

        A person who approves a method wants this message to run it; an object that is not
        stored yet is known by what it holds alone.
        """
        asked, is_stored = self.reflection, self.receiver._p_oid is not None
        receiver = asked.receiver if is_stored else asked.outline()
        shapes = repr((asked.shapes, tuple(self.message.keywords)))
        return _hash(receiver, asked.prototype, asked.selector, shapes)

    @property
    def kin_key(self) -> str:
        """A name for what its siblings were asked: same prototype, selector and arity."""
        message = self.message
        return _hash("kin", self.reflection.prototype, message.selector, str(message.arity))

    @cached_property
    def answers(self) -> list[Proposal]:
        """What was proposed for the same question before, oldest first."""
        return self.growth.journal.answers(self.key)

    @property
    def seed(self) -> int:
        """Where its thought begins: elsewhere each time that it is asked anew."""
        if self.growth.asking.seed is not None:
            return self.growth.asking.seed
        return (int(self.key[:8], 16) + 2 * len(self.answers)) % 2**31

    def try_out(self, candidates: list[Candidate]) -> list[Tried]:
        """Try methods on copies of the receiver."""
        jail = self.growth.jail()
        probes = probes_for(self.receiver, self.message, self.examples)
        return try_out(
            jail, candidates, self.receiver, self.message, self.examples, probes=probes
        )

    def check(self, candidate: Candidate) -> tuple[PropertyVerdict, ...]:
        """Question a method about what one of its name and shape should be like."""
        asked = self.reflection
        claims = claims_for(
            asked.selector,
            asked.parameters,
            (*asked.shapes, *asked.kinds),
            self.examples,
            [known.selector for known in asked.understood],
        )
        jail = self.growth.jail()
        return check(claims, candidate, self.receiver, self.message, self.examples, jail=jail)


def _hash(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
