"""Landlock: files and TCP that a process can no longer reach.

A ruleset names what is forbidden, then a few folders where some of it is allowed again.
It is prepared while everything is still open, and takes effect on the calling thread and
on all that it starts later. Nothing lifts it.
"""

from __future__ import annotations

import os
import stat
import struct
from collections.abc import Iterable
from enum import IntFlag
from pathlib import Path

from batos.sandbox import syscalls

_VERSION_QUERY = 1  # a flag of landlock_create_ruleset
_RULE_PATH_BENEATH = 1
_TCP_BIND_AND_CONNECT = 0b11  # from ABI 4
_ABSTRACT_SOCKETS_AND_SIGNALS = 0b11  # from ABI 6: both end at the wall


class Access(IntFlag):
    """What can be done with a file; the order is the kernel's."""

    EXECUTE = 1 << 0
    WRITE_FILE = 1 << 1
    READ_FILE = 1 << 2
    READ_DIR = 1 << 3
    REMOVE_DIR = 1 << 4
    REMOVE_FILE = 1 << 5
    MAKE_CHAR = 1 << 6
    MAKE_DIR = 1 << 7
    MAKE_REG = 1 << 8
    MAKE_SOCK = 1 << 9
    MAKE_FIFO = 1 << 10
    MAKE_BLOCK = 1 << 11
    MAKE_SYM = 1 << 12
    REFER = 1 << 13  # from ABI 2; without it nothing is moved between folders
    TRUNCATE = 1 << 14  # from ABI 3
    IOCTL_DEV = 1 << 15  # from ABI 5


READ = Access.READ_FILE | Access.READ_DIR
_NEVER = Access.EXECUTE | Access.MAKE_CHAR | Access.MAKE_BLOCK  # a device file is a way out
_OF_A_FILE = Access.WRITE_FILE | Access.READ_FILE | Access.TRUNCATE | Access.IOCTL_DEV


def abi() -> int:
    """Return the version of Landlock that this kernel has; 0 where there is none."""
    try:
        return syscalls.call("landlock_create_ruleset", None, 0, _VERSION_QUERY)
    except OSError:
        return 0


def known_accesses(version: int) -> Access:
    """Return everything that a kernel with this version of Landlock can forbid."""
    kinds = {1: 13, 2: 14, 3: 15, 4: 15}.get(version, 16)
    return Access((1 << kinds) - 1)


def prepare(read: Iterable[Path], write: Iterable[Path]) -> int:
    """Return a ruleset as a file descriptor: nothing but `read` and `write` can be reached.

    Raises:
        OSError: A path cannot be opened, or the kernel refuses.
    """
    version = abi()
    everything = known_accesses(version)
    ruleset = syscalls.call("landlock_create_ruleset", *_described(version, everything), 0)
    try:
        for paths, accesses in ((read, READ), (write, everything & ~_NEVER)):
            for path in paths:
                _allow(ruleset, path, accesses)
    except BaseException:
        os.close(ruleset)
        raise
    return ruleset


def enforce(ruleset: int) -> None:
    """Confine the calling thread for ever, and close the ruleset.

    Raises:
        OSError: The kernel refuses (`no_new_privs` has to be set first).
    """
    try:
        syscalls.call("landlock_restrict_self", ruleset, 0)
    finally:
        os.close(ruleset)


def _described(version: int, everything: Access) -> tuple[bytes, int]:
    fields = [int(everything)]
    if version >= 4:
        fields.append(_TCP_BIND_AND_CONNECT)
    if version >= 6:
        fields.append(_ABSTRACT_SOCKETS_AND_SIGNALS)
    attributes = struct.pack(f"={len(fields)}Q", *fields)
    return attributes, len(attributes)


def _allow(ruleset: int, path: Path, accesses: Access) -> None:
    descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        if not stat.S_ISDIR(os.fstat(descriptor).st_mode):
            accesses &= _OF_A_FILE
        rule = struct.pack("=Qi", accesses, descriptor)
        syscalls.call("landlock_add_rule", ruleset, _RULE_PATH_BENEATH, rule, 0)
    finally:
        os.close(descriptor)
