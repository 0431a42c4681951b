"""How long does a person wait for a command, and for a first thought?

Run `python bench/commands.py` with the embedded mind pulled (`batos mind pull`). Every
figure is the wall time of a whole process, median of several after one warm-up: a bare
`python -c pass` (the peer), `batos --help`, `batos send` of a message that is understood
(inside walls, no mind), and a first growth: a message nobody understands, eight proposals
by a cold mind, tried and installed. Last line: the same as JSON. Compare only numbers from
one machine and one run.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from batos.errors import GrowthFailed

PYTHON = [sys.executable]
BATOS = [sys.executable, "-P", "-m", "batos"]
EXAMPLES = (
    "10 => 110 | balance=110",
    "25 => 125 | balance=125",
    "balance=0 | 7 => 7 | balance=7",
)


def main() -> None:
    """Print one line a figure, then JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    folder = Path(tempfile.mkdtemp(prefix="batos-bench-"))
    try:
        seconds, abstained = measure(folder, rounds)
    finally:
        shutil.rmtree(folder)
    for name, value in seconds.items():
        print(f"{name:<28} {value:7.3f} s   {value / seconds['python']:6.1f} x python")
    print(f"{abstained} of {rounds + 1} growths abstained")
    figures = {name: round(value, 4) for name, value in seconds.items()}
    print(json.dumps({"rounds": rounds, "abstained": abstained, **figures}))


def measure(folder: Path, rounds: int) -> tuple[dict[str, float], int]:
    """Return the median seconds of each command, and how many growths abstained."""
    batos = [*BATOS, "-u", str(folder / "bench.universe")]
    run([*batos, "awaken"])
    run([*batos, "clone", "genesis_obj", "account", "balance=100"])
    run([*batos, "define", "account"], b"def twice(self):\n    return self.balance * 2\n")
    prepare(batos, rounds)
    known = [*batos, "send", "account", "twice", "--mode", "off"]
    grown: list[bool] = []
    seconds = {
        "python": timed(lambda _: run([*PYTHON, "-c", "pass"]), rounds),
        "help": timed(lambda _: run([*BATOS, "--help"]), rounds),
        "send_known": timed(lambda _: run(known), rounds),
        "first_growth_8_proposals": timed(lambda turn: grown.append(grow(batos, turn)), rounds),
    }
    return seconds, grown.count(False)


def prepare(batos: list[str], rounds: int) -> None:
    """Make accounts of a kind of their own each: none can learn from another."""
    for turn in range(-1, rounds):
        run([*batos, "clone", "genesis_obj", f"kind{turn + 1}"])
        run([*batos, "clone", f"kind{turn + 1}", f"account{turn + 1}", "balance=100"])


def grow(batos: list[str], turn: int) -> bool:
    """Send a message nobody understands; return whether a method stood.

    The time of one that abstains counts, too.
    """
    shown = [word for example in EXAMPLES for word in ("-e", example)]
    send = ["send", f"account{turn + 1}", "deposit_", "50", *shown, "--mode", "auto", "-q"]
    ended = subprocess.run([*batos, *send], check=False, capture_output=True)
    if ended.returncode not in (0, GrowthFailed.exit_code):
        ended.check_returncode()
    return ended.returncode == 0


def run(command: list[str], stdin: bytes = b"") -> None:
    """Run a command that must succeed."""
    subprocess.run(command, input=stdin, check=True, capture_output=True)


def timed(act: Callable[[int], None], rounds: int) -> float:
    """Return the median seconds of an act, after one that does not count."""
    act(-1)
    seconds = []
    for turn in range(rounds):
        started = time.perf_counter()
        act(turn)
        seconds.append(time.perf_counter() - started)
    return median(seconds)


if __name__ == "__main__":
    main()
