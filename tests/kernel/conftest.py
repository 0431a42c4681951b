"""A database in memory: its objects run plain Python and note what they do not understand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from transaction import TransactionManager
from ZODB.DemoStorage import DemoStorage

from batos.kernel.message import NOT_UNDERSTOOD, Message
from batos.kernel.method import Primitive
from batos.kernel.runtime import Runtime
from batos.kernel.uvm_object import UvmObject
from batos.universe.database import Database


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
def database(heard: list[tuple[UvmObject, Message]]) -> Iterator[Database]:
    """A database in memory; every miss in it is noted."""

    def record(receiver: UvmObject, message: Message) -> str:
        heard.append((receiver, message))
        return f"heard {message.selector}"

    database = Database(DemoStorage())
    database.runtime = Runtime({"test.record": record}, compile_plainly)
    yield database
    database.close()


@pytest.fixture
def connection(database: Database) -> Iterator[Any]:
    """A connection to it."""
    connection = database.open(TransactionManager())
    yield connection
    connection.transaction_manager.abort()
    connection.close()


@pytest.fixture
def traits(connection: Any) -> UvmObject:
    """A stored object that answers whatever is not understood."""
    connection.root()["traits"] = UvmObject(doesNotUnderstand_=Primitive("test.record"))
    connection.transaction_manager.commit()
    traits: UvmObject = connection.root()["traits"]
    assert NOT_UNDERSTOOD in traits._slots
    return traits
