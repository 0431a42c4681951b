"""`batos doctor`: what this machine has, what it lacks, and what to do about it."""

from __future__ import annotations

import os
import platform
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution, requires, version
from pathlib import Path
from typing import Literal

import click

from batos.workbench.options import Options, command
from batos.workbench.printable import counted
from batos.workbench.tables import table

_REQUIREMENT = re.compile(r"([\w.-]+)[^;]*(?:;.*extra == [\"'](\w+)[\"'])?")
_FOR_WORK_ON_IT = "test"  # an extra that no user lacks
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
    rows = [(_SIGNS[finding.state], finding.what, finding.text) for finding in findings]
    options.answer(table(rows), findings)
    return int(any(finding.state == "lacks" for finding in findings))


def _python(_options: Options) -> Iterator[Finding]:
    text = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    yield Finding("python", "ok" if sys.version_info >= (3, 11) else "lacks", text)


def _packages(_options: Options) -> Iterator[Finding]:
    """Look at batos and at what its own metadata says that it stands on."""
    here = _version("batos")
    yield Finding("batos", "ok" if here else "note", here or "not installed, only run")
    needed = [found for text in _requirements() if (found := _REQUIREMENT.match(text))]
    for name in (found[1] for found in needed if found[2] is None):
        if there := _version(name):
            yield Finding(_called(name), "ok", there)
        else:
            yield Finding(name, "lacks", "not installed; install batos again")
    for extra in dict.fromkeys(found[2] for found in needed if found[2]):
        if extra != _FOR_WORK_ON_IT:
            yield _extra(extra, [found[1] for found in needed if found[2] == extra])


def _extra(extra: str, packages: list[str]) -> Finding:
    what = f"batos[{extra}]"
    versions = {name: _version(name) for name in packages}
    if all(versions.values()):
        told = ", ".join(f"{_called(name)} {there}" for name, there in versions.items())
        return Finding(what, "ok", told)
    return Finding(what, "note", f"not installed; `pip install '{what}'` brings it")


def _requirements() -> list[str]:
    """Return the packages that batos says it needs, with their extras."""
    try:
        return requires("batos") or []
    except PackageNotFoundError:
        return []


def _called(name: str) -> str:
    """Return what a package that is here calls itself."""
    return str(distribution(name).metadata["Name"])


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


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
            told = counted(moments, "transaction") if universe.keeps_history else "no history"
            unfinished = universe.unfinished_forgettings()
        yield Finding("universe", "ok", f"{universe.shown}, {told}")
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
    _packages,
    _walls,
    _minds,
    _universe,
    _disk,
)
