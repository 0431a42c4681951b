"""What an attack is, for the tables beside this file."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Ends(Enum):
    """How an attack has to end."""

    REFUSED = "the gate refuses it"
    ERROR = "its message ends in an error, or its trial is killed; nothing is changed"
    HARMLESS = "it runs, and reaches and changes nothing that it may not"


REFUSED, ERROR, HARMLESS = Ends


@dataclass(frozen=True)
class Attack:
    """One method of a hostile writer."""

    id: str
    tries: str
    source: str
    ends: Ends
    result: object = None  # of a harmless one; None says nothing


def body(*lines: str, parameters: str = "") -> str:
    """Return a method with these lines."""
    return "\n    ".join([f"def method(self{parameters}):", *lines])
