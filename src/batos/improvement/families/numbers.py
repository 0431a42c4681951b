"""Families about numbers: one or two of them in slots, one or two as arguments."""

from __future__ import annotations

from batos.improvement.families.sketch import Draw, Sketch, families, whole


def _percent(draw: Draw) -> Sketch:
    slot = draw.choice(("price", "total", "weight", "salary", "budget"))
    selector = draw.choice(("percent_", "percentOf_", "share_", "portion_"))
    return Sketch(
        selector,
        f"return self.{slot} * percent / 100",
        {slot: whole(10, 500)},
        {"percent": whole(1, 100)},
    )


def _unit(draw: Draw) -> Sketch:
    slot, selector, factor = draw.choice(
        (
            ("meters", "centimeters", 100),
            ("hours", "minutes", 60),
            ("days", "hours", 24),
            ("weeks", "days", 7),
            ("feet", "inches", 12),
            ("kilograms", "grams", 1000),
            ("dozens", "pieces", 12),
            ("minutes", "seconds", 60),
        )
    )
    name = draw.choice((selector, f"in{selector.title()}", f"to{selector.title()}"))
    return Sketch(name, f"return self.{slot} * {factor}", {slot: whole(0, 90)})


def _multiple(draw: Draw) -> Sketch:
    slot = draw.choice(("number", "count", "amount", "value"))
    by = draw.randint(3, 9)
    name = draw.choice((f"isMultipleOf{by}", f"divisibleBy{by}", f"isDivisibleBy{by}"))
    body = f"return self.{slot} % {by} == 0"
    return Sketch(name, body, {slot: lambda it: it.choice((by, 1)) * it.randint(0, 12)})


def _distance(draw: Draw) -> Sketch:
    slot = draw.choice(("position", "temperature", "height", "level"))
    name = draw.choice(("distanceTo_", "differenceTo_", "gapTo_", "awayFrom_"))
    body = f"return abs(self.{slot} - other)"
    return Sketch(name, body, {slot: whole(-20, 40)}, {"other": whole(-20, 40)})


def _surface(draw: Draw) -> Sketch:
    one, other = draw.choice((("width", "height"), ("length", "width"), ("rows", "columns")))
    name, body = draw.choice(
        (
            ("area", f"return self.{one} * self.{other}"),
            ("surface", f"return self.{one} * self.{other}"),
            ("perimeter", f"return 2 * (self.{one} + self.{other})"),
            ("fence", f"return 2 * (self.{one} + self.{other})"),
        )
    )
    return Sketch(name, body, {one: whole(1, 20), other: whole(1, 20)})


def _even_shares(draw: Draw) -> Sketch:
    slot = draw.choice(("sweets", "coins", "cards", "apples"))
    name, body = draw.choice(
        (
            ("shareFor_", f"return self.{slot} // people"),
            ("each_", f"return self.{slot} // people"),
            ("leftOver_", f"return self.{slot} % people"),
            ("remainder_", f"return self.{slot} % people"),
        )
    )
    return Sketch(name, body, {slot: whole(0, 60)}, {"people": whole(2, 9)})


def _within(draw: Draw) -> Sketch:
    low, high = draw.choice((("low", "high"), ("minimum", "maximum"), ("first", "last")))
    name = draw.choice(("contains_", "isBetween_", "allows_", "covers_"))
    body = f"return self.{low} <= number <= self.{high}"
    slots = {low: whole(0, 10), high: whole(11, 20)}
    return Sketch(name, body, slots, {"number": whole(-3, 23)})


def _digits(draw: Draw) -> Sketch:
    slot = draw.choice(("number", "code", "pin", "value"))
    name, body = draw.choice(
        (
            ("digitSum", f"return sum(int(digit) for digit in str(self.{slot}))"),
            ("sumOfDigits", f"return sum(int(digit) for digit in str(self.{slot}))"),
            ("digitCount", f"return len(str(self.{slot}))"),
            ("numberOfDigits", f"return len(str(self.{slot}))"),
        )
    )
    return Sketch(name, body, {slot: lambda it: it.randint(0, 10 ** it.randint(1, 5))})


def _power(draw: Draw) -> Sketch:
    slot = draw.choice(("side", "number", "edge"))
    name, power = draw.choice((("squared", 2), ("square", 2), ("cubed", 3), ("cube", 3)))
    return Sketch(name, f"return self.{slot} ** {power}", {slot: whole(0, 12)})


def _sum_of_two(draw: Draw) -> Sketch:
    one, other = draw.choice((("first", "second"), ("red", "blue"), ("boys", "girls")))
    name = draw.choice(("sum", "total", "both", "together"))
    body = f"return self.{one} + self.{other}"
    return Sketch(name, body, {one: whole(0, 50), other: whole(0, 50)})


def _fraction(draw: Draw) -> Sketch:
    slot = draw.choice(("amount", "weight", "length", "number"))
    name, by = draw.choice((("half", 2), ("third", 3), ("fourth", 4), ("tenth", 10)))
    return Sketch(name, f"return self.{slot} / {by}", {slot: whole(1, 90)})


def _parity(draw: Draw) -> Sketch:
    slot = draw.choice(("number", "count", "value"))
    name, rest = draw.choice((("isEven", 0), ("even", 0), ("isOdd", 1), ("odd", 1)))
    return Sketch(name, f"return self.{slot} % 2 == {rest}", {slot: whole(0, 60)})


def _larger(draw: Draw) -> Sketch:
    slot = draw.choice(("number", "value", "price"))
    name, of = draw.choice((("largerOf_", "max"), ("maxWith_", "max"), ("minWith_", "min")))
    return Sketch(
        name, f"return {of}(self.{slot}, other)", {slot: whole(0, 30)}, {"other": whole(0, 30)}
    )


def _middle(draw: Draw) -> Sketch:
    one, other = draw.choice((("low", "high"), ("left", "right"), ("first", "second")))
    name = draw.choice(("average", "middle", "mean", "midpoint"))
    body = f"return (self.{one} + self.{other}) / 2"
    return Sketch(name, body, {one: whole(0, 40), other: whole(0, 40)})


def _times(draw: Draw) -> Sketch:
    slot = draw.choice(("number", "price", "length"))
    name = draw.choice(("times_", "multipliedBy_", "multiply_"))
    body = f"return self.{slot} * factor"
    return Sketch(name, body, {slot: whole(0, 30)}, {"factor": whole(2, 12)})


def _sign(draw: Draw) -> Sketch:
    slot = draw.choice(("balance", "number", "temperature"))
    name, sign = draw.choice((("isPositive", ">"), ("isNegative", "<"), ("isZero", "==")))
    return Sketch(name, f"return self.{slot} {sign} 0", {slot: whole(-9, 9)})


NUMBERS = families(
    "numbers",
    practice=(_percent, _multiple, _surface, _within, _power, _larger, _middle),
    final=(
        _unit,
        _distance,
        _even_shares,
        _digits,
        _sum_of_two,
        _fraction,
        _parity,
        _times,
        _sign,
    ),
)
