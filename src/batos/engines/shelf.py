"""The adapters that one llama.cpp engine knows, and in which tier each of them lies.

    resident in the engine  <-  derived file  <-  canonical blob

`lay_out` says which ones the next server is to have, and brings their files. What is wanted
comes in just in time, what was used longest ago leaves, what is pinned stays. Loading is left
to `llama_cpp`, and so are threads: one at a time may call.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from batos.engines.contract import Adapter, Report, refuse_renamed
from batos.engines.gguf import GgufHeader, read_model
from batos.engines.gguf_lora import derive, derived_path, is_whole
from batos.engines.tiers import Tier
from batos.errors import AdapterRefused, EngineFailed, WeightsRefused

DERIVED = "adapters"  # a folder of files that may be deleted


class Shelf:
    """Adapters by their names. Not safe to use from threads."""

    def __init__(
        self, weights: Path, folder: Path, adapter_bytes: int, derived_bytes: int
    ) -> None:
        """Know nothing yet.

        Args:
            weights: Of the base.
            folder: For derived files.
            adapter_bytes: What resident ones may take.
            derived_bytes: What files may take.
        """
        self._weights = weights
        self._folder = folder
        self._base: GgufHeader | None = None
        self._known: dict[str, Adapter] = {}
        self._resident = Tier(adapter_bytes)
        self._files = Tier(derived_bytes)

    def admit(self, adapter: Adapter) -> None:
        """Know an adapter from now on.

        Raises:
            AdapterRefused: Another one has its name.
        """
        refuse_renamed(self._known.get(adapter.name), adapter)
        self._known[adapter.name] = adapter

    def knows(self, name: str) -> bool:
        """Tell whether an adapter of this name was admitted."""
        return name in self._known

    def use(self, name: str) -> bool:
        """Tell whether an adapter is resident; it counts as used."""
        return self._resident.use(name)

    @property
    def resident(self) -> tuple[str, ...]:
        """The adapters that a server should have."""
        return self._resident.names

    def lay_out(self, name: str | None, others: Iterable[str] = ()) -> dict[str, Path]:
        """Make an adapter resident, and others if there is room; return all files to load.

        Raises:
            EngineFailed: It does not fit, is damaged, or belongs to another base.
        """
        if name is not None:
            self._bring(name, ())
        for other in others:
            if other != name:
                with suppress(EngineFailed):  # whoever wants it is told when it is its turn
                    self._bring(other, [name] if name is not None else [])
        return {held: self._file(held) for held in self._resident.names}

    def drop(self, names: Iterable[str]) -> None:
        """Let adapters go that could not be loaded, with their files."""
        for name in names:
            self._resident.drop(name)
            file = self._path(name)
            self._files.drop(file.name)
            file.unlink(missing_ok=True)

    def empty(self) -> None:
        """Let all go: the engine has none any more. Their files stay."""
        for name in self._resident.names:
            self._resident.drop(name)

    def took(self, seconds: float) -> None:
        """Count what it took to load what was laid out."""
        self._resident.took(seconds)

    def report(self, loaded: bool) -> Report:
        """Return what lies where, and how often it was found."""
        counts = self._resident.counts
        return Report(
            loaded=loaded,
            known=len(self._known),
            resident=self._resident.names,
            resident_bytes=self._resident.bytes,
            derived_bytes=self._files.bytes,
            hits=counts.hits,
            misses=counts.misses,
            evicted=counts.evicted,
            seconds=counts.seconds + self._files.counts.seconds,
        )

    def _bring(self, name: str, needed: list[str] | tuple[()]) -> None:
        adapter = self._known[name]
        size = self._file(name).stat().st_size
        try:
            self._resident.put(name, size, pinned=adapter.pinned, needed=needed)
        except OverflowError as error:
            raise EngineFailed(
                f"the adapter {name} does not fit: {error}; unpin others, or give adapters"
                " more memory"
            ) from error

    def _file(self, name: str) -> Path:
        """Return an adapter's derived file, which is there."""
        path = self._path(name)
        if self._files.use(path.name) and is_whole(path):
            return path
        started = time.monotonic()
        try:
            derive(self._known[name], self._base_header(), self._folder)
        except AdapterRefused as error:
            raise EngineFailed(f"the adapter {name} is refused: {error.why}") from error
        except OSError as error:
            raise EngineFailed(
                f"the adapter {name} cannot be prepared ({error.strerror or error})"
            ) from error
        self._files.took(time.monotonic() - started)
        self._make_room(path)
        return path

    def _make_room(self, path: Path) -> None:
        """Count a new file, and delete those that were used longest ago."""
        needed = [self._path(name).name for name in self._resident.names]
        with suppress(OverflowError):  # what is needed now may take more for a while
            for gone in self._files.put(path.name, path.stat().st_size, needed=needed):
                (self._folder / gone).unlink(missing_ok=True)

    def _path(self, name: str) -> Path:
        return derived_path(self._known[name], self._base_header(), self._folder)

    def _base_header(self) -> GgufHeader:
        if self._base is None:
            try:
                self._base = read_model(self._weights)
            except WeightsRefused as error:
                why = f"{error.path} is refused as weights: {error.why}"
                raise EngineFailed(why) from error
            self._count_old_files()
        return self._base

    def _count_old_files(self) -> None:
        """Count what an earlier engine left here, oldest first."""
        with suppress(OSError):
            files = [(path.stat(), path) for path in self._folder.glob("*.gguf")]
            for facts, path in sorted(files, key=lambda found: found[0].st_mtime):
                with suppress(OverflowError):
                    for gone in self._files.put(path.name, facts.st_size):
                        (self._folder / gone).unlink(missing_ok=True)
