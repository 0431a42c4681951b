"""The files of a bundle: what they are called, and how text becomes one.

A name is safe on every file system: no name of a person's leads out of the folder, none is
reserved, and no two differ in case only.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

FORMAT = 1
MANIFEST = "bundle.json"
ROOT = "root.json"
FOLDERS = ("objects", "journal", "weights")
FILE = re.compile(
    r"root\.json|objects/{n}\.json|objects/{n}/{n}\.py|journal/\d+\.json"
    r"|weights/[0-9a-f]{{64}}\.(?:gguf|safetensors|bin)".format(
        n=r"(?!\.)[A-Za-z0-9_+.-]{1,150}"
    )
)
SHA256 = re.compile(r"[0-9a-f]{64}")

_SAFE = re.compile(r"[A-Za-z0-9_]{1,60}")
_RESERVED = re.compile(r"(?i)con|prn|aux|nul|com\d|lpt\d")
_MOST_CHARACTERS = 100
_PROVENANCE, _END = "# provenance", "# ---"


def object_file(name: str) -> str:
    """Return the file of the object that is called so in the bundle."""
    return f"objects/{name}.json"


def names_for(wanted: Iterable[str], given: Mapping[str, str]) -> dict[str, str]:
    """Return a safe name for each name of a set: itself, where that is safe.

    Args:
        wanted: The names.
        given: Those that have one already.
    """
    names = sorted(wanted)
    folded = Counter(name.casefold() for name in (*names, *given.values()))
    folded.subtract(name.casefold() for name, called in given.items() if name in names)
    return {
        name: given.get(name)
        or (name if _is_safe(name) and folded[name.casefold()] == 1 else _hashed(name))
        for name in names
    }


def part_of(step: str) -> str:
    """Return a step of the way to a value, a slot or a key, as a safe part of a name."""
    stem = step.removesuffix("*")
    mark = "+" * (len(step) - len(stem))  # a parent slot
    return stem + mark if step == "+" or _is_safe(stem) else _hashed(step)


def joined(parts: Iterable[str]) -> str:
    """Return the name of what lies at the end of a way; a long one is shortened."""
    name = ".".join(parts)
    return name if len(name) <= _MOST_CHARACTERS else _hashed(name)


def _is_safe(name: str) -> bool:
    return bool(_SAFE.fullmatch(name)) and not _RESERVED.fullmatch(name)


def _hashed(name: str) -> str:
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return f"{re.sub(r'[^A-Za-z0-9_]', '_', name)[:40]}-{digest}"


# --- text ----------------------------------------------------------------------------------


def text_of(data: Any) -> bytes:
    """Return data as the JSON of a file."""
    return (json.dumps(data, ensure_ascii=False, indent=2) + "\n").encode()


def method_text(source: str, provenance: Any) -> bytes:
    """Return a method as a Python file: where it is from as comments, then its source."""
    lines = json.dumps(provenance, ensure_ascii=False, indent=2).split("\n")
    header = "".join(f"# {line}\n" for line in lines)
    text = f"{_PROVENANCE}\n{header}{_END}\n{source}\n"
    return text.encode("utf-8", "surrogatepass")


def method_parts(text: str) -> tuple[str, str]:
    """Return the source of such a file, and its provenance as JSON.

    Raises:
        ValueError: The file does not begin with provenance.
    """
    begin, *lines = text.split("\n")
    if begin != _PROVENANCE or _END not in lines or lines[-1]:
        raise ValueError(f"it begins with {_PROVENANCE!r} and {_END!r}, and ends in a line end")
    end = lines.index(_END)
    if not all(line.startswith("# ") for line in lines[:end]):
        raise ValueError("its provenance is not written as comments")
    return "\n".join(lines[end + 1 : -1]), "\n".join(line[2:] for line in lines[:end])


def kind_of_weights(path: Path) -> str:
    """Return the ending that a file of weights gets, by how it begins."""
    with path.open("rb") as file:
        start = file.read(9)
    if start.startswith(b"GGUF"):
        return "gguf"
    return "safetensors" if start[8:] == b"{" else "bin"


def write_file(path: Path, content: bytes) -> None:
    """Write a file whole or not at all; one that a crash tears is found by its hash."""
    beside = path.with_name(f".{path.name}.part")
    beside.unlink(missing_ok=True)
    with beside.open("xb") as file:
        file.write(content)
    beside.replace(path)
