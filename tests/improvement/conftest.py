"""A jail for exams, and minds that say what they are told to."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import pytest

from batos.sandbox import walls
from batos.sandbox.jail import ZYGOTE_ARGV, Jail
from batos.sandbox.launcher import Launcher


@pytest.fixture(scope="session")
def jail() -> Iterator[Jail]:
    launcher = Launcher({"jail": ZYGOTE_ARGV})
    launcher.start()
    unwalled = walls.why_unavailable() is not None
    found = Jail(partial(launcher.spawn, "jail"), unwalled=unwalled)
    yield found
    found.close()
    launcher.close()
