"""Families about an object with a few slots, which the method reads together or changes."""

from __future__ import annotations

from batos.improvement.families.sketch import Draw, Sketch, families, name, whole, word


def _spend(draw: Draw) -> Sketch:
    slot = draw.choice(("balance", "budget", "credit", "stock"))
    selector = draw.choice(("withdraw_", "spend_", "take_", "pay_"))
    body = f"""
        if amount <= self.{slot}:
            self.{slot} -= amount
        return self.{slot}
    """
    return Sketch(selector, body, {slot: whole(0, 30)}, {"amount": whole(1, 25)})


def _exchange_slots(draw: Draw) -> Sketch:
    one, other = draw.choice((("left", "right"), ("first", "second"), ("home", "away")))
    selector = draw.choice(("swap", "exchange", "switchPlaces"))
    body = f"self.{one}, self.{other} = self.{other}, self.{one}\nreturn self.{one}"
    return Sketch(selector, body, {one: whole(0, 30), other: whole(0, 30)})


def _reset(draw: Draw) -> Sketch:
    slot = draw.choice(("count", "score", "total", "errors"))
    selector = draw.choice(("reset", "clear", "startAgain"))
    body = f"last = self.{slot}\nself.{slot} = 0\nreturn last"
    return Sketch(selector, body, {slot: whole(1, 40)})


def _full_name(draw: Draw) -> Sketch:
    first, last = draw.choice((("first", "last"), ("forename", "surname"), ("given", "family")))
    selector = draw.choice(("fullName", "wholeName", "completeName"))
    body = f"return self.{first} + ' ' + self.{last}"
    return Sketch(selector, body, {first: name, last: word})


def _move(draw: Draw) -> Sketch:
    one, other = draw.choice((("x", "y"), ("column", "row"), ("east", "north")))
    selector = draw.choice(("move_by_", "shift_by_", "go_then_"))
    body = f"self.{one} += first\nself.{other} += second\nreturn [self.{one}, self.{other}]"
    slots = {one: whole(-9, 9), other: whole(-9, 9)}
    return Sketch(selector, body, slots, {"first": whole(-5, 5), "second": whole(-5, 5)})


def _bill(draw: Draw) -> Sketch:
    price, count = draw.choice((("price", "quantity"), ("rate", "hours"), ("fare", "people")))
    extra = draw.choice(("shipping", "fee", "tip"))
    selector = draw.choice(("total", "cost", "bill", "amountDue"))
    body = f"return self.{price} * self.{count} + self.{extra}"
    slots = {price: whole(1, 20), count: whole(1, 9), extra: whole(0, 9)}
    return Sketch(selector, body, slots)


def _enough(draw: Draw) -> Sketch:
    slot = draw.choice(("balance", "stock", "fuel", "seats"))
    selector = draw.choice(("hasEnough_", "canAfford_", "suffices_", "isEnoughFor_"))
    body = f"return self.{slot} >= amount"
    return Sketch(selector, body, {slot: whole(0, 12)}, {"amount": whole(0, 12)})


def _grade(draw: Draw) -> Sketch:
    slot, limit, yes, no = draw.choice(
        (
            ("points", "needed", "pass", "fail"),
            ("age", "limit", "adult", "child"),
            ("score", "record", "new", "old"),
            ("speed", "limit", "fast", "slow"),
        )
    )
    selector = draw.choice(("result", "rating", "verdict"))
    body = f"return {yes!r} if self.{slot} >= self.{limit} else {no!r}"
    return Sketch(selector, body, {slot: whole(5, 20), limit: whole(8, 16)})


def _profit(draw: Draw) -> Sketch:
    selector, one, other = draw.choice(
        (
            ("profit", "income", "costs"),
            ("remaining", "total", "used"),
            ("free", "capacity", "guests"),
            ("net", "gross", "tax"),
            ("difference", "larger", "smaller"),
        )
    )
    body = f"return self.{one} - self.{other}"
    return Sketch(selector, body, {one: whole(20, 60), other: whole(0, 20)})


def _is_full(draw: Draw) -> Sketch:
    count, limit = draw.choice((("guests", "seats"), ("used", "capacity"), ("length", "limit")))
    selector = draw.choice(("isFull", "full"))
    body = f"return self.{count} >= self.{limit}"
    return Sketch(selector, body, {count: whole(0, 6), limit: whole(2, 6)})


def _may(draw: Draw) -> Sketch:
    selector = draw.choice(("isAdult", "canVote", "isOver18", "isGrownUp"))
    return Sketch(
        selector, "return self.age >= 18", {"age": whole(14, 22), "height": whole(1, 9)}
    )


def _withdraw(draw: Draw) -> Sketch:
    slot = draw.choice(("balance", "stock", "budget", "fuel"))
    selector = draw.choice(("subtract_", "decrease_", "use_", "reduce_"))
    body = f"self.{slot} -= amount\nreturn self.{slot}"
    return Sketch(selector, body, {slot: whole(20, 60)}, {"amount": whole(1, 20)})


def _three(draw: Draw) -> Sketch:
    one, two, three = draw.choice(
        (("maths", "english", "music"), ("bread", "milk", "eggs"), ("gold", "silver", "bronze"))
    )
    selector, body = draw.choice(
        (
            ("total", f"return self.{one} + self.{two} + self.{three}"),
            ("sum", f"return self.{one} + self.{two} + self.{three}"),
            ("best", f"return max(self.{one}, self.{two}, self.{three})"),
            ("highest", f"return max(self.{one}, self.{two}, self.{three})"),
        )
    )
    return Sketch(selector, body, {it: whole(0, 30) for it in (one, two, three)})


def _pair(draw: Draw) -> Sketch:
    slot, other = draw.choice((("name", "age"), ("city", "people"), ("item", "price")))
    selector = draw.choice(("asList", "pair", "both"))
    body = f"return [self.{slot}, self.{other}]"
    return Sketch(selector, body, {slot: name, other: whole(1, 90)})


RECORDS = families(
    "records",
    practice=(
        _exchange_slots,
        _full_name,
        _move,
        _grade,
        _profit,
        _is_full,
        _may,
    ),
    final=(_spend, _reset, _bill, _enough, _withdraw, _three, _pair),
)
