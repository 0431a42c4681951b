"""Families about a dict in a slot."""

from __future__ import annotations

from batos.improvement.families.sketch import NAMES, Draw, Sketch, families, mapping, whole

_KEYS = NAMES[:6]  # as `mapping` draws them


def _key(draw: Draw) -> object:
    return draw.choice(_KEYS)


def _lookup(draw: Draw) -> Sketch:
    slot = draw.choice(("ages", "stock", "prices", "phones"))
    selector = draw.choice(("of_default_", "find_default_", "lookUp_default_", "get_default_"))
    body = f"return self.{slot}.get(key, default)"
    args = {"key": _key, "default": whole(-1, 1)}
    return Sketch(selector, body, {slot: mapping(whole(2, 40), 2, 5)}, args)


def _sum_of_values(draw: Draw) -> Sketch:
    slot = draw.choice(("stock", "votes", "prices", "points"))
    selector = draw.choice(("total", "sum", "allTogether"))
    body = f"return sum(self.{slot}.values())"
    return Sketch(selector, body, {slot: mapping(whole(0, 30), 0, 4)})


def _knows(draw: Draw) -> Sketch:
    slot = draw.choice(("stock", "members", "rooms", "ages"))
    selector = draw.choice(("has_", "knows_", "contains_", "includes_"))
    body = f"return key in self.{slot}"
    return Sketch(selector, body, {slot: mapping(whole(1, 30), 2, 4)}, {"key": _key})


def _sorted_keys(draw: Draw) -> Sketch:
    slot = draw.choice(("stock", "votes", "members", "grades"))
    selector = draw.choice(("names", "sortedKeys", "keyList", "allNames"))
    return Sketch(selector, f"return sorted(self.{slot})", {slot: mapping(whole(1, 9), 1, 5)})


def _write(draw: Draw) -> Sketch:
    slot = draw.choice(("stock", "grades", "prices", "scores"))
    selector = draw.choice(("at_put_", "set_to_", "key_value_"))
    body = f"self.{slot}[key] = value\nreturn len(self.{slot})"
    slots = {slot: mapping(whole(1, 30), 1, 4)}
    return Sketch(selector, body, slots, {"key": _key, "value": whole(1, 30)})


def _best(draw: Draw) -> Sketch:
    slot = draw.choice(("votes", "scores", "sales", "points"))
    selector, of = draw.choice((("winner", "max"), ("best", "max"), ("worst", "min")))
    body = f"return {of}(self.{slot}, key=self.{slot}.get)"
    return Sketch(selector, body, {slot: mapping(whole(0, 90), 2, 5)})


def _above(draw: Draw) -> Sketch:
    slot = draw.choice(("grades", "stock", "ages", "scores"))
    selector, sign = draw.choice(
        (("above_", ">"), ("over_", ">"), ("below_", "<"), ("atLeast_", ">="))
    )
    body = f"return sorted(key for key, value in self.{slot}.items() if value {sign} limit)"
    return Sketch(selector, body, {slot: mapping(whole(1, 9), 2, 5)}, {"limit": whole(2, 8)})


def _bump(draw: Draw) -> Sketch:
    slot = draw.choice(("votes", "counts", "visits"))
    selector = draw.choice(("voteFor_", "countUp_", "visitedBy_"))
    step = draw.choice((1, 1, 2, 5))
    body = f"self.{slot}[key] = self.{slot}.get(key, 0) + {step}\nreturn self.{slot}[key]"
    return Sketch(selector, body, {slot: mapping(whole(1, 9), 1, 4)}, {"key": _key})


def _worth(draw: Draw) -> Sketch:
    slot = draw.choice(("basket", "order", "shelf"))
    selector = draw.choice(("worthAt_", "costAt_", "valueAt_"))
    body = f"return sum(count * price for count in self.{slot}.values())"
    return Sketch(selector, body, {slot: mapping(whole(0, 9), 1, 4)}, {"price": whole(2, 9)})


def _size(draw: Draw) -> Sketch:
    slot = draw.choice(("stock", "ages", "rooms"))
    selector = draw.choice(("size", "count", "howMany"))
    return Sketch(
        selector, f"return len(self.{slot}.keys())", {slot: mapping(whole(1, 9), 0, 5)}
    )


def _keys(draw: Draw) -> Sketch:
    slot = draw.choice(("stock", "ages", "prices"))
    selector, what = draw.choice(
        (("allKeys", "keys"), ("listOfKeys", "keys"), ("listOfValues", "values"))
    )
    body = f"return list(self.{slot}.{what}())"
    return Sketch(selector, body, {slot: mapping(whole(1, 40), 1, 4)})


def _highest(draw: Draw) -> Sketch:
    slot = draw.choice(("scores", "prices", "ages"))
    selector, of = draw.choice((("highest", "max"), ("largestValue", "max"), ("lowest", "min")))
    return Sketch(
        selector, f"return {of}(self.{slot}.values())", {slot: mapping(whole(1, 60), 1, 5)}
    )


def _drop(draw: Draw) -> Sketch:
    slot = draw.choice(("stock", "members", "rooms"))
    selector = draw.choice(("remove_", "pop_", "takeOut_"))
    body = f"return self.{slot}.pop(key)"
    return Sketch(selector, body, {slot: mapping(whole(1, 40), 3, 5)}, {"key": _key})


DICTS = families(
    "dicts",
    practice=(_sorted_keys, _write, _best, _above, _worth, _highest, _drop),
    final=(_lookup, _sum_of_values, _knows, _bump, _size, _keys),
)
