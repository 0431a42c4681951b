"""Families about text in a slot."""

from __future__ import annotations

from batos.improvement.families.sketch import (
    Draw,
    Sketch,
    families,
    name,
    one_of,
    sentence,
    whole,
    word,
)


def _shout(draw: Draw) -> Sketch:
    slot = draw.choice(("text", "name", "title", "greeting"))
    selector, call = draw.choice(
        (("shout", "upper"), ("loud", "upper"), ("inCapitals", "upper"), ("quiet", "lower"))
    )
    mark = draw.choice(("!", "!!", "?", "..."))
    return Sketch(selector, f"return self.{slot}.{call}() + {mark!r}", {slot: _mixed})


def _mixed(draw: Draw) -> object:
    text = str(sentence(1, 3)(draw))
    return draw.choice((text, text.title(), text.upper()))


def _backwards(draw: Draw) -> Sketch:
    slot = draw.choice(("word", "text", "name"))
    selector = draw.choice(("backwards", "reversed", "mirrored"))
    return Sketch(selector, f"return self.{slot}[::-1]", {slot: word})


def _palindrome(draw: Draw) -> Sketch:
    slot = draw.choice(("word", "text", "name"))
    selector = draw.choice(("isPalindrome", "readsSameBackwards", "isSymmetric"))
    make = one_of("noon", "level", "radar", "apple", "tea", "a", "on", "kayak", "nest", "eve")
    return Sketch(selector, f"return self.{slot} == self.{slot}[::-1]", {slot: make})


def _occurrences(draw: Draw) -> Sketch:
    slot = draw.choice(("text", "word", "line"))
    selector = draw.choice(("count_", "countOf_", "occurrences_", "howMany_"))
    letters = {"letter": lambda it: it.choice("aeiotn")}
    return Sketch(selector, f"return self.{slot}.count(letter)", {slot: sentence()}, letters)


def _word_count(draw: Draw) -> Sketch:
    slot = draw.choice(("text", "sentence", "note", "message"))
    selector = draw.choice(("wordCount", "countWords", "numberOfWords"))
    return Sketch(selector, f"return len(self.{slot}.split())", {slot: sentence(1, 7)})


def _beginning(draw: Draw) -> Sketch:
    slot = draw.choice(("text", "title", "name"))
    selector, body = draw.choice(
        (
            ("first_", f"return self.{slot}[:count]"),
            ("beginning_", f"return self.{slot}[:count]"),
            ("without_", f"return self.{slot}[count:]"),
            ("skip_", f"return self.{slot}[count:]"),
        )
    )
    return Sketch(selector, body, {slot: sentence(1, 3)}, {"count": whole(1, 6)})


def _edge_word(draw: Draw) -> Sketch:
    slot = draw.choice(("text", "sentence", "line"))
    selector, at = draw.choice((("firstWord", 0), ("lastWord", -1), ("finalWord", -1)))
    return Sketch(selector, f"return self.{slot}.split()[{at}]", {slot: sentence(1, 5)})


def _label(draw: Draw) -> Sketch:
    one, other = draw.choice((("key", "value"), ("name", "city"), ("brand", "model")))
    middle = draw.choice((": ", " - ", "=", " of ", ", "))
    selector = draw.choice(("label", "describe", "asText", "caption"))
    body = f"return self.{one} + {middle!r} + self.{other}"
    return Sketch(selector, body, {one: name, other: word})


def _exchange(draw: Draw) -> Sketch:
    slot = draw.choice(("path", "text", "code"))
    old, new = draw.choice(((" ", "-"), (" ", "_"), ("a", "o"), ("e", "3"), (" ", "")))
    selector = draw.choice(("slug", "cleaned", "encoded", "converted"))
    body = f"return self.{slot}.replace({old!r}, {new!r})"
    return Sketch(selector, body, {slot: sentence(1, 4)})


def _length(draw: Draw) -> Sketch:
    slot = draw.choice(("text", "name", "word"))
    selector = draw.choice(("length", "size", "numberOfLetters"))
    return Sketch(selector, f"return len(self.{slot})", {slot: sentence(1, 3)})


def _letter_case(draw: Draw) -> Sketch:
    slot = draw.choice(("text", "name", "word"))
    selector, call = draw.choice(
        (("upperCase", "upper"), ("inUpperCase", "upper"), ("lowerCase", "lower"))
    )
    return Sketch(selector, f"return self.{slot}.{call}()", {slot: _mixed})


def _begins(draw: Draw) -> Sketch:
    slot = draw.choice(("text", "name", "word"))
    selector, call = draw.choice((("startsWith_", "startswith"), ("endsWith_", "endswith")))
    letters = {"letter": lambda it: it.choice("abeknrt")}
    return Sketch(selector, f"return self.{slot}.{call}(letter)", {slot: word}, letters)


def _followed_by(draw: Draw) -> Sketch:
    slot = draw.choice(("text", "word", "path"))
    selector = draw.choice(("followedBy_", "plus_", "joinedTo_"))
    return Sketch(selector, f"return self.{slot} + other", {slot: word}, {"other": word})


def _parts(draw: Draw) -> Sketch:
    slot = draw.choice(("text", "sentence", "line"))
    selector = draw.choice(("words", "parts", "listOfWords"))
    return Sketch(selector, f"return self.{slot}.split()", {slot: sentence(1, 5)})


def _trimmed(draw: Draw) -> Sketch:
    slot = draw.choice(("text", "name", "answer"))
    selector = draw.choice(("trimmed", "stripped", "withoutSpaces"))

    def make(it: Draw) -> object:
        return " " * it.randint(0, 3) + str(word(it)) + " " * it.randint(0, 3)

    return Sketch(selector, f"return self.{slot}.strip()", {slot: make})


def _same(draw: Draw) -> Sketch:
    slot = draw.choice(("name", "word", "color"))
    selector = draw.choice(("equals_", "isSameAs_", "matches_"))
    make = one_of("red", "blue", "gold")
    return Sketch(
        selector,
        f"return self.{slot} == other",
        {slot: make, "number": whole(0, 5)},
        {"other": make},
    )


def _greeting(draw: Draw) -> Sketch:
    slot = draw.choice(("name", "friend", "guest"))
    selector, before = draw.choice(
        (
            ("hello", "Hello "),
            ("welcome", "Welcome "),
            ("goodbye", "Goodbye "),
            ("thank", "Thanks "),
        )
    )
    return Sketch(selector, f"return {before!r} + self.{slot}", {slot: name})


STRINGS = families(
    "strings",
    practice=(
        _palindrome,
        _word_count,
        _beginning,
        _label,
        _exchange,
        _length,
        _letter_case,
        _begins,
        _followed_by,
    ),
    final=(
        _shout,
        _backwards,
        _occurrences,
        _edge_word,
        _parts,
        _trimmed,
        _same,
        _greeting,
    ),
)
