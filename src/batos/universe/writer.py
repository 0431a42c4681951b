"""Objects into records, each under the one class that a record may name.

In memory every object has a map as its class, made at run time (`kernel/lookup.py`). ZODB
writes down the class that it finds; this writes `UvmObject` in its place.
"""

from __future__ import annotations

from pickle import PicklingError

from persistent import Persistent
from persistent.list import PersistentList
from persistent.mapping import PersistentMapping
from persistent.wref import WeakRef
from ZODB.serialize import ObjectWriter

from batos.errors import NotStorable
from batos.kernel.uvm_object import UvmObject
from batos.kernel.values import PersistentSet, settle


class RecordWriter(ObjectWriter):  # type: ignore[misc]  # ZODB is untyped
    """Writes records of a universe."""

    @classmethod
    def instead_of(cls, writer: ObjectWriter) -> RecordWriter:
        """Return one that writes what another one was going to write."""
        ours = cls()
        ours._jar = writer._jar
        ours._stack.extend(writer._stack)
        return ours

    def persistent_id(self, obj: object) -> object:
        """Return how a record refers to an object; None for what lies in the record itself.

        It is called for each and every value of a record.
        """
        if not isinstance(obj, Persistent | type | WeakRef):
            return None
        reference = super().persistent_id(obj)
        if isinstance(obj, UvmObject):
            oid, _map = reference
            return oid, UvmObject
        return reference

    def serialize(self, obj: Persistent) -> bytes:
        """Return the record of an object."""
        if isinstance(obj, UvmObject):
            record: bytes = self._dump(UvmObject, obj.__getstate__())
            return record
        if type(obj) in (PersistentList, PersistentMapping, PersistentSet):
            settle(obj)
        try:
            return super().serialize(obj)  # type: ignore[no-any-return]
        except (PicklingError, TypeError, AttributeError) as error:  # it has no name, no state
            kind = type(obj).__name__
            raise NotStorable(f"value in a {kind}", "a universe", str(error)) from error
