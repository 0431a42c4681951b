"""The processes that go along with whoever owns a universe, and the owner's own walls.

The mind thinks, and methods are tried, in processes of their own. A small launcher starts
them when they are first needed; it has to run before its owner walls itself in, because
nothing can be started from inside.
"""

from __future__ import annotations

import faulthandler
import os
import resource
import signal
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import BinaryIO

from batos.engines.child import ChildEngine, mind_argv
from batos.engines.contract import Engine
from batos.errors import WallsUnavailable
from batos.sandbox import walls
from batos.sandbox.jail import ZYGOTE_ARGV, Jail
from batos.sandbox.launcher import Child, Launcher
from batos.sandbox.meter import Meter
from batos.universe.addresses import Address

MEMORY_BYTES = 2 << 30  # the most that an owner takes beyond what it has when it starts
KILL_AFTER_S = 3.0  # of computing in one message; the soft timer ends it after 1 s if it can
_KILL = signal.SIGPROF


class Processes:
    """A launcher, and the jail and the minds that it starts. Safe to use from threads."""

    def __init__(self, folder: Path, idle_s: float, address: Address | None = None) -> None:
        """Keep in mind what to start.

        Args:
            folder: The universe's, absolute: what the processes may read lies there.
            idle_s: A mind's process ends after so long without a thought.
            address: Where the universe lies, if that is not the folder.
        """
        self._on_server = address is not None and address.on_server
        self._folder = folder
        self._scratch = folder / "tmp"
        self._idle_s = idle_s
        mind = mind_argv([address.blobs if address else folder / "blobs"], self._scratch)
        self._launcher = Launcher({"jail": ZYGOTE_ARGV, "mind": mind})
        self._lock = threading.Lock()  # two threads may need the jail first at once
        self._jail: Jail | None = None

    def jail(self) -> Jail:
        """Return the jail, started if it was not."""
        with self._lock:
            if self._jail is None:
                unwalled = walls.why_unavailable() is not None
                self._jail = Jail(partial(self._spawn, "jail"), unwalled=unwalled)
            return self._jail

    def engine(self, weights: Path) -> Engine:
        """Return an engine in a process of its own, which starts with its first thought."""
        return ChildEngine(partial(self._spawn, "mind"), weights, idle_s=self._idle_s)

    def why_no_walls(self) -> str | None:
        """Return why the owner cannot be walled in here, or None where it can."""
        if self._on_server:
            return "its universe is on a server, and walls leave no way to connect to one"
        return walls.why_unavailable()

    def wall_in(self) -> None:
        """Confine this process for good, once the launcher runs.

        Raises:
            WallsUnavailable: This system cannot, the universe is on a server, or the process
                has threads already.
        """
        why = self.why_no_walls()
        if why is not None:
            raise WallsUnavailable(why)
        self._start()
        tempfile.tempdir = str(self._scratch)  # savepoints need a folder inside the walls
        walls.confine_owner(
            read=walls.python_paths(), write=[self._folder], memory_bytes=_memory_bytes()
        )

    def limit_memory(self) -> None:
        """Let this process take only so much more memory; in walls it is limited already."""
        if not walls.confined():
            walls.limit_data(_memory_bytes())

    def close(self) -> None:
        """End them all."""
        if self._jail is not None:
            self._jail.close()
        self._launcher.close()

    def _spawn(self, name: str) -> Child:
        self._start()  # inside the walls it runs already
        return self._launcher.spawn(name)

    def _start(self) -> None:
        self._scratch.mkdir(exist_ok=True)
        self._launcher.start()


@contextmanager
def without_universe(weights: Path) -> Iterator[tuple[Engine, Jail]]:
    """Give a mind and a jail that belong to no universe, each in its walled process.

    Args:
        weights: What the mind thinks with; nothing is copied.
    """
    with tempfile.TemporaryDirectory(prefix="batos-") as scratch:
        mind = mind_argv([weights], Path(scratch))
        launcher = Launcher({"jail": ZYGOTE_ARGV, "mind": mind})
        launcher.start()
        engine = ChildEngine(partial(launcher.spawn, "mind"), weights)
        unwalled = walls.why_unavailable() is not None
        jail = Jail(partial(launcher.spawn, "jail"), unwalled=unwalled)
        try:
            yield engine, jail
        finally:
            engine.close()
            jail.close()
            launcher.close()


def watch_over(meter: Meter, trace: BinaryIO | None) -> None:
    """Let the kernel end this process if one message computes for too long.

    Args:
        meter: What runs methods.
        trace: Where it is written what ran, for the next owner.
    """
    if trace is not None:
        faulthandler.register(_KILL, file=trace, all_threads=False, chain=True)
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    meter.kill_after_s = KILL_AFTER_S


def was_ended_by_watchdog(status: int) -> bool:
    """Tell whether a process ended as `watch_over` ends one, for whoever starts it again.

    Args:
        status: Its exit code as `subprocess` gives it: less than 0 for a signal.
    """
    return status == -_KILL


def _memory_bytes() -> int:
    """Return how much memory an owner may take: never more than half of the machine's."""
    try:
        installed = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError):
        return MEMORY_BYTES
    return min(MEMORY_BYTES, installed // 2)
