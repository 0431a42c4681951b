"""Families about small state machines: what a slot becomes follows from what it was."""

from __future__ import annotations

from batos.improvement.families.sketch import Draw, Sketch, families, many, one_of, whole, word


def _toggle(draw: Draw) -> Sketch:
    slot = draw.choice(("on", "open", "muted", "active"))
    selector = draw.choice(("toggle", "flip", "press"))
    body = f"self.{slot} = not self.{slot}\nreturn self.{slot}"
    return Sketch(selector, body, {slot: one_of(True, False), "presses": whole(0, 9)})


def _cycle(draw: Draw) -> Sketch:
    slot, states = draw.choice(
        (
            ("light", ("red", "green", "yellow")),
            ("season", ("spring", "summer", "autumn", "winter")),
            ("mode", ("off", "low", "high")),
            ("phase", ("start", "run", "stop")),
        )
    )
    selector = draw.choice(("next", "advance", "change", "step"))
    following = dict(zip(states, (*states[1:], states[0]), strict=True))
    body = f"self.{slot} = {following!r}[self.{slot}]\nreturn self.{slot}"
    return Sketch(selector, body, {slot: one_of(*states), "turn": whole(0, 9)})


def _wrap(draw: Draw) -> Sketch:
    slot, size = draw.choice(
        (("hour", "hours"), ("index", "size"), ("slide", "slides"), ("place", "places"))
    )
    selector = draw.choice(("forward_", "turn_", "advance_"))
    body = f"self.{slot} = (self.{slot} + steps) % self.{size}\nreturn self.{slot}"
    slots = {slot: whole(0, 4), size: whole(5, 12)}
    return Sketch(selector, body, slots, {"steps": whole(1, 9)})


def _bounded_step(draw: Draw) -> Sketch:
    slot = draw.choice(("floor", "volume", "gear", "level"))
    top = draw.choice(("top", "maximum", "highest"))
    selector, body = draw.choice(
        (
            ("up", f"self.{slot} = min(self.{slot} + 1, self.{top})\nreturn self.{slot}"),
            ("down", f"self.{slot} = max(self.{slot} - 1, 0)\nreturn self.{slot}"),
            ("higher", f"self.{slot} = min(self.{slot} + 1, self.{top})\nreturn self.{slot}"),
            ("lower", f"self.{slot} = max(self.{slot} - 1, 0)\nreturn self.{slot}"),
        )
    )
    return Sketch(selector, body, {slot: one_of(0, 0, 1, 2, 3, 4, 4), top: whole(4, 6)})


def _unlock(draw: Draw) -> Sketch:
    state, key = draw.choice((("locked", "code"), ("closed", "pin"), ("hidden", "password")))
    selector = draw.choice(("unlock_", "tryCode_", "enter_"))
    body = f"""
        if attempt == self.{key}:
            self.{state} = False
        return not self.{state}
    """
    slots = {state: one_of(True, True, False), key: whole(1, 4)}
    return Sketch(selector, body, slots, {"attempt": whole(1, 4)})


def _pop(draw: Draw) -> Sketch:
    slot = draw.choice(("stack", "queue", "pile", "line"))
    selector, at = draw.choice((("takeFirst", "0"), ("takeLast", ""), ("serveNext", "0")))
    return Sketch(selector, f"return self.{slot}.pop({at})", {slot: many(word, 1, 5)})


def _turnstile(draw: Draw) -> Sketch:
    state = draw.choice(("state", "gate"))
    selector = draw.choice(("handle_", "event_", "react_"))
    push, coin = draw.choice((("push", "coin"), ("pass", "ticket"), ("walk", "card")))
    body = f"""
        if event == {coin!r}:
            self.{state} = 'open'
        else:
            self.{state} = 'locked'
        return self.{state}
    """
    slots = {state: one_of("open", "locked"), "visitors": whole(0, 9)}
    return Sketch(selector, body, slots, {"event": one_of(push, coin)})


def _countdown(draw: Draw) -> Sketch:
    slot = draw.choice(("seconds", "lives", "rounds"))
    selector = draw.choice(("useLast", "loseOne", "spendOne"))
    body = f"""
        if self.{slot} > 0:
            self.{slot} -= 1
        return self.{slot} == 0
    """
    return Sketch(selector, body, {slot: one_of(0, 1, 1, 2, 3, 5, 9), "player": word})


def _switch(draw: Draw) -> Sketch:
    slot, selector, value = draw.choice(
        (
            ("on", "turnOn", True),
            ("on", "turnOff", False),
            ("running", "start", True),
            ("running", "stop", False),
            ("locked", "lock", True),
            ("locked", "unlock", False),
        )
    )
    body = f"self.{slot} = {value}\nreturn self.{slot}"
    return Sketch(selector, body, {slot: one_of(True, False), "speed": whole(0, 9)})


def _count(draw: Draw) -> Sketch:
    slot = draw.choice(("count", "visits", "floor", "number"))
    selector, sign = draw.choice(
        (("increment", "+"), ("increase", "+"), ("decrement", "-"), ("decrease", "-"))
    )
    return Sketch(selector, f"self.{slot} {sign}= 1\nreturn self.{slot}", {slot: whole(0, 50)})


def _is_in(draw: Draw) -> Sketch:
    slot = draw.choice(("state", "status", "mode"))
    selector, state = draw.choice(
        (("isOpen", "open"), ("isClosed", "closed"), ("isReady", "ready"), ("isDone", "done"))
    )
    states = one_of(state, state, "waiting", "broken")
    slots = {slot: states, "number": whole(0, 9)}
    return Sketch(selector, f"return self.{slot} == {state!r}", slots)


def _halt(draw: Draw) -> Sketch:
    slot = draw.choice(("speed", "volume", "power", "count"))
    selector = draw.choice(("setToZero", "zero", "resetToZero"))
    body = f"self.{slot} = 0\nreturn self.{slot}"
    return Sketch(selector, body, {slot: whole(1, 60), "level": whole(0, 9)})


def _faster(draw: Draw) -> Sketch:
    slot = draw.choice(("speed", "size", "power"))
    selector, body = draw.choice(
        (
            ("doubled", f"self.{slot} *= 2\nreturn self.{slot}"),
            ("tripled", f"self.{slot} *= 3\nreturn self.{slot}"),
            ("doubleIt", f"self.{slot} = self.{slot} * 2\nreturn self.{slot}"),
            ("tripleIt", f"self.{slot} = self.{slot} * 3\nreturn self.{slot}"),
        )
    )
    return Sketch(selector, body, {slot: whole(1, 40)})


def _inverse(draw: Draw) -> Sketch:
    slot, selector = draw.choice(
        (("open", "isClosed"), ("on", "isOff"), ("awake", "isAsleep"), ("full", "isNotFull"))
    )
    slots = {slot: one_of(True, False), "number": whole(0, 9)}
    return Sketch(selector, f"return not self.{slot}", slots)


MACHINES = families(
    "machines",
    practice=(_cycle, _bounded_step, _unlock, _pop, _halt, _faster, _inverse),
    final=(_toggle, _wrap, _turnstile, _countdown, _switch, _count, _is_in),
)
