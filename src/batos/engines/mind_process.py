"""The mind process: one engine, served on an inherited socket until nobody needs it.

Started by the launcher with what `child.mind_argv` wrote, and asked by `child`. Frames of
JSON, one request at a time:

    {"open": OPTIONS}                              first, once
    {"complete": REQUEST, "streamed": true}        -> {"text": [choice, text]}..., and then
                                                      {"completions": [...]} or {"failed": WHY}
    {"cancel": true}                               while a request is completed
                                                   -> {"bye": true}, idle for too long

It ends when the socket closes, and its memory goes back to the system with it. No torch,
no ZODB: it starts in a few milliseconds and has the processor's cores for itself.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import socket
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from batos.engines.contract import Engine, Request
from batos.engines.cores import COUNTERS
from batos.engines.llama_cpp import LlamaCpp, LlamaOptions
from batos.errors import EngineFailed, WallsUnavailable
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
    with socket.socket(fileno=int(descriptor)) as channel:
        try:
            _wall_in(Path(runtime_dir), [Path(path) for path in readable])
        except WallsUnavailable as error:
            failed = {"failed": f"its process could not be walled in: {error.why}"}
            send_frame(channel, json.dumps(failed).encode())
            raise
        opening = _received(channel)
        if opening is not None:
            options = opening["open"]
            path, idle_s = Path(options.pop("path")), options.pop("idle_s")
            engine = LlamaCpp(path, runtime_dir=Path(), options=LlamaOptions(**options))
            Service(channel, engine).serve(idle_s)


class Service:
    """Completes what comes over a socket."""

    def __init__(self, channel: socket.socket, engine: Engine) -> None:
        self._channel = channel
        self._engine = engine
        self._inbox: queue.SimpleQueue[Message | None] = queue.SimpleQueue()
        self._cancelled = threading.Event()  # the request that is being completed

    def serve(self, idle_s: float) -> None:
        """Answer requests until the socket closes, or none has come for so long."""
        threading.Thread(target=self._listen, daemon=True).start()
        with suppress(OSError):  # the owner closed while we spoke
            while (message := self._next(idle_s)) is not None:
                self._cancelled.clear()  # a cancel that came late was for the one before
                self._say(self._answer(message))
        self._engine.close()

    def _next(self, idle_s: float) -> Message | None:
        try:
            return self._inbox.get(timeout=idle_s)
        except queue.Empty:
            self._say({"bye": True})
            return None

    def _listen(self) -> None:
        """Sort what comes, while the engine is busy too."""
        with suppress(OSError, ValueError):
            while (message := _received(self._channel)) is not None:
                if "cancel" in message:
                    self._cancelled.set()
                else:
                    self._inbox.put(message)
        self._inbox.put(None)
        self._cancelled.set()

    def _answer(self, message: Message) -> Message:
        wanted = message["complete"]
        request = Request(**{**wanted, "stop": tuple(wanted["stop"])})

        def on_text(choice: int, text: str) -> bool:
            if message["streamed"]:
                self._say({"text": [choice, text]})
            return self._cancelled.is_set()

        try:
            completions = self._engine.complete(request, on_text)
        except EngineFailed as error:
            return {"failed": error.why}
        return {"completions": [asdict(completion) for completion in completions]}

    def _say(self, message: Message) -> None:
        send_frame(self._channel, json.dumps(message).encode())


def _wall_in(runtime_dir: Path, readable: list[Path]) -> None:
    """Give up all other files, and the network: weights from elsewhere are parsed in C++.

    Where a system has no walls, the weights' pinned hash has to do.

    Raises:
        WallsUnavailable: It has some, and they do not close.
    """
    if walls.why_unavailable() is None:
        there = [path for path in (COUNTERS, *readable) if path.exists()]
        walls.confine_reader(read=[*walls.python_paths(), *there], write=[runtime_dir])


def _received(channel: socket.socket) -> dict[str, Any] | None:
    frame = receive_frame(channel)
    if frame is None:
        return None
    message: dict[str, Any] = json.loads(frame)
    return message
