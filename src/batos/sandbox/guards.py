"""The guards: what generated code calls in place of reading, writing and importing.

The gate turns `a.b` into `_getattr_(a, "b")`, `a.b = c` into `_slots_(a).b = c` and so on;
these are those functions. What an object of the universe gives is decided by its kind of
slot: data is read, a method is bound, a primitive is out of reach, and a name that nobody
knows is the kernel's `Send`. Loops and unpacking need no guard: nothing that can be reached
here does anything when it is iterated, and whatever has no end burns fuel.
"""

from __future__ import annotations

import functools
import types
from collections.abc import Callable, Iterable
from typing import Any

from persistent.list import PersistentList
from persistent.mapping import PersistentMapping

from batos.kernel import lookup
from batos.kernel.authority import remove_data_slot, write_data_slot
from batos.kernel.message import Send, is_probe
from batos.kernel.method import Primitive, bind, is_behaviour
from batos.kernel.uvm_object import UvmObject
from batos.kernel.values import ATOMS, PersistentSet, plain
from batos.sandbox import allowed, operators, texts
from batos.sandbox.containers import IN_PLACE, StoredWriter, lasting
from batos.sandbox.kinds import Kind
from batos.sandbox.meter import METER
from batos.sandbox.namespaces import NAMESPACES, Namespace

SET_SLOT = "setSlot_value_"  # the one primitive that a method may call
_OWN_NAMES = frozenset({"clone", "parents"})  # every object has them, in no slot
_PLAIN_TWINS: dict[type, type] = {
    PersistentList: list,
    PersistentMapping: dict,
    PersistentSet: set,
}
_MAX_NAME = 200  # characters
_ABSENT = object()


# --- reading -------------------------------------------------------------------------------


def read(value: Any, name: str) -> Any:
    """`value.name`.

    Raises:
        AttributeError: Generated code may not read it.
    """
    if isinstance(value, UvmObject):
        return _read_slot(value, name)
    kind = type(value)
    rules = allowed.ATTRIBUTES.get(kind)
    if rules is not None:
        if name in rules:
            rule = rules[name]
            return getattr(value, name) if rule is None else functools.partial(rule, value)
    elif kind is Namespace:
        if name in value.members:
            return value.members[name]
        raise AttributeError(f"{value.name} has no {name!r} here")
    elif kind is type or kind is Kind:
        rules = allowed.CLASS_ATTRIBUTES.get(value, {})
        if name in rules:
            return rules[name] or getattr(value, name)
    elif kind is Send:
        raise AttributeError(f"{value!r}; it has no {name!r}")
    elif name == "args" and isinstance(value, Exception):
        return value.args
    owner = value.__name__ if isinstance(value, type) else f"{kind.__name__!r} object"
    raise AttributeError(f"{owner} has no attribute {name!r} that a method may read")


def _read_slot(receiver: UvmObject, name: str) -> Any:
    if name in _OWN_NAMES:
        return _own(receiver, name)
    found = lookup.find(receiver, name)
    if found is None:
        if is_probe(name):
            raise AttributeError(name)
        return Send(receiver, name)
    value = found.value
    kind = type(value)
    if kind in ATOMS:
        return value
    if found.holder._sealed and not is_behaviour(value):
        return plain(value)  # a copy: to change it would change a primordial
    if kind is Primitive and name != SET_SLOT:
        raise AttributeError(f"{name!r} is not for methods to call")
    bound = bind(value, receiver)
    return functools.partial(_set_slot, bound) if kind is Primitive else bound


def _own(receiver: UvmObject, name: str) -> Callable[..., UvmObject]:
    if name == "clone":
        return functools.partial(_clone, receiver)
    raise AttributeError(f"{name!r} is not for methods to read")


def _clone(original: UvmObject, /, **slots: object) -> UvmObject:
    child = original.clone()
    for name, value in slots.items():
        write_data_slot(child, _short(name), lasting(value, f"the slot {name!r}"))
    return child


def _set_slot(primitive: Any, name: str, value: object) -> object:
    return primitive(_short(name), lasting(value, f"the slot {name!r}"))


def read_item(value: Any, key: Any) -> Any:
    """`value[key]`."""
    if type(value) in allowed.INDEXED:
        return value[key]
    raise TypeError(f"{type(value).__name__!r} object cannot be indexed")


# --- writing -------------------------------------------------------------------------------


class SlotWriter:
    """Stands for an object on the left of an assignment to its slots."""

    __slots__ = ("_receiver",)
    _receiver: UvmObject

    def __init__(self, receiver: UvmObject) -> None:
        object.__setattr__(self, "_receiver", receiver)

    def __setattr__(self, name: str, value: object) -> None:
        write_data_slot(self._receiver, name, lasting(value, f"the slot {name!r}"))

    def __delattr__(self, name: str) -> None:
        remove_data_slot(self._receiver, name)


def slots_of(value: object) -> SlotWriter:
    """Return what `value.name = …` and `del value.name` are done to."""
    if isinstance(value, UvmObject):
        return SlotWriter(value)
    raise TypeError(f"{type(value).__name__!r} object has no slots to write")


def items_of(value: Any) -> Any:
    """Return what `value[key] = …` and `del value[key]` are done to."""
    if type(value) in allowed.WRITTEN:
        return value
    if type(value) is PersistentList or type(value) is PersistentMapping:
        return StoredWriter(value)
    raise TypeError(f"the items of {type(value).__name__!r} object cannot be changed")


def change(op: str, value: Any, operand: Any) -> Any:
    """Return the new value for `name op= operand`."""
    return IN_PLACE[op](value, operand)


def change_slot(op: str, receiver: Any, name: str) -> Callable[[Any], None]:
    """Begin `receiver.name op= …`: the old value is read before the operand is computed."""
    writer = slots_of(receiver)
    before = read(receiver, name)

    def finish(operand: Any) -> None:
        after = IN_PLACE[op](before, operand)
        if after is before and receiver._slots.get(name) is after:
            return  # the slot stays as it is: a write of it could meet a conflict
        if after is before:  # changed in place, item by item: it can last
            write_data_slot(receiver, name, after)
        else:
            setattr(writer, name, after)

    return finish


def change_item(op: str, value: Any, key: Any) -> Callable[[Any], None]:
    """Begin `value[key] op= …`."""
    before = read_item(value, key)

    def finish(operand: Any) -> None:
        items_of(value)[key] = IN_PLACE[op](before, operand)

    return finish


# --- builtins that read and write ----------------------------------------------------------


def _getattr(value: Any, name: str, default: Any = _ABSENT) -> Any:
    if default is not _ABSENT and not _hasattr(value, name):
        return default
    return read(value, _checked(name))


def _hasattr(value: Any, name: str) -> bool:
    try:
        return type(read(value, _checked(name))) is not Send
    except AttributeError:
        return False


def _setattr(value: Any, name: str, new: Any) -> None:
    setattr(slots_of(value), _checked(name), new)


def _delattr(value: Any, name: str) -> None:
    delattr(slots_of(value), _checked(name))


def _checked(name: str) -> str:
    if type(name) is not str or not name.isidentifier() or name.startswith("_"):
        raise AttributeError(f"{name!r} is not a name that a method may use")
    return _short(name)


def _short(name: str) -> str:
    """Return a name that is computed, if it is no longer than one that is written."""
    if type(name) is not str or len(name) > _MAX_NAME:
        raise AttributeError(f"a slot's name is text of at most {_MAX_NAME} characters")
    return name


def _isinstance(value: object, kinds: Any) -> bool:
    """`isinstance`, to which a stored list is a list."""
    twin = _PLAIN_TWINS.get(type(value))
    return isinstance(value, kinds) or (twin is not None and issubclass(twin, kinds))


def _import(
    name: str,
    _globals: object = None,
    _locals: object = None,
    fromlist: Iterable[str] | None = (),
    level: int = 0,
) -> object:
    namespace = NAMESPACES.get(name)
    if namespace is None or level:
        raise ImportError(f"{name} is not for methods to import")
    if not fromlist:
        return namespace
    # Python takes the names out of this and drops it. It has no `__name__`, or Python
    # would look for a missing one among the real modules.
    return types.SimpleNamespace(**{part: namespace.members[part] for part in fromlist})


BUILTINS: dict[str, Any] = {
    **allowed.BUILTINS,
    "__import__": _import,
    "delattr": _delattr,
    "getattr": _getattr,
    "hasattr": _hasattr,
    "isinstance": _isinstance,
    "setattr": _setattr,
}

METER.scope.update(
    {
        "__builtins__": BUILTINS,
        "__name__": "method",
        "_add_": operators.add,
        "_change_": change,
        "_change_item_": change_item,
        "_change_slot_": change_slot,
        "_form_": texts.form,
        "_getattr_": read,
        "_getitem_": read_item,
        "_join_": texts.concatenate,
        "_mod_": texts.modulo,
        "_mul_": operators.multiply,
        "_pow_": operators.power,
        "_shl_": operators.shift_left,
        "_slots_": slots_of,
        "_write_": items_of,
    }
)
