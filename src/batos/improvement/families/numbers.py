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


def _clamp(draw: Draw) -> Sketch:
    top = draw.choice((10, 50, 99, 100))
    slot = draw.choice(("volume", "speed", "brightness", "power"))
    name = draw.choice((f"limitedTo{top}", f"between0And{top}", f"from0To{top}"))
    body = f"return max(0, min({top}, self.{slot}))"
    return Sketch(name, body, {slot: whole(-30, top + 40)})


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


def _growth(draw: Draw) -> Sketch:
    slot, rate = draw.choice((("capital", "rate"), ("population", "growth"), ("price", "tax")))
    name = draw.choice(("afterYears_", "inYears_", "grownFor_"))
    body = f"""
        amount = self.{slot}
        for _ in range(years):
            amount += amount * self.{rate} // 100
        return amount
    """
    return Sketch(
        name, body, {slot: whole(100, 900), rate: whole(1, 20)}, {"years": whole(0, 6)}
    )


NUMBERS = families(
    "numbers",
    *(_percent, _unit, _multiple, _distance, _surface),
    *(_even_shares, _within, _clamp, _digits, _growth),
)
