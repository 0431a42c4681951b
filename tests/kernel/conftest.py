"""A database in memory: its objects run plain Python and note what they do not understand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from transaction import TransactionManager
from ZODB.DB import DB

from batos.kernel.message import NOT_UNDERSTOOD, Message
from batos.kernel.method import Primitive
from batos.kernel.runtime import Runtime
from batos.kernel.uvm_object import UvmObject


def compile_plainly(source: str) -> Callable[..., object]:
    """Compile a method without any gate."""
    namespace: dict[str, Any] = {}
    exec(source, namespace)
    function: Callable[..., object] = namespace.popitem()[1]
    return function


@pytest.fixture
def heard() -> list[tuple[UvmObject, Message]]:
    """Every message that `doesNotUnderstand_` got, with its receiver."""
    return []


@pytest.fixture
def connection(heard: list[tuple[UvmObject, Message]]) -> Iterator[Any]:
    """A connection to a database in memory."""

    def record(receiver: UvmObject, message: Message) -> str:
        heard.append((receiver, message))
        return f"heard {message.selector}"

    database = DB(None)
    connection = database.open(TransactionManager())
    connection.runtime = Runtime({"test.record": record}, compile_plainly)
    yield connection
    connection.transaction_manager.abort()
    connection.close()
    database.close()


@pytest.fixture
def traits(connection: Any) -> UvmObject:
    """A stored object that answers whatever is not understood."""
    connection.root()["traits"] = UvmObject(doesNotUnderstand_=Primitive("test.record"))
    connection.transaction_manager.commit()
    traits: UvmObject = connection.root()["traits"]
    assert NOT_UNDERSTOOD in traits._slots
    return traits
