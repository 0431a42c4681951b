"""`batos doctor`: what this machine has, what it lacks, and what to do about it."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

import click

from batos.workbench.options import Options, command

_NEEDED = ("ZODB", "RestrictedPython", "xllamacpp", "click", "rich", "huggingface_hub")
_SPACE_BYTES = 1 << 30
_SIGNS = {"ok": "✓", "note": "·", "lacks": "✗"}


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    what: str
    state: Literal["ok", "note", "lacks"]  # only what is lacking fails the command
    text: str


@command("doctor")
@click.pass_obj
def doctor(options: Options) -> int:
    """Check what this machine has and lacks; ends with 1 if something needed is missing.

    Example: batos doctor --json
    """
    findings = [finding for check in _CHECKS for finding in check(options)]
    lines = [f"{_SIGNS[f.state]} {f.what:<10} {f.text}" for f in findings]
    options.answer("\n".join(lines), findings)
    return int(any(finding.state == "lacks" for finding in findings))


def _python(_options: Options) -> Iterator[Finding]:
    text = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    yield Finding("python", "ok" if sys.version_info >= (3, 11) else "lacks", text)
    for name in _NEEDED:
        try:
            yield Finding(name, "ok", version(name))
        except PackageNotFoundError:
            yield Finding(name, "lacks", "not installed; install batos again")


def _walls(_options: Options) -> Iterator[Finding]:
    from batos.sandbox import walls  # noqa: PLC0415  `--help` stays quick

    why = walls.why_unavailable()
    if why is None:
        yield Finding("walls", "ok", "Landlock and seccomp: methods may grow in mode auto")
    else:
        yield Finding("walls", "note", f"none ({why}): methods grow in mode ask only")


def _minds(options: Options) -> Iterator[Finding]:
    from batos.engines.catalog import listing  # noqa: PLC0415  `--help` stays quick

    here = [entry.name for entry in listing(options.cache) if entry.here]
    if here:
        yield Finding("minds", "ok", f"{', '.join(here)} in {options.cache}")
    else:
        yield Finding("minds", "lacks", "none here; run `batos mind pull`")


def _universe(options: Options) -> Iterator[Finding]:
    from batos.errors import BatosError  # noqa: PLC0415  `--help` stays quick
    from batos.universe.tails import kept_tails  # noqa: PLC0415

    try:
        with options.open(read_only=True) as universe:
            moments = len(universe.log(10**9, everything=True))
            unfinished = universe.unfinished_forgettings()
        yield Finding("universe", "ok", f"{universe.shown}, {moments} transactions")
        if unfinished:
            text = "a forgetting is unfinished; `batos forget --finish` ends it"
            yield Finding("universe", "note", text)
    except BatosError as error:
        yield Finding("universe", "note", str(error))
    path = options.settings.universe
    if isinstance(path, Path) and (tails := [file.name for file in kept_tails(path)]):
        text = f"{', '.join(tails)}: commits that a crash cut short"
        yield Finding("universe", "note", text)


def _disk(options: Options) -> Iterator[Finding]:
    universe = options.settings.universe
    place = _existing(universe if isinstance(universe, Path) else options.cache)
    free = shutil.disk_usage(place).free
    text = f"{free / 2**30:.1f} GiB free at {place}"
    yield Finding("disk", "ok" if free > _SPACE_BYTES else "lacks", text)
    yield Finding("processors", "ok", f"{os.cpu_count()}")


def _existing(path: Path) -> Path:
    return next(place for place in (path, *path.absolute().parents) if place.exists())


_CHECKS: tuple[Callable[[Options], Iterator[Finding]], ...] = (
    _python,
    _walls,
    _minds,
    _universe,
    _disk,
)
