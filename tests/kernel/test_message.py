"""Messages: sent, deferred, not understood."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable

import pytest

from batos.errors import MessageNotUnderstood, NotStorable
from batos.kernel.message import NEVER_GROWN, Message, Send, send
from batos.kernel.method import Method
from batos.kernel.uvm_object import UvmObject

Heard = list[tuple[UvmObject, Message]]


def test_calling_a_send_sends_it_to_the_original_receiver(
    traits: UvmObject, heard: Heard
) -> None:
    account = traits.clone().clone(balance=100)

    answer = account.deposit_(50, at="noon")

    assert answer == "heard deposit_"
    assert heard == [(account, Message("deposit_", (50,), {"at": "noon"}))]


def test_a_send_is_sent_each_time_it_is_called(traits: UvmObject, heard: Heard) -> None:
    deposit = traits.clone().deposit_

    deposit(1)
    deposit(2)

    assert [message.args for _receiver, message in heard] == [(1,), (2,)]


def test_a_send_finds_a_slot_that_was_written_meanwhile(
    traits: UvmObject, heard: Heard
) -> None:
    account = traits.clone()
    size = account.size

    account.size = 3

    assert size() == 3
    assert heard == []


def test_a_send_is_falsy_and_says_so(caplog: pytest.LogCaptureFixture) -> None:
    price = UvmObject().price

    with caplog.at_level("WARNING", logger="batos"):
        assert not price
    assert "price was taken for false" in caplog.text
    assert "mirror(obj).understands('price')" in caplog.text
    assert repr(price) == "<price: not understood yet; call it to send it>"


@pytest.mark.parametrize(
    "keep",
    [
        lambda send_: UvmObject(price=send_),
        lambda send_: UvmObject(prices=[{"now": send_}]),
        pickle.dumps,
        copy.copy,
        copy.deepcopy,
    ],
)
def test_a_send_cannot_be_kept(keep: Callable[[object], object]) -> None:
    with pytest.raises(NotStorable):
        keep(UvmObject().price)


def test_a_send_has_nothing_but_its_call() -> None:
    price = UvmObject().price

    assert isinstance(price, Send)
    assert not hasattr(price, "currency")
    with pytest.raises(AttributeError):
        price.currency = "EUR"  # type: ignore[attr-defined]


def test_a_data_slot_answers_a_message_with_its_data() -> None:
    account = UvmObject(balance=100)

    assert send(account.clone(), "balance") == 100


def test_data_takes_no_arguments() -> None:
    with pytest.raises(TypeError, match="'balance' is data"):
        send(UvmObject(balance=100), "balance", 3)


def test_a_method_answers_with_its_receivers_slots(traits: UvmObject) -> None:
    traits.double = Method("def double(self, n):\n    return 2 * n * self.rate", {})
    account = traits.clone(rate=10)

    assert send(account, "double", 3) == 60
    assert account.double(n=3) == 60
    assert Message("double", (), {"n": 3}).send_to(account) == 60


def test_protocol_names_can_be_sent_on_purpose(traits: UvmObject) -> None:
    assert send(traits.clone(), "keys") == "heard keys"


@pytest.mark.parametrize("selector", sorted(NEVER_GROWN - {"doesNotUnderstand_"}))
def test_what_growing_is_made_of_never_grows(
    selector: str, traits: UvmObject, heard: Heard
) -> None:
    with pytest.raises(MessageNotUnderstood):
        send(traits.clone(), selector)

    assert heard == []


@pytest.mark.parametrize(
    "selector", ["", "two words", "class", "_secret", "a.b", "parent*", "clone"]
)
def test_what_can_be_no_slot_never_grows(
    selector: str, traits: UvmObject, heard: Heard
) -> None:
    with pytest.raises(MessageNotUnderstood):
        send(UvmObject(**{"law*": traits}), selector)

    assert heard == []


def test_a_selector_of_a_million_characters_is_told_in_short() -> None:
    with pytest.raises(MessageNotUnderstood) as not_understood:
        send(UvmObject(deposit_=1), "deposit_" * 125_000)

    assert len(str(not_understood.value)) < 200


def test_without_a_handler_the_error_lists_what_comes_close() -> None:
    account = UvmObject(deposit_=1, balance=2, owner=3).clone(deposits=4)

    with pytest.raises(MessageNotUnderstood) as not_understood:
        account.deposit()

    assert set(not_understood.value.similar) == {"deposit_", "deposits"}
    assert not_understood.value.selector == "deposit"
    assert "It does understand deposit" in str(not_understood.value)


def test_a_message_counts_what_it_carries() -> None:
    assert Message("at_put_", (1,), {"value": 2}).arity == 2
    assert Message("size").arity == 0
