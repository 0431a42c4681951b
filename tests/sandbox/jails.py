"""A jail's process of the test's own, with an empty environment and no launcher."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Sequence

from batos.sandbox.jail import ZYGOTE_ARGV
from batos.sandbox.launcher import Child

_OPTIONS = ZYGOTE_ARGV.index("-c")


class Started(Child):
    """A child that is started without a launcher."""

    def __init__(self, argv: Sequence[str]) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            number = theirs.fileno()
            self._process = subprocess.Popen([*argv, str(number)], pass_fds=[number], env={})
        super().__init__(ours, self._process.pid, 1, self._answer)

    def _answer(self, line: str) -> str:
        if line.startswith("kill"):
            self._process.kill()
        return f"ended {self._process.wait(10)}"


class Spawner:
    """Starts children, and remembers them."""

    def __init__(self, argv: Sequence[str] = ZYGOTE_ARGV) -> None:
        self._argv = argv
        self.started: list[Started] = []

    def __call__(self) -> Started:
        self.started.append(Started(self._argv))
        return self.started[-1]

    @property
    def latest(self) -> Started:
        return self.started[-1]


def with_program(program: str) -> tuple[str, ...]:
    """Return the jail's argv with another program in place of its own."""
    return (*ZYGOTE_ARGV[: _OPTIONS + 1], program, *ZYGOTE_ARGV[_OPTIONS + 2 :])


def with_first(statement: str) -> tuple[str, ...]:
    """Return the jail's argv with a statement before it serves."""
    return with_program(ZYGOTE_ARGV[_OPTIONS + 1].replace("; from", f"; {statement}; from", 1))
