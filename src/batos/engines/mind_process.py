"""The mind process: one engine, served on an inherited socket until nobody needs it.

Started by the launcher with what `child.mind_argv` wrote, and asked by `child`. The inherited
socket says what to open, and then brings one new socket for each *conversation*, which is
one request and its answer; so requests run side by side, and one that is given up harms no
other. Frames of JSON:

    on the inherited one        {"open": OPTIONS}, once, then sockets
                                                -> {"bye": true}, idle for too long
    in a conversation           {"complete": REQUEST, "adapter": ADAPTER, "streamed": true}
                                                -> {"text": [choice, text]}..., and then
                                                   {"completions": [...]} or {"failed": WHY}
                                {"cancel": true}   meanwhile; closing it says the same
                                {"report": true}
                                                -> {"report": REPORT}

It ends when the inherited socket closes, and its memory goes back to the system with it. No
torch, no ZODB: it starts in a few milliseconds and has the processor's cores for itself.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from batos.engines.contract import Adapter, Engine, Request
from batos.engines.cores import COUNTERS
from batos.engines.llama_cpp import LlamaCpp
from batos.engines.llama_server import LlamaOptions
from batos.errors import AdapterRefused, EngineFailed, WallsUnavailable
from batos.sandbox import walls
from batos.sandbox.frames import receive_frame, send_frame

Message = Mapping[str, Any]


def main(runtime_dir: str, *rest: str) -> None:
    """Serve until the socket closes.

    Args:
        runtime_dir: Where the engine may make files.
        rest: Files and folders that it may read, and the socket's number.
    """
    *readable, descriptor = rest
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the owner
    os.chdir(runtime_dir)  # a socket's path may not be long, but it may be relative
    with socket.socket(fileno=int(descriptor)) as control:
        try:
            _wall_in(Path(runtime_dir), [Path(path) for path in readable])
        except WallsUnavailable as error:
            say(control, {"failed": f"its process could not be walled in: {error.why}"})
            raise
        opening = _received(control)
        if opening is not None:
            options = opening["open"]
            path, idle_s = Path(options.pop("path")), options.pop("idle_s")
            engine = LlamaCpp(path, runtime_dir=Path(), options=LlamaOptions(**options))
            Service(control, engine).serve(idle_s)


class Service:
    """Holds the conversations that come over a socket, each in a thread of its own."""

    def __init__(self, control: socket.socket, engine: Engine) -> None:
        self._control = control
        self._engine = engine
        self._lock = threading.Lock()
        self._talking = 0
        self._last_word = time.monotonic()  # of the conversation that ended last

    def serve(self, idle_s: float) -> None:
        """Converse until the socket closes, or nobody has come for so long."""
        with suppress(OSError):  # the owner closed while we spoke
            while (channel := self._next(idle_s)) is not None:
                with self._lock:
                    self._talking += 1
                threading.Thread(target=self._converse, args=(channel,), daemon=True).start()
        self._engine.close()

    def _next(self, idle_s: float) -> socket.socket | None:
        """Return the socket of the next conversation, or None when it is time to go."""
        while not _can_be_read(self._control, self._left_s(idle_s)):
            if self._left_s(idle_s) <= 0:
                say(self._control, {"bye": True})
                return None
        return next_conversation(self._control)

    def _left_s(self, idle_s: float) -> float:
        with self._lock:
            since = time.monotonic() if self._talking else self._last_word
        return max(0.0, since + idle_s - time.monotonic())

    def _converse(self, channel: socket.socket) -> None:
        try:
            with channel, suppress(OSError):  # nobody listens any more
                message = _received(channel)
                if message is not None:
                    say(channel, self._answer(message, channel))
        finally:
            with self._lock:
                self._talking -= 1
                self._last_word = time.monotonic()

    def _answer(self, message: Message, channel: socket.socket) -> Message:
        if "report" in message:
            return {"report": asdict(self._engine.report())}
        wanted, adapter = message["complete"], message.get("adapter")
        request = Request(**{**wanted, "stop": tuple(wanted["stop"])})

        def on_text(choice: int, text: str) -> bool:
            if message["streamed"]:
                say(channel, {"text": [choice, text]})
            return _can_be_read(channel, 0)  # it was cancelled, or closed

        try:
            if adapter is not None:
                path = Path(adapter["path"])
                self._engine.admit(Adapter(**{**adapter, "path": path}))
            completions = self._engine.complete(request, on_text)
        except EngineFailed as error:
            return {"failed": error.why}
        except AdapterRefused as error:
            return {"failed": f"the adapter {error.adapter} is refused: {error.why}"}
        return {"completions": [asdict(completion) for completion in completions]}


def next_conversation(control: socket.socket) -> socket.socket | None:
    """Return the socket that comes over another one, or None when that has closed."""
    said, descriptors, _, _ = socket.recv_fds(control, 1, 1)
    if not said or not descriptors:
        return None
    return socket.socket(fileno=descriptors[0])


def say(channel: socket.socket, message: Message) -> None:
    """Send a message."""
    send_frame(channel, json.dumps(message).encode())


def _wall_in(runtime_dir: Path, readable: list[Path]) -> None:
    """Give up all other files, and the network: weights from elsewhere are parsed in C++.

    Where a system has no walls, the weights' pinned hash has to do.

    Raises:
        WallsUnavailable: It has some, and they do not close.
    """
    if walls.why_unavailable() is None:
        there = [path for path in (COUNTERS, *readable) if path.exists()]
        walls.confine_reader(read=[*walls.python_paths(), *there], write=[runtime_dir])


def _can_be_read(channel: socket.socket, timeout_s: float) -> bool:
    """Wait until something has come, or the other side has closed."""
    poll = select.poll()
    poll.register(channel, select.POLLIN)
    return bool(poll.poll(timeout_s * 1000))


def _received(channel: socket.socket) -> dict[str, Any] | None:
    frame = receive_frame(channel)
    if frame is None:
        return None
    message: dict[str, Any] = json.loads(frame)
    return message
