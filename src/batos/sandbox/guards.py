"""The guards: what generated code calls in place of reading, writing and importing.

The gate turns `a.b` into `_getattr_(a, "b")`, `a.b = c` into `_slots_(a).b = c` and so on;
these are those functions. What an object of the universe gives is decided by its kind of
slot: data is read, a method is bound, a primitive is out of reach, and a name that nobody
knows is the kernel's `Send`. Loops and unpacking need no guard: nothing that can be reached
here does anything when it is iterated, and whatever has no end burns fuel. `me` is the
receiver of the method that a guard works for; `holding` says what that may change.
"""

from __future__ import annotations

import functools
import types
from collections.abc import Callable, Iterable
from typing import Any

from persistent.list import PersistentList
from persistent.mapping import PersistentMapping

from batos.kernel import lookup
from batos.kernel.authority import write_data_slot
from batos.kernel.delegation import LONGEST_NAME
from batos.kernel.message import Send, is_probe
from batos.kernel.method import Primitive, bind, is_behaviour
from batos.kernel.uvm_object import UvmObject
from batos.kernel.values import ATOMS, PersistentSet, plain
from batos.sandbox import allowed, operators, texts
from batos.sandbox.containers import IN_PLACE
from batos.sandbox.holding import (
    CHANGES,
    changing,
    holds,
    loose,
    own_each,
    require_answer,
    require_own,
)
from batos.sandbox.kinds import Kind
from batos.sandbox.meter import METER
from batos.sandbox.namespaces import NAMESPACES, SHUFFLE, Namespace, shuffled
from batos.sandbox.writers import change, items_of, kept, slots_of

SET_SLOT = "setSlot_value_"  # the one primitive that a method may call
_OWN_NAMES = frozenset({"clone", "parents"})  # every object has them, in no slot
_PLAIN_TWINS: dict[type, type] = {
    PersistentList: list,
    PersistentMapping: dict,
    PersistentSet: set,
}
_ABSENT = object()


# --- reading -------------------------------------------------------------------------------


def read(me: object, value: Any, name: str) -> Any:
    """`value.name`, in a method whose receiver is `me`.

    Raises:
        AttributeError: Generated code may not read it.
    """
    if isinstance(value, UvmObject):
        return _read_slot(me, value, name)
    kind = type(value)
    rules = allowed.ATTRIBUTES.get(kind)
    if rules is not None:
        if name in rules:
            rule = rules[name]
            if kind in CHANGES and name in CHANGES[kind]:
                return changing(me, value, name, rule)
            return getattr(value, name) if rule is None else functools.partial(rule, value)
    elif kind is Namespace:
        return _member(me, value, name)
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


def _member(me: object, namespace: Namespace, name: str) -> Any:
    if name not in namespace.members:
        raise AttributeError(f"{namespace.name} has no {name!r} here")
    member = namespace.members[name]
    return functools.partial(shuffled, me) if member is SHUFFLE else member


def _read_slot(me: object, receiver: UvmObject, name: str) -> Any:
    if receiver is not me:
        require_answer(me, receiver)
    if name in _OWN_NAMES:
        return _own(me, receiver, name)
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
    return functools.partial(_set_slot, me, receiver, bound) if kind is Primitive else bound


def _own(me: object, receiver: UvmObject, name: str) -> Callable[..., UvmObject]:
    if name == "clone":
        return functools.partial(_clone, me, receiver)
    raise AttributeError(f"{name!r} is not for methods to read")


def _clone(me: object, original: UvmObject, /, **slots: object) -> UvmObject:
    child = original.clone()
    for name, value in slots.items():
        write_data_slot(child, _short(name), kept(me, name, value))
    return child


def _set_slot(
    me: object, receiver: UvmObject, primitive: Any, name: str, value: object
) -> object:
    require_own(me, receiver, name)
    return primitive(_short(name), kept(me, name, value))


def read_item(value: Any, key: Any) -> Any:
    """`value[key]`."""
    if type(value) in allowed.INDEXED:
        return value[key] if type(key) is not slice else loose(value[key])
    raise TypeError(f"{type(value).__name__!r} object cannot be indexed")


# --- writing -------------------------------------------------------------------------------


def change_slot(me: object, op: str, receiver: Any, name: str) -> Callable[[Any], None]:
    """Begin `receiver.name op= …`: the old value is read before the operand is computed."""
    writer = slots_of(me, receiver)
    require_own(me, receiver, name)
    before = read(me, receiver, name)
    if type(before) in CHANGES and not holds(me, before):
        before = plain(before)  # inherited: the parent's stays as it is

    def finish(operand: Any) -> None:
        kept = own_each(me, operand) if type(before) in CHANGES else operand
        after = IN_PLACE[op](before, kept)
        if after is before and receiver._slots.get(name) is after:
            return  # the slot stays as it is: a write of it could meet a conflict
        setattr(writer, name, after)

    return finish


def change_item(me: object, op: str, value: Any, key: Any) -> Callable[[Any], None]:
    """Begin `value[key] op= …`."""
    before = read_item(value, key)

    def finish(operand: Any) -> None:
        items_of(me, value)[key] = change(me, op, before, operand)

    return finish


# --- builtins that read and write ----------------------------------------------------------


def _getattr(me: object, value: Any, name: str, default: Any = _ABSENT) -> Any:
    if default is not _ABSENT and not _hasattr(me, value, name):
        return default
    return read(me, value, _checked(name))


def _hasattr(me: object, value: Any, name: str) -> bool:
    try:
        return type(read(me, value, _checked(name))) is not Send
    except AttributeError:
        return False


def _setattr(me: object, value: Any, name: str, new: Any) -> None:
    setattr(slots_of(me, value), _checked(name), new)


def _delattr(me: object, value: Any, name: str) -> None:
    delattr(slots_of(me, value), _checked(name))


def _checked(name: str) -> str:
    if type(name) is not str or not name.isidentifier() or name.startswith("_"):
        raise AttributeError(f"{name!r} is not a name that a method may use")
    return _short(name)


def _short(name: str) -> str:
    """Return a name that is computed, if it is no longer than one that is written."""
    if type(name) is not str or len(name) > LONGEST_NAME:
        raise AttributeError(f"a slot's name is text of at most {LONGEST_NAME} characters")
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


# Those that need to know whose method calls them; the grammar says it where they are named.
_FOR_ME: dict[str, Callable[..., Any]] = {
    "delattr": _delattr,
    "getattr": _getattr,
    "hasattr": _hasattr,
    "setattr": _setattr,
}


def for_me(me: object, name: str) -> Callable[..., Any]:
    """Return a builtin that works for a method of `me`."""
    return functools.partial(_FOR_ME[name], me)


BUILTINS: dict[str, Any] = {
    **allowed.BUILTINS,
    "__import__": _import,
    "isinstance": _isinstance,
    **{name: functools.partial(function, None) for name, function in _FOR_ME.items()},
}

METER.scope.update(
    {
        "__builtins__": BUILTINS,
        "__name__": "method",
        "_add_": operators.add,
        "_change_": change,
        "_change_item_": change_item,
        "_change_slot_": change_slot,
        "_for_": for_me,
        "_form_": texts.form,
        "_getattr_": read,
        "_getitem_": read_item,
        "_join_": texts.concatenate,
        "_mod_": texts.modulo,
        "_mul_": operators.multiply,
        "_or_": operators.either,
        "_pow_": operators.power,
        "_shl_": operators.shift_left,
        "_slots_": slots_of,
        "_write_": items_of,
    }
)
