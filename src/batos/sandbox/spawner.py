"""The launcher's process: starts children from a fixed table, for as long as its owner lives.

Run as a script by `launcher`, before the owner walls itself in; then it is the only one
that can still start anything. The owner may have been taken over by a generated method, so
nothing that it says is trusted: it names a command of the table, or a child by number.

    spawn NAME     -> started NUMBER PID, and with it the owner's end of a socket pair
    kill NUMBER    -> ended HOW           (the child is gone when this comes)
    ended NUMBER   -> ended HOW, or running

HOW is what `os.waitstatus_to_exitcode` says. Anything else is answered with "refused WHY".
A child gets this process's environment and standard files, and its socket.
Only the standard library is imported: this process starts in a few milliseconds.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import sys
import time

MAX_CHILDREN = 32  # alive at once
MAX_REMEMBERED = 1_000  # children that ended, and how
MAX_LINE_BYTES = 256
_LAST_MOMENT_S = 1.0  # a child whose socket has closed may still be ending

Commands = dict[str, list[str]]


class Spawner:
    """The children of one owner."""

    def __init__(self, control: socket.socket, commands: Commands) -> None:
        self._control = control
        self._commands = commands
        self._running: dict[int, int] = {}  # a child's number -> its process
        self._ended: dict[int, int] = {}  # a child's number -> how
        self._count = 0
        self._wakes, wakes = os.pipe()
        os.set_blocking(wakes, False)
        signal.set_wakeup_fd(wakes, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda _signal, _frame: None)  # so that it wakes us

    def serve(self) -> None:
        """Answer the owner until it is gone or talks nonsense; then end every child."""
        try:
            while (line := self._next_line()) is not None:
                self._answer(line)
        except OSError:
            pass  # the owner died in the middle of something
        finally:
            for number in list(self._running):
                self._kill(number)

    def _next_line(self) -> str | None:
        """Return the owner's next line. Buries the children that end meanwhile."""
        line = b""
        while not line.endswith(b"\n"):
            control = self._control.fileno()
            readable, _, _ = select.select([control, self._wakes], [], [])
            self._reap()
            if control not in readable:
                continue
            chunk = self._control.recv(MAX_LINE_BYTES)
            line += chunk
            if not chunk or len(line) > MAX_LINE_BYTES:
                return None
        return line.decode("ascii", "replace").strip()

    def _answer(self, line: str) -> None:
        verb, _, rest = line.partition(" ")
        if verb == "spawn":
            self._spawn(rest)
        elif verb == "kill" and rest.isdecimal():
            self._kill(int(rest))
            self._tell_end(int(rest))
        elif verb == "ended" and rest.isdecimal():
            self._wait(int(rest), _LAST_MOMENT_S)
            self._tell_end(int(rest))
        else:
            self._say("refused it is no request")

    def _spawn(self, name: str) -> None:
        if name not in self._commands:
            self._say("refused the table has no such command")
        elif len(self._running) >= MAX_CHILDREN:
            self._say(f"refused {MAX_CHILDREN} children are running already")
        else:
            try:
                self._start(self._commands[name])
            except OSError as error:
                self._say(f"refused it did not start: {error.strerror}")

    def _start(self, argv: list[str]) -> None:
        ours, theirs = socket.socketpair()
        with ours, theirs:
            theirs.set_inheritable(True)  # all else closes by itself
            pid = os.posix_spawn(argv[0], [*argv, str(theirs.fileno())], os.environ)
            self._count += 1
            self._running[self._count] = pid
            started = f"started {self._count} {pid}\n".encode()
            socket.send_fds(self._control, [started], [ours.fileno()])

    def _kill(self, number: int) -> None:
        """End a child, unless it has ended: its process number may be another's now."""
        pid = self._running.get(number)
        if pid is not None:
            os.kill(pid, signal.SIGKILL)  # ours until we have waited for it
            self._bury(number, os.waitpid(pid, 0)[1])

    def _wait(self, number: int, at_most_s: float) -> None:
        ends = time.monotonic() + at_most_s
        self._reap()
        while number in self._running and (left_s := ends - time.monotonic()) > 0:
            select.select([self._wakes], [], [], left_s)
            self._reap()

    def _reap(self) -> None:
        while select.select([self._wakes], [], [], 0)[0]:
            os.read(self._wakes, 4096)
        for number, pid in list(self._running.items()):
            found, status = os.waitpid(pid, os.WNOHANG)
            if found:
                self._bury(number, status)

    def _bury(self, number: int, status: int) -> None:
        del self._running[number]
        self._ended[number] = os.waitstatus_to_exitcode(status)
        if len(self._ended) > MAX_REMEMBERED:
            del self._ended[next(iter(self._ended))]

    def _tell_end(self, number: int) -> None:
        if number in self._ended:
            self._say(f"ended {self._ended[number]}")
        elif number in self._running:
            self._say("running")
        else:
            self._say("refused there is no such child")

    def _say(self, line: str) -> None:
        self._control.sendall(line.encode("ascii", "replace") + b"\n")


def commands_from(words: list[str]) -> Commands:
    """Return the table that `launcher` wrote as NAME, NUMBER OF WORDS, WORD... for each."""
    commands: Commands = {}
    while words:
        name, count, *words = words
        commands[name], words = words[: int(count)], words[int(count) :]
    return commands


if __name__ == "__main__":
    _descriptor, *_words = sys.argv[1:]
    with socket.socket(fileno=int(_descriptor)) as _control:
        _control.set_inheritable(False)  # a child that had it could ask, and outlive us
        Spawner(_control, commands_from(_words)).serve()
