"""An engine in a process of its own, from the owner's side: the same contract.

The child (`mind_process`) is started on the first request, ends by itself when it was idle
for a while, and is replaced when it died or hangs; who still talks with the one before is let
to finish. Each request is a conversation on a socket of its own (`conversation`). How a child
is started is the launcher's business, because the owner may have walls around it.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from batos.engines.contract import (
    Adapter,
    Completion,
    OnText,
    Report,
    Request,
    deadline_passed,
    engine_closed,
    not_admitted,
    refuse_renamed,
)
from batos.engines.conversation import (
    MALFORMED,
    Hearer,
    converse,
    is_quiet,
    received,
    report_of,
    say,
)
from batos.errors import ChildDied, EngineFailed
from batos.sandbox.launcher import Child, python_argv

GRACE_S = 0.5  # for a child to say itself that the time is over, and to keep its weights


def mind_argv(readable: Sequence[Path], runtime_dir: Path) -> tuple[str, ...]:
    """Return the command of the mind process, for the launcher's table.

    Its walls are decided here, before the owner's: an owner that was taken over can give it
    nothing else to read.

    Args:
        readable: Weights and adapters, or folders of them.
        runtime_dir: A folder that is there, in which it may make files; the only one.
    """
    places = [str(place.resolve()) for place in (runtime_dir, *readable)]
    return python_argv("batos.engines.mind_process", ("batos", "xllamacpp"), *places)


class _Gone(Exception):
    """The child went while it was asked, and never saw the request."""


@dataclass(eq=False)
class _Served:
    """A child, and how many talk with it."""

    child: Child
    talking: int = 0
    answered: bool = False  # it holds the weights
    set_aside: bool = False  # it gets no more requests, and is killed after the last
    last_words: Mapping[str, Any] | None = None


class ChildEngine:
    """An `Engine` whose weights are in a child, loaded on the first request."""

    def __init__(
        self,
        spawn: Callable[[], Child],
        path: Path,
        *,
        idle_s: float = 300.0,
        **options: int | None,
    ) -> None:
        """Keep in mind what to start.

        Args:
            spawn: Starts a process of `mind_argv`.
            path: The weights; the process has to be allowed to read them.
            idle_s: The child ends after so many seconds without a request.
            options: As in `LlamaOptions`.
        """
        self._spawn = spawn
        self._opening = {"path": str(path.resolve()), "idle_s": idle_s, **options}
        self._changed = threading.Condition()  # guards all that follows
        self._served: _Served | None = None  # gets new requests
        self._all: list[_Served] = []  # with those that were set aside
        self._adapters: dict[str, Adapter] = {}
        self._closed = False

    def admit(self, adapter: Adapter) -> None:
        """Know an adapter from now on; see `Engine.admit`. The child hears of it when it
        needs it, and has to be allowed to read its file."""
        with self._changed:
            refuse_renamed(self._adapters.get(adapter.name), adapter)
            self._adapters[adapter.name] = adapter

    def complete(self, request: Request, on_text: OnText | None = None) -> list[Completion]:
        """Complete a request; see `Engine.complete`.

        Raises:
            EngineFailed: As every engine. A child that is late gets no more requests, and is
                killed when nobody else talks with it.
        """
        ends = time.monotonic() + request.timeout_s
        hearer = Hearer(request.n, on_text)
        asked = {"complete": asdict(request), "streamed": hearer.wants}
        if request.adapter is not None:
            asked["adapter"] = self._adapter(request.adapter)
        try:
            answer = self._asked(asked, ends, hearer)
            completions = hearer.completions(answer)
        except TimeoutError as error:
            raise deadline_passed(request) from error
        except MALFORMED as error:
            raise EngineFailed("its process answered what no engine answers") from error
        if hearer.raised is not None:
            raise hearer.raised
        if completions is None:
            raise EngineFailed(str(answer["failed"]))
        return completions

    def report(self) -> Report:
        """Return what the child holds, if there is one and it answers soon."""
        with self._changed:
            if self._served is None or not is_quiet(self._served.child.socket):
                return Report(known=len(self._adapters))
        try:
            answer = self._asked({"report": True}, time.monotonic() + GRACE_S, Hearer(0, None))
            return report_of(answer)
        except (TimeoutError, EngineFailed, *MALFORMED):
            return Report(self.loaded, known=len(self._adapters))

    def unload(self) -> None:
        """End the child, once all requests are complete: its memory goes back."""
        with self._changed:
            if self._served is not None:
                self._set_aside(self._served)
            while self._all:
                self._changed.wait()

    def close(self) -> None:
        """End the child, for good."""
        self._closed = True
        self.unload()

    @property
    def loaded(self) -> bool:
        """Whether a child holds the weights."""
        served = self._served
        return served is not None and served.answered and is_quiet(served.child.socket)

    def _adapter(self, name: str) -> dict[str, Any]:
        adapter = self._adapters.get(name)
        if adapter is None:
            raise not_admitted(name)
        facts = {**vars(adapter), "config": dict(adapter.config)}
        return {**facts, "path": str(adapter.path.resolve())}

    def _asked(self, asked: dict[str, Any], ends: float, hearer: Hearer) -> dict[str, Any]:
        """Return what a child answers; another one, if the first left as it was asked."""
        with suppress(_Gone):
            return self._asked_once(asked, ends, hearer)
        try:
            return self._asked_once(asked, ends, hearer)
        except _Gone as gone:
            raise EngineFailed("its process left twice as it was asked; ask again") from gone

    def _asked_once(self, asked: dict[str, Any], ends: float, hearer: Hearer) -> dict[str, Any]:
        served = self._enter()
        try:
            answer = self._talk(served, asked, ends, hearer)
            served.answered = served.answered or "completions" in answer
            return answer
        except (TimeoutError, *MALFORMED):
            with self._changed:
                self._set_aside(served)
            raise
        except (OSError, EOFError) as error:
            raise self._why_it_went(served) from error
        finally:
            self._leave(served)

    def _talk(
        self, served: _Served, asked: dict[str, Any], ends: float, hearer: Hearer
    ) -> dict[str, Any]:
        left_s = max(0.001, ends - time.monotonic())
        if "complete" in asked:
            asked = {**asked, "complete": {**asked["complete"], "timeout_s": left_s}}
        ours, theirs = socket.socketpair()
        with ours:
            with theirs:
                ours.settimeout(left_s)
                socket.send_fds(served.child.socket, [b"+"], [theirs.fileno()])
            return converse(ours, asked, ends + GRACE_S, hearer)

    def _enter(self) -> _Served:
        """Return a child that is there, as far as one can see, with this request counted in."""
        with self._changed:
            if self._closed:
                raise engine_closed()
            served = self._served
            if served is not None and not is_quiet(served.child.socket):
                self._set_aside(served)  # it said bye, or died, while nobody looked
            if self._served is None:
                try:
                    child = self._spawn()
                except ChildDied as error:
                    raise EngineFailed(f"its process did not start: {error.why}") from error
                self._served = _Served(child)
                self._all.append(self._served)
                with suppress(OSError):  # what it said last tells why
                    say(child.socket, {"open": self._opening})
            self._served.talking += 1
            return self._served

    def _leave(self, served: _Served) -> None:
        with self._changed:
            served.talking -= 1
            self._end_if_unused(served)

    def _set_aside(self, served: _Served) -> None:
        """Give a child no more requests; end it when nobody talks with it."""
        served.set_aside = True
        if self._served is served:
            self._served = None
        self._end_if_unused(served)

    def _end_if_unused(self, served: _Served) -> None:
        if served.set_aside and not served.talking and served in self._all:
            self._all.remove(served)
            served.child.kill()
            served.child.socket.close()
            self._changed.notify_all()

    def _why_it_went(self, served: _Served) -> EngineFailed | _Gone:
        """Return why a child closed a conversation before its end."""
        with self._changed:
            self._set_aside(served)
            if served.last_words is None:
                served.last_words = _last_words(served.child)
        if "bye" in served.last_words:
            return _Gone()
        if "failed" in served.last_words:
            return EngineFailed(str(served.last_words["failed"]))
        return EngineFailed(f"its process ended ({served.last_words['died']}); ask again")


def _last_words(child: Child) -> Mapping[str, Any]:
    """Return what a child said before it went, or how it ended."""
    with suppress(OSError, EOFError, *MALFORMED):
        return received(child.socket, time.monotonic() + GRACE_S)
    return {"died": child.why_it_died()}
