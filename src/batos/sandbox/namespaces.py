"""What `import` gives generated source: frozen namespaces, never a module.

Every module leads to others (`re.enum.sys`), so each function is named here. Those whose
answer can be far larger than what they are given are replaced by bounded ones.
"""

from __future__ import annotations

import collections
import datetime
import functools
import itertools
import json
import math
import operator
import random
import re
import statistics
import string
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from batos.kernel.values import plain
from batos.sandbox import containers, iterators, operators, texts
from batos.sandbox.meter import METER


@dataclass(frozen=True, slots=True)
class Namespace:
    """What `import name` gives."""

    name: str
    members: Mapping[str, Any]


RANDOM = random.Random()  # noqa: S311  games and samples; `zygote` seeds it for each case


def dumps(
    value: object,
    *,
    indent: int | None = None,
    sort_keys: bool = False,
    ensure_ascii: bool = True,
) -> str:
    containers.weigh(value)
    METER.allocate(str, 6 * texts.length(value))  # a character may become \u0000
    data = plain(value)
    if indent is None:
        return json.dumps(data, sort_keys=sort_keys, ensure_ascii=ensure_ascii)
    pretty = json.JSONEncoder(
        indent=min(indent, 8), sort_keys=sort_keys, ensure_ascii=ensure_ascii
    )
    return iterators.joined(pretty.iterencode(data))  # deep in a nest each line is long


def loads(text: str) -> Any:
    return json.loads(text)


def _of_text(name: str) -> Callable[..., Any]:
    """Return a function of `textwrap` that takes text only: it would ask anything else."""
    function = getattr(textwrap, name)

    def call(text: str, *args: int | str, **options: int | str) -> Any:
        if type(text) is not str:
            raise TypeError(f"{name} takes text")
        given = (*args, *options.values())
        if any(texts.length(option) > 1_000 for option in given):
            raise OverflowError(f"{name} with more than 1,000 characters on each line")
        tabsize = options.get("tabsize", 0)
        if isinstance(tabsize, int) and tabsize > 100:
            raise OverflowError(f"{name} with a tabsize of more than 100")
        METER.allocate(str, len(text) * max(map(texts.length, given), default=0))
        return function(text, *args, **options)

    return call


def choices(population: Any, weights: Any = None, *, k: int = 1) -> Any:
    operators.check_length(k)
    METER.spend(k)
    return RANDOM.choices(population, weights, k=k)


def quantiles(data: Any, *, n: int = 4, method: str = "exclusive") -> list[Any]:
    operators.check_length(n)
    METER.spend(n)
    return statistics.quantiles(data, n=n, method=method)  # type: ignore[arg-type]


def members(module: object, names: str, **bounded: Any) -> dict[str, Any]:
    """Return what a module has under these names, and bounded functions beside it."""
    return {name: getattr(module, name) for name in names.split()} | bounded


def _each(bound: Callable[..., Any], names: str) -> dict[str, Any]:
    return {name: bound(function) for name, function in members(itertools, names).items()}


_MEMBERS: dict[str, dict[str, Any]] = {
    "math": members(
        math,
        "acos acosh asin asinh atan atan2 atanh ceil copysign cos cosh degrees dist e erf erfc"
        " exp expm1 fabs floor fmod frexp fsum gamma gcd hypot inf isclose isfinite isinf isnan"
        " isqrt ldexp lgamma log log10 log1p log2 modf nan pi pow radians remainder sin sinh"
        " sqrt tan tanh tau trunc cbrt exp2",
        comb=operators.combinations_count,
        factorial=operators.factorial,
        lcm=operators.least_common_multiple,
        perm=operators.permutations_count,
        prod=iterators.product,
    ),
    "re": members(
        re,
        "compile findall fullmatch match search split"
        " A ASCII I IGNORECASE M MULTILINE S DOTALL X VERBOSE",
        escape=texts.escape,
        finditer=iterators.fueled(re.finditer),
        sub=texts.substitute("sub"),
        subn=texts.substitute("subn"),
    ),
    "json": {"dumps": dumps, "loads": loads},
    "datetime": members(datetime, "date datetime time timedelta timezone"),
    "statistics": members(
        statistics,
        "correlation covariance fmean geometric_mean harmonic_mean linear_regression mean"
        " median median_high median_low mode multimode pstdev pvariance stdev variance",
        quantiles=quantiles,
    ),
    "itertools": {
        **_each(
            iterators.fueled,
            "compress count cycle dropwhile filterfalse groupby islice pairwise"
            " repeat starmap takewhile zip_longest",
        ),
        **_each(
            iterators.choosing,
            "combinations combinations_with_replacement permutations product",
        ),
        "accumulate": iterators.fueled(iterators.accumulated),
        "chain": iterators.Chain(),
    },
    "functools": members(functools, "cmp_to_key partial reduce"),
    "operator": members(
        operator,
        "abs and_ contains eq floordiv ge gt le lt ne neg not_ or_ pos sub truediv truth xor",
        add=operators.add,
        itemgetter=operators.ItemGetter,
        mod=texts.modulo,
        mul=operators.multiply,
        pow=operators.power,
    ),
    "collections": members(collections, "Counter OrderedDict defaultdict deque"),
    "random": members(
        RANDOM,
        "betavariate choice expovariate gauss randint random randrange sample seed"
        " shuffle uniform",
        choices=choices,
    ),
    "string": members(
        string,
        "ascii_letters ascii_lowercase ascii_uppercase digits hexdigits octdigits printable"
        " punctuation whitespace",
    ),
    "textwrap": {
        name: _of_text(name) for name in ("dedent", "fill", "indent", "shorten", "wrap")
    },
}
NAMESPACES: Mapping[str, Namespace] = {
    name: Namespace(name, members) for name, members in _MEMBERS.items()
}
