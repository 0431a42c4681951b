"""What an object permits methods: to grow here, to write here, to be called from elsewhere.

A person sets it through a mirror; it lies beside the annotations of the slots, where no
message leads. A clone permits what its parents permit, unless it has a setting of its own.
Who asks what, and when, is left to the guards and to the synthesis.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, cast, get_args

from batos.errors import NotPermitted, PermissionRefused
from batos.kernel.delegation import ancestry

if TYPE_CHECKING:
    from batos.kernel.uvm_object import UvmObject

Act = Literal["grow", "write", "call"]
Answer = Literal["yes", "no", "ask"]

_ACTS, _ANSWERS = frozenset(get_args(Act)), frozenset(get_args(Answer))

PERMISSIONS = "(permissions)"  # where they lie among the notes; no slot can be called so


@dataclass(frozen=True)
class Permissions:
    """What an object permits.

    grow: no: a message that it does not understand is an error. ask: a method that grows
    here waits for a person, in mode auto as well.
    write: no: no method may change it. ask: one that would, and grew in mode auto, waits.
    call: no: only its keeper's methods send to it, and whoever is outside.
    """

    grow: Answer = "yes"
    write: Answer = "yes"
    call: Answer = "yes"
    keeper: str = ""  # the oid of an object, as "0x1f"


def own_permissions(obj: UvmObject) -> Mapping[str, str]:
    """Return what was set at the object itself, as plain data."""
    obj._p_activate()
    notes = cast("Mapping[str, Mapping[str, str]]", obj.__dict__.get("_notes", {}))
    return notes.get(PERMISSIONS, {})


def permissions_of(obj: UvmObject) -> Permissions:
    """Return what an object permits: each setting is the nearest one on the way up."""
    found: dict[str, str] = {}
    for holder in ancestry(obj):
        own = own_permissions(holder)
        if not own:
            continue
        if "call" in own and "call" not in found:
            found["keeper"] = own.get("keeper", "")  # it belongs to the setting beside it
        for act in _ACTS & own.keys() - found.keys():
            found[act] = own[act] if own[act] in _ANSWERS else "no"  # a record from elsewhere
    return Permissions(**found)  # type: ignore[arg-type]


def checked(said: Mapping[str, str]) -> dict[str, str]:
    """Return settings as a note keeps them; "yes" may hide a parent's "no".

    Raises:
        PermissionRefused: They cannot be like that.
    """
    for act, answer in said.items():
        if act == "keeper":
            if said.get("call") != "no":
                raise PermissionRefused("a keeper is for an object with `call` no")
        elif act not in _ACTS or answer not in _ANSWERS:
            raise PermissionRefused(f"{act} {answer}")
    if said.get("call") == "ask":
        raise PermissionRefused("nobody can be asked in the middle of a message")
    return dict(said)


def require_write(obj: UvmObject) -> None:
    """Refuse a method's change of its receiver where no method may change it.

    Raises:
        NotPermitted: It may not.
    """
    if permissions_of(obj).write == "no":
        raise NotPermitted(repr(obj), "write", "no method may change it")


def require_call(sender: object, receiver: UvmObject) -> None:
    """Refuse a message between objects that the receiver does not take.

    Raises:
        NotPermitted: The sender is not the receiver's keeper.
    """
    permitted = permissions_of(receiver)
    if permitted.call == "no" and (not permitted.keeper or oid_of(sender) != permitted.keeper):
        raise NotPermitted(repr(receiver), "call", "it takes messages from its keeper only")


def oid_of(obj: object) -> str:
    """Return how a setting names an object; nothing, if it is not stored yet."""
    oid = cast("bytes | None", getattr(obj, "_p_oid", None))
    return hex(int.from_bytes(oid, "big")) if oid else ""


def settled(
    obj: UvmObject, act: Act, answer: Answer, keeper: UvmObject | None = None
) -> dict[str, str]:
    """Return an object's own settings with one changed.

    Raises:
        PermissionRefused: It cannot be like that, or the keeper is not stored yet.
    """
    said: dict[str, str] = {**own_permissions(obj), act: answer}
    if act == "call":
        said.pop("keeper", None)
    if keeper is not None:
        said["keeper"] = oid_of(keeper)
        if not said["keeper"]:
            raise PermissionRefused("the keeper is not stored yet")
    return checked(said)
