"""Annotations of slots as text, and back: a comment, by what, and when in ISO 8601."""

from __future__ import annotations

import datetime as dt
from typing import Any

from batos.errors import PermissionRefused
from batos.kernel.permissions import PERMISSIONS, checked
from batos.kernel.uvm_object import Note, UvmObject, notes_of
from batos.universe.bundle.atoms import NotPortable

_KEYS = {"comment", "by", "created"}


def told_notes(obj: UvmObject) -> dict[str, dict[str, str]]:
    """Return the annotations of an object's slots, as its file has them."""
    told = {slot: _told(note) for slot, note in sorted(notes_of(obj).items())}
    told.get(PERMISSIONS, {}).pop("keeper", None)  # the number of an object of this universe
    return told


def read_permissions(said: object) -> dict[str, str]:
    """Return what an object permits, as a record keeps it.

    Raises:
        NotPortable: It cannot be like that.
    """
    try:
        if isinstance(said, dict) and "keeper" not in said:
            return checked(said)
    except PermissionRefused as error:
        raise NotPortable(str(error)) from error
    raise NotPortable("grow, write and call are what an object permits")


def read_note(said: object) -> dict[str, Any]:
    """Return an annotation as a record keeps it.

    Raises:
        NotPortable: It is none.
    """
    if not isinstance(said, dict) or not set(said) <= _KEYS:
        raise NotPortable("comment, by and created are what an annotation has")
    if not all(isinstance(value, str) for value in said.values()):
        raise NotPortable("all of it is text")
    if "created" not in said:
        return said
    try:
        return {**said, "created": dt.datetime.fromisoformat(said["created"])}
    except ValueError as error:
        raise NotPortable(str(error)) from error


def _told(note: Note) -> dict[str, str]:
    return {
        key: value.isoformat() if isinstance(value, dt.datetime) else str(value)
        for key, value in note.items()
    }
