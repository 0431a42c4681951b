"""The one place that reads configuration.

A setting is looked for in this order: a flag, the environment (`BATOS_*`), `batos.toml` in
the current folder, `config.toml` in the user's configuration folder, the default. The
folder may come from elsewhere, so its file cannot set what decides whom to trust.
"""

from __future__ import annotations

import getpass
import math
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

import platformdirs

from batos.errors import SettingRefused

if TYPE_CHECKING:
    from batos.synthesis.growth import Mode

MAX_SAMPLES = 16  # of one thought; an engine has room for so many at once

_NAMES = ("universe", "cache", "mode", "samples", "idle_s")
_MODES = ("off", "ask", "auto")
_PROJECT = Path("batos.toml")
_PERSONAL = ("cache", "mode")  # a folder from elsewhere must not choose what may grow here


@dataclass(frozen=True)
class Settings:
    """What a person or their system has set."""

    universe: Path | str  # the folder, or the URI, of the one meant when none is named
    cache: Path  # where pulled minds are kept
    mode: Mode  # how far a message may go that is not understood
    samples: int  # proposals a thought
    idle_s: float  # after so long without a thought the mind gives its memory back
    user: str
    origins: Mapping[str, str]  # where each of them comes from
    via: str = "python"  # what they work with, as an audit tells it


def load_settings(flags: Mapping[str, object] | None = None) -> Settings:
    """Read the settings; `flags` that are None do not count.

    Raises:
        SettingRefused: A file cannot be read, or a value is not one that is possible.
    """
    values: dict[str, object] = {
        "universe": platformdirs.user_data_path("batos") / "my.universe",
        "cache": platformdirs.user_cache_path("batos"),
        "mode": "ask",
        "samples": 8,
        "idle_s": 300.0,
    }
    origins = dict.fromkeys(values, "default")
    for origin, found in _sources(flags or {}):
        for name in _NAMES:
            if found.get(name) is not None:
                values[name], origins[name] = found[name], origin
    return Settings(
        universe=_place("universe", values["universe"]),
        cache=_folder("cache", values["cache"]),
        mode=cast("Mode", _one_of("mode", values["mode"], _MODES)),
        samples=_count("samples", values["samples"], MAX_SAMPLES),
        idle_s=_duration("idle_s", values["idle_s"]),
        user=_user(),
        origins=origins,
    )


def _sources(flags: Mapping[str, object]) -> list[tuple[str, Mapping[str, object]]]:
    """Return the sources, the weakest first."""
    user_file = platformdirs.user_config_path("batos") / "config.toml"
    project = _known(_PROJECT)
    for name in _PERSONAL:
        if name in project:
            wanted = f"set in {user_file}, in the environment (BATOS_{name.upper()}) or by flag"
            raise SettingRefused(name, f"in {_PROJECT}, which may be anybody's", wanted)
    if "://" in str(project.get("universe")):  # whom to connect to, and as whom, is trust
        wanted = f"a folder there; a URI belongs to {user_file}, BATOS_UNIVERSE or -u"
        raise SettingRefused("universe", f"a URI in {_PROJECT}, which may be anybody's", wanted)
    environment = {name: os.environ.get(f"BATOS_{name.upper()}") for name in _NAMES}
    return [
        # without a home it would be a path in the current folder
        (str(user_file), _known(user_file) if user_file.is_absolute() else {}),
        (str(_PROJECT), project),
        ("environment", environment),
        ("flag", flags),
    ]


def _known(path: Path) -> Mapping[str, object]:
    """Return what a file sets; a name that means nothing is a slip of the pen."""
    found = _toml(path)
    for name in found:
        if name not in _NAMES:
            raise SettingRefused(name, f"in {path}", f"one of {', '.join(_NAMES)}")
    return found


def _toml(path: Path) -> Mapping[str, object]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise SettingRefused(str(path), "unreadable", f"a TOML file ({error})") from error


def _one_of(name: str, value: object, wanted: tuple[str, ...]) -> str:
    if value not in wanted:
        raise SettingRefused(name, repr(value), f"one of {', '.join(wanted)}")
    return str(value)


def _place(name: str, value: object) -> Path | str:
    return value if isinstance(value, str) and "://" in value else _folder(name, value)


def _folder(name: str, value: object) -> Path:
    try:
        return Path(str(value)).expanduser()
    except RuntimeError:  # nobody knows where this user is at home
        wanted = f"a path without ~, as HOME is not set (BATOS_{name.upper()} sets it, too)"
        raise SettingRefused(name, repr(str(value)), wanted) from None


def _count(name: str, value: object, most: int) -> int:
    try:
        number = int(str(value))
    except ValueError:
        number = 0
    if not 0 < number <= most:
        raise SettingRefused(name, repr(value), f"a whole number from 1 to {most}")
    return number


def _duration(name: str, value: object) -> float:
    try:
        number = float(str(value))
    except ValueError:
        number = 0
    if not (math.isfinite(number) and number > 0):
        raise SettingRefused(name, repr(value), "a finite number above 0")
    return number


def _user() -> str:
    """Return who works here; a container's user may have a number only."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"
