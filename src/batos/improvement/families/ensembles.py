"""Families about objects that talk: to themselves by other methods, or to one they hold."""

from __future__ import annotations

from batos.improvement.families.sketch import (
    Draw,
    Sketch,
    families,
    many,
    method,
    name,
    whole,
    word,
)
from batos.improvement.task import Companion


def _from_own_sum(draw: Draw) -> Sketch:
    slot = draw.choice(("numbers", "scores", "prices"))
    known = draw.choice(("total", "sumOfAll"))
    selector = draw.choice(("average", "mean"))
    return Sketch(
        selector,
        f"return self.{known}() / len(self.{slot})",
        {slot: many(whole(0, 30), 1, 5)},
        methods=(method(known, f"return sum(self.{slot})"),),
    )


def _opposite(draw: Draw) -> Sketch:
    slot = draw.choice(("level", "stock", "charge"))
    known, selector = draw.choice(
        (("isEmpty", "isFilled"), ("isLow", "isFine"), ("isOut", "isIn"))
    )
    limit = draw.choice((0, 3, 5))
    return Sketch(
        selector,
        f"return not self.{known}()",
        {slot: whole(limit - 5, limit + 7)},
        methods=(method(known, f"return self.{slot} <= {limit}"),),
    )


def _twice(draw: Draw) -> Sketch:
    slot = draw.choice(("speed", "score", "count"))
    known = draw.choice(("boost", "raiseIt", "grow"))
    step = draw.randint(2, 7)
    selector = draw.choice((f"{known}Twice", f"double{known.title()}"))
    return Sketch(
        selector,
        f"self.{known}()\nreturn self.{known}()",
        {slot: whole(0, 30)},
        methods=(method(known, f"self.{slot} += {step}\nreturn self.{slot}"),),
    )


def _with_tax(draw: Draw) -> Sketch:
    known, rate = draw.choice((("tax", 20), ("fee", 10), ("tip", 15)))
    slot = draw.choice(("price", "cost", "net"))
    selector = draw.choice((f"with{known.title()}", f"including{known.title()}", "gross"))
    return Sketch(
        selector,
        f"return self.{slot} + self.{known}()",
        {slot: whole(10, 400)},
        methods=(method(known, f"return self.{slot} * {rate} // 100"),),
    )


def _polite(draw: Draw) -> Sketch:
    known = draw.choice(("fullName", "title"))
    selector, before = draw.choice(
        (("greeting", "Hello "), ("salute", "Dear "), ("hail", "Hi "))
    )
    return Sketch(
        selector,
        f"return {before!r} + self.{known}()",
        {"first": name, "last": word},
        methods=(method(known, "return self.first.title() + ' ' + self.last.title()"),),
    )


def _convert_by_held(draw: Draw) -> Sketch:
    slot = draw.choice(("bank", "exchange", "office"))
    rate = draw.randint(2, 6)
    held = Companion(
        {"rate": rate}, (method("convert_", "return amount * self.rate", "amount"),)
    )
    own = draw.choice(("money", "balance", "price"))
    selector = draw.choice(("converted", "abroad", "inForeignMoney"))
    return Sketch(
        selector,
        f"return self.{slot}.convert_(self.{own})",
        {own: whole(1, 90)},
        companions={slot: held},
    )


def _room_in_held(draw: Draw) -> Sketch:
    slot = draw.choice(("box", "bus", "room"))
    held = Companion({"capacity": draw.randint(8, 14)})
    own = draw.choice(("used", "taken", "occupied"))
    selector = draw.choice(("free", "available", "roomLeft"))
    return Sketch(
        selector,
        f"return self.{slot}.capacity - self.{own}",
        {own: whole(0, 8)},
        companions={slot: held},
    )


def _both(draw: Draw) -> Sketch:
    one, other = draw.choice((("isRipe", "isSweet"), ("isReady", "isSafe")))
    sign = draw.choice(("and", "or"))
    return Sketch(
        f"{one}{sign.title()}{other[2:]}",
        f"return self.{one}() {sign} self.{other}()",
        {"days": whole(2, 8), "sugar": whole(2, 8)},
        methods=(method(one, "return self.days > 5"), method(other, "return self.sugar > 4")),
    )


def _each_by_own(draw: Draw) -> Sketch:
    known = draw.choice(("priceOf_", "costOf_"))
    slot = draw.choice(("items", "cart", "order"))
    rate = draw.randint(2, 5)
    selector = draw.choice(("totalPrice", "sumOfPrices", "priceOfAll"))
    return Sketch(
        selector,
        f"return sum(self.{known}(item) for item in self.{slot})",
        {slot: many(word, 1, 4)},
        methods=(method(known, f"return len(text) * {rate}", "text"),),
    )


def _volume(draw: Draw) -> Sketch:
    known = draw.choice(("area", "ground", "surface"))
    selector = draw.choice(("volume", "content", "space"))
    return Sketch(
        selector,
        f"return self.{known}() * self.height",
        {"width": whole(1, 9), "length": whole(1, 9), "height": whole(1, 9)},
        methods=(method(known, "return self.width * self.length"),),
    )


def _change(draw: Draw) -> Sketch:
    known = draw.choice(("cost", "total", "sum"))
    selector = draw.choice(("change_", "changeFrom_", "moneyBack_"))
    return Sketch(
        selector,
        f"return paid - self.{known}()",
        {"price": whole(1, 9), "count": whole(1, 5)},
        {"paid": whole(50, 99)},
        methods=(method(known, "return self.price * self.count"),),
    )


def _is_best(draw: Draw) -> Sketch:
    slot = draw.choice(("scores", "prices", "numbers"))
    known, of = draw.choice((("largest", "max"), ("smallest", "min")))
    return Sketch(
        f"is{known.title()}_",
        f"return number == self.{known}()",
        {slot: many(whole(1, 4), 1, 4)},
        {"number": whole(1, 4)},
        methods=(method(known, f"return {of}(self.{slot})"),),
    )


def _loud(draw: Draw) -> Sketch:
    known = draw.choice(("sentence", "line", "asText"))
    selector, call = draw.choice((("loud", "upper"), ("inCapitals", "upper")))
    return Sketch(
        selector,
        f"return self.{known}().{call}()",
        {"first": word, "second": word},
        methods=(method(known, "return self.first + ' ' + self.second"),),
    )


def _half_of(draw: Draw) -> Sketch:
    known = draw.choice(("total", "sum"))
    one, other = draw.choice((("bread", "milk"), ("rent", "food")))
    selector = draw.choice(("halfOfTotal", "shareOfTwo", "eachOfTwo"))
    return Sketch(
        selector,
        f"return self.{known}() / 2",
        {one: whole(0, 40), other: whole(0, 40)},
        methods=(method(known, f"return self.{one} + self.{other}"),),
    )


def _is_expensive(draw: Draw) -> Sketch:
    known = draw.choice(("cost", "total"))
    selector = draw.choice(("costsMoreThan_", "isMoreThan_", "exceeds_"))
    return Sketch(
        selector,
        f"return self.{known}() > amount",
        {"price": whole(1, 6), "count": whole(1, 6)},
        {"amount": whole(5, 20)},
        methods=(method(known, "return self.price * self.count"),),
    )


ENSEMBLES = families(
    "ensembles",
    practice=(
        _from_own_sum,
        _twice,
        _convert_by_held,
        _both,
        _volume,
        _change,
        _half_of,
    ),
    final=(
        _opposite,
        _with_tax,
        _polite,
        _room_in_held,
        _each_by_own,
        _is_best,
        _loud,
        _is_expensive,
    ),
)
