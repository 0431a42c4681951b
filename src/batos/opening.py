"""Universes by the names that a person gives them: awaken, open, verify, make again.

What a place, a mind and a setting mean is found out here; how an open universe runs is left
to `uvm`.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

from batos.engines.catalog import resolve, weights_with
from batos.errors import UniverseExists
from batos.personas.mind import mind_of
from batos.settings import Settings, load_settings
from batos.synthesis.growth import Asking
from batos.universe import awakening
from batos.universe.addresses import address_of, not_in_folder
from batos.universe.blobs import OnBytes, unseen
from batos.universe.bundle import importing
from batos.universe.bundle.importing import Imported
from batos.universe.recovering import Recovered, recover as recover_at
from batos.universe.universe import open_universe
from batos.universe.verifying import Verified, verify as verify_at
from batos.uvm import Trust, Uvm


def awaken(
    path: str | Path,
    mind: str = "smollm2",
    trust: Trust = "walled",
    on_bytes: OnBytes | None = None,
    settings: Settings | None = None,
) -> Uvm:
    """Create a universe with its mind inside, and open it.

    Args:
        path: The folder that will hold it, where nothing may be; or a URI, see `address_of`.
        mind: A name of the catalog, or a .gguf file; it is copied in.
        trust: Whether methods may grow by themselves in a process without walls.
        on_bytes: Told how far the copy of the weights is.
        settings: Those that `load_settings` finds, unless given.

    Raises:
        UniverseExists: Something is there.
        MindMissing, WeightsRefused: There are no such weights here, or they are damaged.
    """
    settings = settings or load_settings()
    place = address_of(path, settings.cache)
    if isinstance(place, Path) and place.exists():
        raise UniverseExists(str(path))  # before gigabytes are read to verify them
    awakening.awaken(place, mind_of(resolve(mind, settings.cache)), settings.user, on_bytes)
    return open_uvm(path, trust, settings=settings)


def open_uvm(
    path: str | Path,
    trust: Trust = "walled",
    asking: Asking | None = None,
    read_only: bool = False,
    settings: Settings | None = None,
    *,
    safe: bool = False,
) -> Uvm:
    """Open a universe, by its folder or its URI.

    `safe` only shows it: nothing runs, and records of unknown classes are shown as such.

    Raises:
        UniverseMissing: There is none.
        UniverseBusy: Another process owns it; it can still be opened `read_only`.
        UniverseUnreadable: Its files are damaged.
    """
    settings = settings or load_settings()
    asking = asking or Asking(mode=settings.mode, samples=settings.samples)
    universe = open_universe(address_of(path, settings.cache), read_only, safe)
    return Uvm(universe, trust, asking, settings)


def rebuild(
    path: str | Path,
    folder: str | Path,
    on_bytes: OnBytes = unseen,
    settings: Settings | None = None,
    *,
    dry_run: bool = False,
) -> Imported:
    """Create a universe from a bundle of a whole one; see `importing.rebuild`."""
    settings = settings or load_settings()
    find_weights = partial(weights_with, cache=settings.cache)
    return importing.rebuild(
        address_of(path, settings.cache),
        Path(folder),
        settings.user,
        dry_run=dry_run,
        find_weights=find_weights,
        on_bytes=on_bytes,
    )


def verify(
    path: str | Path, on_bytes: OnBytes | None = None, settings: Settings | None = None
) -> Verified:
    """Check a universe in a folder, in use or not, or a folder of backups; see `verifying`.

    Raises:
        Damaged: With all problems, and what each is about.
        UniverseMissing: There is neither.
        NotInFolder: It is meant by a URI, and its files are somebody else's.
    """
    return verify_at(_folder(path, settings), on_bytes)


def recover(
    backup: str | Path,
    path: str | Path,
    tid: str | None = None,
    on_bytes: OnBytes | None = None,
    settings: Settings | None = None,
) -> Recovered:
    """Make the universe again that was backed up, to the byte; see `recovering.recover`.

    Args:
        backup: The folder of backups.
        path: The folder of the universe, where nothing may be.
        tid: The last transaction of a backup; None stands for the newest one.
        on_bytes: Told how far the copies of weights are.
        settings: Those that `load_settings` finds, unless given.

    Raises:
        BackupMissing, NoSuchBackup: There is none, or none that ends there.
        Damaged: A file in it is not what was backed up; nothing is left at `path`.
        UniverseExists: Something lies at `path`.
    """
    return recover_at(Path(backup), _folder(path, settings), tid, on_bytes)


def _folder(path: str | Path, settings: Settings | None) -> Path:
    place = address_of(path, (settings or load_settings()).cache)
    if isinstance(place, Path):
        return place
    raise not_in_folder(place)
