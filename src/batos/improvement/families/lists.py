"""Families about a list in a slot."""

from __future__ import annotations

from batos.improvement.families.sketch import (
    Draw,
    Sketch,
    families,
    many,
    sentence,
    whole,
    word,
)


def _total(draw: Draw) -> Sketch:
    slot = draw.choice(("prices", "numbers", "scores", "amounts"))
    selector = draw.choice(("total", "sumOfAll", "addedUp"))
    return Sketch(selector, f"return sum(self.{slot})", {slot: many(whole(-5, 30), 0, 6)})


def _spread(draw: Draw) -> Sketch:
    slot = draw.choice(("temperatures", "heights", "values", "scores"))
    selector = draw.choice(("spread", "range", "span", "difference"))
    body = f"return max(self.{slot}) - min(self.{slot})"
    return Sketch(selector, body, {slot: many(whole(-10, 40), 1, 6)})


def _by_parity(draw: Draw) -> Sketch:
    slot = draw.choice(("numbers", "values", "items"))
    selector, rest = draw.choice(
        (("evens", 0), ("evenNumbers", 0), ("odds", 1), ("oddOnes", 1))
    )
    body = f"return [number for number in self.{slot} if number % 2 == {rest}]"
    return Sketch(selector, body, {slot: many(whole(0, 30), 1, 7)})


def _count_over(draw: Draw) -> Sketch:
    slot = draw.choice(("scores", "ages", "temperatures", "weights"))
    selector, sign = draw.choice(
        (
            ("countAbove_", ">"),
            ("countBelow_", "<"),
            ("howManyOver_", ">"),
            ("numberUnder_", "<"),
        )
    )
    body = f"return len([item for item in self.{slot} if item {sign} limit])"
    return Sketch(selector, body, {slot: many(whole(0, 9), 2, 7)}, {"limit": whole(2, 7)})


def _append(draw: Draw) -> Sketch:
    slot = draw.choice(("guests", "tasks", "names", "cart"))
    selector = draw.choice(("add_", "append_", "include_", "put_"))
    body = f"self.{slot}.append(item)\nreturn len(self.{slot})"
    return Sketch(selector, body, {slot: many(word, 0, 4)}, {"item": word})


def _scaled(draw: Draw) -> Sketch:
    slot = draw.choice(("numbers", "prices", "sizes", "points"))
    selector, sign = draw.choice(
        (("scaledBy_", "*"), ("multipliedBy_", "*"), ("raisedBy_", "+"), ("shiftedBy_", "+"))
    )
    body = f"return [item {sign} amount for item in self.{slot}]"
    return Sketch(selector, body, {slot: many(whole(-5, 20), 1, 5)}, {"amount": whole(2, 9)})


def _different(draw: Draw) -> Sketch:
    slot = draw.choice(("tags", "colors", "words", "visitors"))
    make = many(lambda it: it.choice(("red", "blue", "green", "gold")), 1, 7)
    selector, body = draw.choice(
        (
            ("unique", f"return sorted(set(self.{slot}))"),
            ("distinct", f"return sorted(set(self.{slot}))"),
            ("hasDuplicates", f"return len(set(self.{slot})) < len(self.{slot})"),
            ("differentOnes", f"return len(set(self.{slot}))"),
        )
    )
    return Sketch(selector, body, {slot: make})


def _longest(draw: Draw) -> Sketch:
    slot = draw.choice(("words", "names", "titles"))
    selector, of = draw.choice(
        (("longest", "max"), ("shortest", "min"), ("longestWord", "max"))
    )
    return Sketch(selector, f"return {of}(self.{slot}, key=len)", {slot: many(word, 2, 5)})


def _line(draw: Draw) -> Sketch:
    slot = draw.choice(("words", "parts", "names"))
    between = draw.choice((", ", "-", " and ", "/", " "))
    selector = draw.choice(("joined", "asLine", "inOneLine", "together"))
    return Sketch(selector, f"return {between!r}.join(self.{slot})", {slot: many(word, 1, 5)})


def _lengths(draw: Draw) -> Sketch:
    slot = draw.choice(("words", "lines", "names"))
    selector, body = draw.choice(
        (
            ("lengths", f"return [len(item) for item in self.{slot}]"),
            ("sizes", f"return [len(item) for item in self.{slot}]"),
            ("letterCount", f"return sum(len(item) for item in self.{slot})"),
            ("totalLength", f"return sum(len(item) for item in self.{slot})"),
        )
    )
    return Sketch(selector, body, {slot: many(sentence(1, 2), 1, 5)})


def _largest(draw: Draw) -> Sketch:
    slot = draw.choice(("numbers", "scores", "prices"))
    selector = draw.choice(("largest", "highest", "maximum"))
    return Sketch(selector, f"return max(self.{slot})", {slot: many(whole(0, 60), 1, 6)})


def _end(draw: Draw) -> Sketch:
    slot = draw.choice(("items", "names", "guests"))
    selector, at = draw.choice((("first", 0), ("firstItem", 0), ("last", -1), ("lastItem", -1)))
    return Sketch(selector, f"return self.{slot}[{at}]", {slot: many(word, 1, 5)})


def _average(draw: Draw) -> Sketch:
    slot = draw.choice(("numbers", "grades", "temperatures"))
    selector = draw.choice(("average", "mean", "averageValue"))
    body = f"return sum(self.{slot}) / len(self.{slot})"
    return Sketch(selector, body, {slot: many(whole(0, 30), 1, 5)})


def _descending(draw: Draw) -> Sketch:
    slot = draw.choice(("numbers", "scores", "ages"))
    selector = draw.choice(("descending", "sortedDown", "largestFirst"))
    body = f"return sorted(self.{slot}, reverse=True)"
    return Sketch(selector, body, {slot: many(whole(0, 40), 1, 6)})


def _with_item(draw: Draw) -> Sketch:
    slot = draw.choice(("items", "names", "tags"))
    selector, body = draw.choice(
        (
            ("with_", f"return self.{slot} + [item]"),
            ("alsoWith_", f"return self.{slot} + [item]"),
            ("without_", f"return [other for other in self.{slot} if other != item]"),
            ("allBut_", f"return [other for other in self.{slot} if other != item]"),
        )
    )
    make = many(lambda it: it.choice(("red", "blue", "gold")), 1, 5)
    return Sketch(selector, body, {slot: make}, {"item": lambda it: it.choice(("red", "blue"))})


def _position(draw: Draw) -> Sketch:
    slot = draw.choice(("items", "names", "places"))
    selector = draw.choice(("at_", "itemAt_", "get_"))
    body = f"return self.{slot}[position]"
    return Sketch(selector, body, {slot: many(word, 3, 6)}, {"position": whole(0, 2)})


LISTS = families(
    "lists",
    practice=(_spread, _count_over, _append, _longest, _lengths, _end, _descending, _with_item),
    final=(
        _total,
        _by_parity,
        _scaled,
        _different,
        _line,
        _largest,
        _average,
        _position,
    ),
)
