"""An engine in a process of its own, from the owner's side: the same contract.

The child (`mind_process`) is started on the first request, ends by itself when it was idle
for a while, and is replaced when it died or hangs. What it sends is checked: weights from
elsewhere are parsed there. How it is started is the launcher's business, because the owner
may have walls around it.
"""

from __future__ import annotations

import json
import select
import socket
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, get_args

from batos.engines.contract import (
    Completion,
    Finish,
    OnText,
    Request,
    deadline_passed,
    engine_closed,
)
from batos.errors import ChildDied, EngineFailed
from batos.sandbox.frames import receive_frame, send_frame
from batos.sandbox.launcher import Child, python_argv

_GRACE_S = 0.5  # for a child to say itself that the time is over, and to keep its weights
_MALFORMED = (ValueError, TypeError, LookupError, RecursionError)


def mind_argv(readable: Sequence[Path], runtime_dir: Path) -> tuple[str, ...]:
    """Return the command of the mind process, for the launcher's table.

    Its walls are decided here, before the owner's: an owner that was taken over can give it
    nothing else to read.

    Args:
        readable: Weights, or folders of weights.
        runtime_dir: A folder that is there, in which it may make files; the only one.
    """
    places = [str(place.resolve()) for place in (runtime_dir, *readable)]
    return python_argv("batos.engines.mind_process", ("batos", "xllamacpp"), *places)


class ChildEngine:
    """An `Engine` whose weights are in a child, loaded on the first request."""

    def __init__(
        self,
        spawn: Callable[[], Child],
        path: Path,
        *,
        idle_s: float = 300.0,
        context_tokens: int = 4096,
        pool_tokens: int = 8192,
        parallel: int = 16,
        threads: int | None = None,
    ) -> None:
        """Keep in mind what to start.

        Args:
            spawn: Starts a process of `mind_argv`.
            path: The weights; the process has to be allowed to read them.
            idle_s: The child ends after so many seconds without a request.
            context_tokens: As in `LlamaOptions`, and so are the rest.
        """
        self._spawn = spawn
        self._opening = {
            "path": str(path.resolve()),
            "idle_s": idle_s,
            "context_tokens": context_tokens,
            "pool_tokens": pool_tokens,
            "parallel": parallel,
            "threads": threads,
        }
        self._lock = threading.Lock()  # one request at a time on the socket
        self._child: Child | None = None
        self._loaded = False
        self._closed = False

    def complete(self, request: Request, on_text: OnText | None = None) -> list[Completion]:
        """Complete a request; see `Engine.complete`.

        Raises:
            EngineFailed: As every engine. A child that is late is killed, and the next
                request starts another.
        """
        ends = time.monotonic() + request.timeout_s
        if not self._lock.acquire(timeout=request.timeout_s):
            raise deadline_passed(request)
        try:
            if self._closed:
                raise engine_closed()
            return self._complete(request, _Hearer(request.n, on_text), ends)
        finally:
            self._lock.release()

    def unload(self) -> None:
        """End the child: all of its memory goes back to the system."""
        with self._lock:
            self._bury()

    def close(self) -> None:
        """End the child, for good."""
        with self._lock:
            self._closed = True
            self._bury()

    @property
    def loaded(self) -> bool:
        """Whether a child holds the weights."""
        if not self._lock.acquire(blocking=False):
            return self._loaded  # it is busy with a request
        try:
            child = self._child
            return self._loaded and child is not None and _is_waiting(child.socket)
        finally:
            self._lock.release()

    def _complete(self, request: Request, hearer: _Hearer, ends: float) -> list[Completion]:
        try:
            answer = self._exchange(request, hearer, ends)
            if "bye" in answer:  # it went while we asked, and never saw the request
                self._bury()
                answer = self._exchange(request, hearer, ends)
            completions = hearer.completions(answer)
        except TimeoutError as error:
            self._bury()
            raise deadline_passed(request) from error
        except (OSError, EOFError) as error:
            why = self._child.why_it_died() if self._child else "nobody knows how"
            self._bury()
            raise EngineFailed(f"its process ended ({why}); ask again") from error
        except ChildDied as error:
            raise EngineFailed(f"its process did not start: {error.why}") from error
        except _MALFORMED as error:
            self._bury()
            raise EngineFailed("its process answered what no engine answers") from error
        except BaseException:
            self._bury()  # its answer would be taken for the next one's
            raise
        if hearer.raised is not None:
            raise hearer.raised
        if completions is None:
            raise EngineFailed(str(answer["failed"]))
        self._loaded = True
        return completions

    def _exchange(self, request: Request, hearer: _Hearer, ends: float) -> dict[str, Any]:
        """Ask, hand on the text, and return what the child says in the end."""
        channel = self._awake().socket
        left_s = max(0.001, ends - time.monotonic())
        channel.settimeout(left_s)
        asked = {"complete": {**asdict(request), "timeout_s": left_s}, "streamed": hearer.wants}
        with suppress(ConnectionError):  # what it said last tells why
            _say(channel, asked)
        while "text" in (answer := _received(channel, ends + _GRACE_S)):
            choice, text = answer["text"]
            if hearer.hear(choice, text):
                _say(channel, {"cancel": True})
        return answer

    def _awake(self) -> Child:
        """Return a child that is there, as far as one can see."""
        if self._child is not None and not _is_waiting(self._child.socket):
            self._bury()  # it said bye, or died, while nobody looked
        if self._child is None:
            self._child = self._spawn()
            _say(self._child.socket, {"open": self._opening})
        return self._child

    def _bury(self) -> None:
        child, self._child, self._loaded = self._child, None, False
        if child is not None:
            child.kill()
            child.socket.close()


class _Hearer:
    """Hands a request's text on to whoever asked, until they have heard enough."""

    def __init__(self, n: int, on_text: OnText | None) -> None:
        self.wants = on_text is not None
        self.raised: BaseException | None = None
        self._n = n
        self._on_text = on_text

    def hear(self, choice: int, text: str) -> bool:
        """Hand on a piece of text; return whether to cancel now."""
        if self._on_text is None:
            return False
        if not (isinstance(text, str) and choice in range(self._n)):
            raise ValueError(f"text of choice {choice!r}")
        try:
            enough = bool(self._on_text(choice, text))
        except BaseException as error:  # the child is let to finish first
            self.raised = error
            enough = True
        if enough:
            self._on_text = None
        return enough

    def completions(self, answer: dict[str, Any]) -> list[Completion] | None:
        """Return what the child answered, or None if it failed.

        Raises:
            LookupError, TypeError, ValueError: It is no such answer.
        """
        if "failed" in answer:
            return None
        completions = [Completion(**found) for found in answer["completions"]]
        for completion in completions:
            types = (type(completion.text), type(completion.tokens))
            if types != (str, int) or completion.finish not in get_args(Finish):
                raise ValueError(f"{completion!r}")
        if len(completions) != self._n:
            raise ValueError(f"{len(completions)} completions instead of {self._n}")
        return completions


def _is_waiting(channel: socket.socket) -> bool:
    """Tell whether the other side is there, and has said nothing that waits to be read."""
    poll = select.poll()
    poll.register(channel, select.POLLIN)
    return not poll.poll(0)


def _say(channel: socket.socket, message: dict[str, Any]) -> None:
    send_frame(channel, json.dumps(message).encode())


def _received(channel: socket.socket, ends: float) -> dict[str, Any]:
    frame = receive_frame(channel, ends=ends)
    if frame is None:
        raise EOFError
    message: dict[str, Any] = json.loads(frame)
    return message
