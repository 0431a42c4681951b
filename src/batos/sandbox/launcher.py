"""The launcher: starts the processes that a walled process needs, from a fixed table.

A process inside its walls can neither fork nor execute, nor signal another. So a small
process is started before the walls (`spawner`, which also judges what it is asked), and
asked over a socket that is open already: from then on this side only sends and receives.

When the owner ends, however it ends, its children are killed. They should also end by
themselves when their socket closes, for the case that the launcher was killed first.
"""

from __future__ import annotations

import importlib.util
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from batos.errors import ChildDied

_START = (
    "import sys; sys.path += sys.argv[2].split(':');"
    " from importlib import import_module; import_module(sys.argv[1]).main(*sys.argv[3:])"
)
_ENVIRONMENT = {"LANG": "C.UTF-8", "PATH": "/usr/bin:/bin"}
_SPAWNER = Path(__file__).with_name("spawner.py")
_ANSWER_BYTES = 256
_PATIENCE_S = 30.0  # it answers within a few milliseconds


def python_argv(module: str, needs: Sequence[str], *arguments: str) -> tuple[str, ...]:
    """Return the command of an isolated Python that calls `main` of a module.

    `main` gets the arguments as text, and after them the number of its socket.

    Args:
        module: Its full name.
        needs: Packages that it imports, beside the standard library; those that are not
            installed are left out.
        arguments: What is known before the walls.
    """
    roots: dict[str, None] = {}
    for name in needs:
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.origin is not None:
            roots[str(Path(spec.origin).parents[name.count(".") + 1])] = None
    return (sys.executable, "-I", "-S", "-c", _START, module, ":".join(roots), *arguments)


class Child:
    """A process that a launcher started, and this end of its socket."""

    def __init__(
        self, channel: socket.socket, pid: int, number: int, ask: Callable[[str], str]
    ) -> None:
        self.socket = channel
        self.pid = pid
        self._number = number  # what the launcher knows it by: a pid may be used again
        self._ask = ask

    def kill(self) -> None:
        """End the process, if it has not ended; it is gone when this returns."""
        with suppress(ChildDied):  # nobody is left to ask: it ends with its socket
            self._ask(f"kill {self._number}")

    def why_it_died(self) -> str:
        """Return how the process ended, for a person: "signal 9", "exit status 1"."""
        try:
            answer = self._ask(f"ended {self._number}")
        except ChildDied:
            return "its launcher ended"
        if not answer.startswith("ended "):
            return "it closed its socket"
        code = int(answer.removeprefix("ended "))
        return f"signal {-code}" if code < 0 else f"exit status {code}"


class Launcher:
    """Starts children by the name of their command. Safe to use from several threads."""

    def __init__(
        self,
        commands: Mapping[str, Sequence[str]],
        *,
        environment: Mapping[str, str] = _ENVIRONMENT,
        loud: bool = False,
    ) -> None:
        """Keep the table; nothing is started yet.

        Args:
            commands: What each name starts: an absolute path, then arguments. The number
                of the child's socket comes after them.
            environment: All of a child's environment.
            loud: Let children write to this process's standard error, to find out what
                ails them.
        """
        for name, argv in commands.items():
            if not name.isidentifier() or not argv or not argv[0].startswith("/"):
                raise ValueError(
                    f"commands[{name!r}] is {list(argv)!r}: wanted an identifier, and an"
                    " absolute path with its arguments"
                )
        self._commands = {name: tuple(argv) for name, argv in commands.items()}
        self._environment = dict(environment)
        self._errors = None if loud else subprocess.DEVNULL
        self._lock = threading.Lock()  # one start or close at a time
        self._control: _Control | None = None

    def start(self) -> None:
        """Start the launcher's process, unless it runs. Call it before the walls.

        Raises:
            ChildDied: It did not start.
        """
        self._started()

    def spawn(self, name: str) -> Child:
        """Start a child, with one end of a new socket pair; `Child.socket` is the other.

        The launcher is started if it does not run, which a walled process cannot do.

        Raises:
            ValueError: The table has no such command.
            ChildDied: The launcher is not running, or could not start the child.
        """
        if name not in self._commands:
            raise ValueError(f"command {name!r}: wanted one of {', '.join(self._commands)}")
        control = self._started()
        answer, descriptors = control.exchange(f"spawn {name}")
        if not answer.startswith("started ") or len(descriptors) != 1:
            raise ChildDied(name, answer.removeprefix("refused "))
        number, pid = map(int, answer.split()[1:])
        os.set_inheritable(descriptors[0], False)
        return Child(socket.socket(fileno=descriptors[0]), pid, number, control.ask)

    def close(self) -> None:
        """End the launcher's process and all of its children. `start` begins anew."""
        with self._lock:
            control, self._control = self._control, None
            if control is not None:
                control.close()

    def _started(self) -> _Control:
        with self._lock:
            if self._control is not None and self._control.ended:
                self._control.close()
                self._control = None
            if self._control is None:
                self._control = self._new_control()
            return self._control

    def _new_control(self) -> _Control:
        ours, theirs = socket.socketpair()
        number = theirs.fileno()
        table = [
            word
            for name, argv in self._commands.items()
            for word in (name, str(len(argv)), *argv)
        ]
        try:
            with theirs:
                process = subprocess.Popen(  # noqa: S603  (this Python, this package)
                    [sys.executable, "-I", "-S", str(_SPAWNER), str(number), *table],
                    pass_fds=[number],
                    env=self._environment,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=self._errors,
                    start_new_session=True,  # Ctrl-C is for the owner
                )
        except OSError as error:
            ours.close()
            raise ChildDied("launcher", f"it did not start: {error}") from error
        return _Control(ours, process)


class _Control:
    """The socket to one launcher's process."""

    def __init__(self, channel: socket.socket, process: subprocess.Popen[bytes]) -> None:
        self.ended = False
        channel.settimeout(_PATIENCE_S)
        self._channel = channel
        self._process = process
        self._lock = threading.Lock()  # one question at a time

    def ask(self, line: str) -> str:
        return self.exchange(line)[0]

    def exchange(self, line: str) -> tuple[str, list[int]]:
        """Return the answer, and the descriptors that came with it.

        Raises:
            ChildDied: Nobody answers any more.
        """
        with self._lock:
            try:
                self._channel.sendall(line.encode() + b"\n")
                answer, descriptors, _, _ = socket.recv_fds(self._channel, _ANSWER_BYTES, 1)
            except OSError as error:
                self.ended = True
                raise ChildDied("launcher", str(error)) from error
        if not answer.endswith(b"\n"):
            self.ended = True
            raise ChildDied("launcher", "its socket closed")
        return answer.decode().strip(), descriptors

    def close(self) -> None:
        """Let the process end, and its children with it."""
        with self._lock:
            self.ended = True
            self._channel.close()
            self._process.wait()
