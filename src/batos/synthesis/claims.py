"""Claims about a method: what its name and its shape suggest, and what its writer says.

A claim is a guess, in words that the jail can question (`properties`). One from a name may
be wrong of the right method: it breaks ties, and refuses nothing.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from batos.synthesis.examples import ANYTHING, Example

_MOST = 12  # claims of one method
_MOST_TEXT = 2_000  # characters that are read of what a writer says


@dataclass(frozen=True)
class Claim:
    """That a method has a property."""

    property: str  # a name of `properties.LIBRARY`
    other: str = ""  # of an inverse: the other selector; of `answers`: the kind of answer

    def __str__(self) -> str:
        return f"{self.property} {self.other}".strip()


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_BY_WORD: Sequence[tuple[frozenset[str], tuple[str, ...]]] = (
    (_words("sorted sort ordered ranked"), ("idempotent", "permutation_invariant")),
    (_words("sorted sort ordered ranked rotated shuffled"), ("preserves_length",)),
    (_words("rotated shuffled"), ("preserves_total",)),
    (
        _words("unique distinct deduplicated normalized normalised stripped trimmed cleaned")
        | _words("flattened capitalized capitalised upper lower uppercase lowercase titled")
        | _words("rounded clamped clamp absolute abs squeezed"),
        ("idempotent",),
    ),
    (_words("reversed reverse backwards mirrored"), ("involution", "preserves_length")),
    (
        _words("toggle toggled flip flipped negate negated invert inverted")
        | _words("opposite swap swapped"),
        ("involution",),
    ),
    (
        _words("total sum count size length average mean median maximum minimum max min")
        | _words("largest smallest biggest highest lowest product variance spread range"),
        ("permutation_invariant", "pure"),
    ),
    (
        _words("average mean median maximum minimum max min largest smallest biggest")
        | _words("highest lowest"),
        ("bounded",),
    ),
    (
        _words("deposit withdraw add plus minus subtract increase decrease credit debit")
        | _words(
            "earn spend double twice triple half doubled halved fahrenheit celsius kelvin"
        ),
        ("monotone",),
    ),
    (_words("transfer move shift exchange"), ("preserves_total",)),
)
_QUESTIONS = _words("is has can contains includes are was")
_CHANCE = _words("random shuffle shuffled pick roll toss draw dice choose now today")
_SHORTENS = _words("unique distinct top first last")
_PAIRS = (
    *(("deposit", "withdraw"), ("add", "remove"), ("add", "subtract"), ("plus", "minus")),
    *(("encode", "decode"), ("encrypt", "decrypt"), ("increase", "decrease")),
    *(("credit", "debit"), ("open", "close"), ("lock", "unlock"), ("start", "stop")),
    *(("push", "pop"), ("enable", "disable"), ("earn", "spend")),
)
_OPPOSITES: Mapping[str, frozenset[str]] = {
    word: frozenset({b for a, b in _PAIRS if a == word} | {a for a, b in _PAIRS if b == word})
    for pair in _PAIRS
    for word in pair
}

_SAID: Sequence[tuple[str, str]] = (
    ("idempotent", r"idempot\w+|twice (?:is|does) (?:the same as|what) once"),
    ("involution", r"involuti\w+|(?:its|their) own inverse|twice (?:gives|is) the original"),
    ("permutation_invariant", r"permutation[- _]invarian\w+|order does(?: not|n't) matter"),
    ("permutation_invariant", r"(?:regardless|independent) of (?:the )?order"),
    ("monotone", r"monoton\w+|(?:strictly )?(?:increasing|decreasing)|never (?:de|in)creases"),
    (
        "bounded",
        r"bounded|between (?:the )?(?:smallest|min\w*) and (?:the )?(?:largest|max\w*)",
    ),
    ("pure", r"\bpure\b|changes nothing|no side[- ]effects?|does(?: not|n't) change"),
    ("deterministic", r"deterministic"),
    ("type_stable", r"type[- _]stable|same type"),
    (
        "preserves_length",
        r"(?:preserv|keep)\w* (?:the |its )?(?:length|size)|same (?:length|size)",
    ),
    ("preserves_total", r"(?:preserv|keep)\w* (?:the |its )?(?:total|sum)|same (?:total|sum)"),
    ("answers bool", r"(?:returns?|answers?) (?:a |an |only )?(?:bool\w*|true or false)"),
    ("answers number", r"(?:returns?|answers?) (?:a |an )?(?:number|int\w*|float)\b"),
    ("answers text", r"(?:returns?|answers?) (?:a |an )?(?:text|string|str)\b"),
)
_INVERSE = re.compile(
    r"(?:inverse of|undoes|undone by|reverts)\s+`?([A-Za-z]\w*)`?", re.IGNORECASE
)
_NOT = re.compile(r"(?:\bnot|n't|\bnever|\bno|\bnon)[\s-]+(?:\w+\s+)?$", re.IGNORECASE)


def claims_for(
    selector: str,
    parameters: Sequence[str],
    kinds: Sequence[str],
    examples: Sequence[Example] = (),
    known: Collection[str] = (),
) -> tuple[Claim, ...]:
    """Return what a method of this name and shape plausibly does.

    Args:
        selector: The message.
        parameters: Names of its arguments.
        kinds: The types of the arguments and of the receiver's data, by name.
        examples: What should come of some calls.
        known: What the receiver understands already: an inverse may be among it.
    """
    words = words_in(selector)
    claims = [*_from_words(words, kinds), *_from_examples(examples, words)]
    claims += [
        Claim("inverse", other)
        for other in known
        if words and words_in(other)[:1] and words_in(other)[0] in _OPPOSITES.get(words[0], ())
    ]
    changes = any(
        example.given.get(name) != value
        for example in examples
        for name, value in example.after.items()
    )
    if changes:
        claims = [claim for claim in claims if claim.property != "pure"]
    if not parameters and not kinds:  # it is made of nothing that could be varied
        claims = [claim for claim in claims if claim.property in ("pure", "deterministic")]
    return tuple(dict.fromkeys(claims))[:_MOST]


def claims_in(text: str) -> tuple[Claim, ...]:
    """Return the claims that a writer makes about its method, in words; others are ignored.

    >>> [str(claim) for claim in claims_in("sort is idempotent, but not pure, and undoes mix")]
    ['idempotent', 'inverse mix']
    """
    said = text[:_MOST_TEXT]
    found = [
        (match.start(), Claim(*name.split(" ", 1)))
        for name, words in _SAID
        for match in re.finditer(words, said, re.IGNORECASE)
        if not _NOT.search(said[: match.start()])
    ]
    found += [
        (match.start(), Claim("inverse", match[1]))
        for match in _INVERSE.finditer(said)
        if not _NOT.search(said[: match.start()])
    ]
    ordered = [claim for _, claim in sorted(found, key=lambda one: one[0])]
    return tuple(dict.fromkeys(ordered))[:_MOST]


def words_in(selector: str) -> list[str]:
    """Return a selector's words in lower case.

    >>> words_in("sortedByLength_")
    ['sorted', 'by', 'length']
    """
    return [word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", selector)]


def _from_words(words: Sequence[str], kinds: Sequence[str]) -> Iterator[Claim]:
    what = words[: words.index("by")] if "by" in words else words  # by length: no length
    for group, properties in _BY_WORD:
        if group & set(what):
            yield from (Claim(name) for name in properties if _fits(name, words, kinds))
    if words and words[0] in _QUESTIONS:
        yield Claim("answers", "bool")
        yield Claim("pure")
    if not _CHANCE & set(words):
        yield Claim("deterministic")


def _fits(name: str, words: Sequence[str], kinds: Sequence[str]) -> bool:
    """Tell whether a word's usual property is one here, too."""
    if name == "permutation_invariant":  # those that compare equal `by` something keep order
        return "by" not in words and bool({"list", "tuple"} & set(kinds))
    if name == "preserves_length":
        return not _SHORTENS & set(words)
    if name == "bounded":
        return "length" not in words and "count" not in words
    return True


def _from_examples(examples: Sequence[Example], words: Sequence[str]) -> Iterator[Claim]:
    results = [example.result for example in examples if example.result is not ANYTHING]
    kinds = {kind_of(result) for result in results}
    if len(results) > 1 and len(kinds) == 1 and "nothing" not in kinds:
        yield Claim("answers", kinds.pop())
    elif len(results) > 1 and not words:
        yield Claim("type_stable")


def kind_of(value: object) -> str:
    """Return what kind of answer a value is; the kinds of numbers are one."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int | float):
        return "number"
    return "text" if isinstance(value, str) else type(value).__name__
