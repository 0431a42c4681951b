"""What leaves a universe and comes back, as an open one offers it: text, and exact copies.

A base class of the machine (`uvm`), which knows where weights are that a bundle only names.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from batos.universe.addresses import not_in_folder
from batos.universe.backup import Backup, back_up
from batos.universe.blobs import OnBytes, unseen
from batos.universe.bundle.building import FindWeights
from batos.universe.bundle.exporting import Exported, export_universe
from batos.universe.bundle.importing import Imported, Prefer, import_bundle
from batos.universe.universe import Universe
from batos.universe.verifying import Verified, verify


class Copies:
    """A universe that can be written out, joined with others, and backed up."""

    _universe: Universe
    _user: str
    _find_weights: FindWeights

    def export(
        self,
        folder: str | Path,
        names: Sequence[str] = (),
        *,
        weights: bool = True,
        journal: bool = True,
        on_bytes: OnBytes | None = None,
    ) -> Exported:
        """Write the universe, or some of its objects, as text; see `export_universe`."""
        return export_universe(
            self._universe,
            Path(folder),
            names,
            weights=weights,
            journal=journal,
            on_bytes=on_bytes,
        )

    def import_(
        self,
        folder: str | Path,
        *,
        prefer: Prefer | None = None,
        dry_run: bool = False,
        on_bytes: OnBytes = unseen,
    ) -> Imported:
        """Join a bundle to the universe, slot by slot; see `import_bundle`."""
        return import_bundle(
            self._universe,
            Path(folder),
            self._user,
            prefer=prefer,
            dry_run=dry_run,
            find_weights=self._find_weights,
            on_bytes=on_bytes,
        )

    def backup(self, folder: str | Path, on_bytes: OnBytes | None = None) -> Backup:
        """Bring a folder of backups up to date, whoever is writing; see `back_up`.

        Raises:
            NotInFolder: The universe lies at an address.
        """
        if self._universe.address is not None:
            raise not_in_folder(self._universe.address)
        return back_up(self._universe.path, Path(folder), on_bytes)

    def verify(self, on_bytes: OnBytes | None = None) -> Verified:
        """Check every record, reference and file, while it is in use; see `verifying.verify`.

        Raises:
            Damaged: With all problems.
            NotInFolder: It lies at an address, and its files are somebody else's.
        """
        if self._universe.address is not None:
            raise not_in_folder(self._universe.address)
        return verify(self._universe.path, on_bytes)
