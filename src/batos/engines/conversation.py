"""One request to a mind process, and its answer, from the owner's side.

What the process sends is checked: weights from elsewhere are parsed there.
"""

from __future__ import annotations

import json
import select
import socket
from contextlib import suppress
from typing import Any, get_args

from batos.engines.contract import Completion, Finish, OnText, Report
from batos.sandbox.frames import receive_frame, send_frame

MALFORMED = (ValueError, TypeError, LookupError, RecursionError)  # of what is no answer


class Hearer:
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
        except Exception as error:  # the child is let to finish first
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


def report_of(answer: dict[str, Any]) -> Report:
    """Return a report that a child sent.

    Raises:
        LookupError, TypeError, ValueError: It is none.
    """
    found = answer["report"]
    report = Report(**{**found, "resident": tuple(found["resident"])})
    wanted = Report(resident=("",))
    for key, value in vars(report).items():
        kind = type(getattr(wanted, key))
        if not isinstance(value, kind) and not (kind is float and type(value) is int):
            raise ValueError(f"{key}={value!r} of a report")
    return report


def converse(
    channel: socket.socket, asked: dict[str, Any], ends: float, hearer: Hearer
) -> dict[str, Any]:
    """Ask, hand on the text, and return what the child says in the end.

    Raises:
        TimeoutError: It said nothing in time.
        EOFError, OSError: It closed.
        LookupError, TypeError, ValueError: What it said is no answer.
    """
    with suppress(ConnectionError):  # what it said last tells why
        say(channel, asked)
    while "text" in (answer := received(channel, ends)):
        choice, text = answer["text"]
        if hearer.hear(choice, text):
            with suppress(ConnectionError):  # it has said all, and what it said is still here
                say(channel, {"cancel": True})
    return answer


def is_quiet(channel: socket.socket) -> bool:
    """Tell whether the other side is there, and has said nothing that waits to be read."""
    try:
        poll = select.poll()
        poll.register(channel, select.POLLIN)
        return not poll.poll(0)
    except (OSError, ValueError):  # closed on this side
        return False


def say(channel: socket.socket, message: dict[str, Any]) -> None:
    """Send a message."""
    send_frame(channel, json.dumps(message).encode())


def received(channel: socket.socket, ends: float) -> dict[str, Any]:
    """Return the next message.

    Raises:
        TimeoutError: It was not whole in time.
        EOFError, OSError: The other side has closed.
        ValueError: It is no message.
    """
    frame = receive_frame(channel, ends=ends)
    if frame is None:
        raise EOFError
    message = json.loads(frame)
    if not isinstance(message, dict):
        raise ValueError(f"{message!r} is no message")
    return message
