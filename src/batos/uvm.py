"""The machine that runs a universe: the only place where its parts are wired together.

It binds functions to the names that objects hold, gives a message its transaction, tries
it again after a conflict, and brings along the mind's and the jail's processes.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Literal, cast

from ZODB.POSException import POSError

from batos.engines.catalog import weights_with
from batos.engines.contract import Engine
from batos.errors import BatosError, NothingRuns, WallsNeeded
from batos.kernel.authority import write_data_slot
from batos.kernel.message import Message
from batos.kernel.runtime import Runtime, context_of
from batos.kernel.uvm_object import UvmObject, check_slot_name
from batos.personas.adapters import Adapters
from batos.personas.mind import Mind, Thinking
from batos.processes import Processes
from batos.sandbox import walls
from batos.sandbox.policy import compile_method
from batos.settings import Settings
from batos.synthesis.examples import Example, examples_of
from batos.synthesis.growth import Asking, Growth, Mode
from batos.synthesis.synthesizer import not_understood, reflect
from batos.synthesis.tending import Tends
from batos.universe.browsing import Browsing
from batos.universe.copying import Copies
from batos.universe.delivery import Delivery, Sent
from batos.universe.journal import Proposal, State
from batos.universe.looking_back import LooksBack
from batos.universe.names import name_in
from batos.universe.universe import Root, Universe

_log = logging.getLogger(__name__)

Trust = Literal["walled", "unwalled"]
"""walled: methods grow by themselves only in a process that walled itself in."""


class Uvm(LooksBack, Browsing, Copies, Tends):
    """An open universe with everything that its objects need to run.

    Safe to use from several threads; generated code runs in one of them at a time. Close
    it, or use it in a `with` statement.
    """

    def __init__(
        self,
        universe: Universe,
        trust: Trust,
        asking: Asking,
        settings: Settings,
        start_engine: Callable[[Path], Engine] | None = None,
    ) -> None:
        """Wire an open universe.

        Args:
            universe: What to run; it is closed with this object.
            trust: Whether methods may grow by themselves without walls.
            asking: How messages may be answered that nobody understands.
            settings: Who works here, and how long the mind stays in memory.
            start_engine: Makes an engine for weights; by default llama.cpp in a process.
        """
        super().__init__(universe, settings.user, settings.via)
        self._trust = trust
        self._asking = asking
        self._processes = Processes(universe.path, settings.idle_s, universe.address)
        self.why_no_walls = self._processes.why_no_walls()  # None where `wall_in` can work
        self.shown = universe.shown  # where it lies, without a password
        self._mind = Mind(start_engine or self._processes.engine, universe.path / "tmp")
        self._find_weights = partial(weights_with, cache=settings.cache)
        if not universe.safe:  # there nothing runs
            universe.bind(Runtime(self._primitives(), compile_method))
        self.adapters = Adapters(universe, settings.user)
        self._delivery = Delivery(universe, settings.user)
        if not universe.safe:
            self.journal.catch_up()
        self._warn_of_unfinished()

    # --- messages --------------------------------------------------------------------

    @contextmanager
    def transaction(self, note: str = "", asking: Asking | None = None) -> Iterator[Root]:
        """Open a transaction; commit at its end, or abort on an error.

        Raises:
            ConflictError: Another transaction changed the same objects; try all of it again.
        """
        with self._opened(note, asking or self._asking) as root:
            yield root

    def send(
        self,
        receiver: str,
        selector: str,
        *args: object,
        examples: Iterable[Example | Sequence[object]] = (),
        asking: Asking | None = None,
        mode: Mode | None = None,
        message_id: str | None = None,
        **keywords: object,
    ) -> object:
        """Send a message to an object of the root, in a transaction of its own.

        It is tried again after a conflict; what the mind has written by then is kept.

        Args:
            receiver: The object's name.
            selector: The message.
            args: Data, or `Named` objects.
            examples: Calls and what should come of them, in case a method must grow.
            asking: How it may grow; by default as the universe was opened.
            mode: The same, but for the mode.
            message_id: Sent again under it, the message has no effect and the same answer.
            keywords: Arguments by name.

        Returns:
            The answer as plain data; an object becomes its `Named` or `Unnamed`, a blob its
            `BlobOf`.

        Raises:
            NoSuchObject: The root has no such object.
            SlotRefused: No slot can have the selector as its name.
            MessageNotUnderstood, GrowthFailed, ApprovalNeeded: No method, or not yet.
            BudgetSpent: The method took too long.
            MethodFailed: The method raised an error.
            NothingRuns: The universe was opened `safe`.
            DeliveryFailed, MessageIdRefused: See `Delivery.deliver`.
        """
        if self._universe.safe:
            raise NothingRuns
        check_slot_name(selector)
        asking = asking or self._asking
        if mode is not None:
            asking = replace(asking, mode=mode)
        expected = examples_of(examples, len(args) + len(keywords))
        note = f"{receiver} {selector}({', '.join(map(repr, args))})"

        sent = Sent(receiver, Message(selector, args, keywords), message_id)
        about = (receiver, selector)
        return self._delivery.deliver(sent, lambda: self._opened(note, asking, about, expected))

    # --- the machine -------------------------------------------------------------------

    @property
    def path(self) -> Path:
        """The universe's folder; of one by URI, what of it lies on this machine."""
        return self._universe.path

    @property
    def mind_loaded(self) -> bool:
        """Whether the mind's weights are in memory now."""
        return self._mind.loaded

    def thinking(self) -> Thinking:
        """Return what the mind holds in memory, and what it has done so far."""
        return self._mind.report()

    def unload(self) -> None:
        """Let the mind give its memory back; the next thought loads it again."""
        self._mind.unload()

    def wall_in(self) -> None:
        """Confine this process for good: from now on it reaches its universe, and no more.

        Call it while the process has one thread.

        Raises:
            WallsUnavailable: See `why_no_walls`, or there are threads already.
        """
        self._processes.wall_in()

    def close(self) -> None:
        """Let go of the files and end the processes."""
        self._mind.close()
        self._processes.close()
        self._universe.close()

    def __enter__(self) -> Uvm:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    # --- wiring ------------------------------------------------------------------------

    @contextmanager
    def _opened(
        self,
        note: str,
        asking: Asking,
        about: tuple[str, str] = ("", ""),
        examples: tuple[Example, ...] = (),
    ) -> Iterator[Root]:
        opened: list[Root] = []  # filled below, before anybody asks for a name
        growth = self._growth(asking, lambda obj: name_in(opened[0], obj) or repr(obj))
        growth = replace(growth, about=about, examples=examples)
        details = {"grew": growth.installed, "placed": list[str]()}
        with self._universe.transaction(note, self._user, details, growth) as root:
            opened.append(root)
            yield root
            if growth.failed:  # a method that caught it must not commit half of its work
                raise growth.failed[0]
            acts = growth.acts()  # by now everything has its name
            details["placed"] += map(str, acts)
        try:
            for proposal in growth.grown:
                self.journal.decide(proposal.id, State.INSTALLED)
            for act in acts:
                self.journal.note(act.action, act.receiver, act.selector, act.tid)
        except (BatosError, OSError, POSError) as error:  # the message itself took effect
            _log.warning("what grew or was defined is written down later: %s", error)

    def _warn_of_unfinished(self) -> None:
        """Say that a forgetting was broken off; nothing ends without being asked for."""
        with suppress(BatosError):  # a damaged journal is told when it is read
            if count := self.unfinished_forgettings():
                _log.warning(
                    "a forgetting is unfinished: old states of %d object(s) still lie in the"
                    " files of %s. `batos forget --finish` ends them, and all history.",
                    *(count, self.shown),
                )

    def _growth(self, asking: Asking, name_of: Callable[[UvmObject], str]) -> Growth:
        return Growth(
            asking=asking,
            journal=self.journal,
            jail=self._processes.jail,
            require_walls=self._require_walls,
            user=self._user,
            name_of=name_of,
        )

    def _visitor(self) -> Growth:
        return self._growth(replace(self._asking, mode="off"), repr)

    def _primitives(self) -> dict[str, Callable[..., object]]:
        return {
            "kernel.set_slot": write_data_slot,
            "personas.infer": self._mind.infer,
            "synthesis.not_understood": _on_not_understood,
            "synthesis.reflect": _on_reflect,
        }

    def _require_walls(self) -> None:
        if self._trust == "unwalled" or walls.confined():
            return
        raise WallsNeeded(self.why_no_walls or "this process did not wall itself in")


def _on_not_understood(receiver: UvmObject, message: Message) -> object:
    return not_understood(receiver, message, growth=cast("Growth", context_of(receiver)))


def _on_reflect(receiver: UvmObject, message: Message) -> Proposal:
    return reflect(receiver, message, growth=cast("Growth", context_of(receiver)))
