# ruff: noqa: E501  (one idiom a line)
"""What small models really write passes the gate and does what Python does."""

from __future__ import annotations

from types import MethodType, SimpleNamespace
from typing import NamedTuple

import pytest
from tests.sandbox.written import WRITTEN, Written

from batos.kernel.authority import write_data_slot
from batos.kernel.method import Primitive
from batos.kernel.runtime import Runtime
from batos.kernel.uvm_object import UvmObject
from batos.kernel.values import plain
from batos.sandbox.policy import compile_method


class Idiom(NamedTuple):
    name: str
    source: str
    result: object
    args: tuple[object, ...] = ()
    slots: dict[str, object] = {}  # noqa: RUF012  read only
    after: dict[str, object] = {}  # noqa: RUF012  read only


def receiver(slots: dict[str, object]) -> UvmObject:
    """Return an object that can run methods, and understands setSlot_value_."""
    jar = SimpleNamespace(
        runtime=Runtime({"kernel.set_slot": write_data_slot}, compile_method),
        register=lambda _obj: None,
    )
    traits = UvmObject()
    traits._slots["setSlot_value_"] = Primitive("kernel.set_slot")
    traits._p_jar = jar
    obj = traits.clone(**slots)
    obj._p_jar = jar
    return obj


def body(*lines: str, parameters: str = "") -> str:
    return "\n    ".join([f"def method(self{parameters}):", *lines])


X = ", x"
IDIOMS = [
    Idiom("loop", body("t = 0", "for n in x:", "    t += n", "return t", parameters=X), 6, ([1, 2, 3],)),
    Idiom("while", body("n = 0", "while x > 1:", "    x //= 2", "    n += 1", "return n", parameters=X), 3, (8,)),
    Idiom("while else", body("while x:", "    x -= 1", "else:", "    return 'end'", parameters=X), "end", (2,)),
    Idiom("break and continue", body("t = []", "for n in range(10):", "    if n % 2:", "        continue", "    if n > 6:", "        break", "    t.append(n)", "return t"), [0, 2, 4, 6]),
    Idiom("list comprehension", body("return [n * n for n in x if n > 1]", parameters=X), [4, 9], ([1, 2, 3],)),
    Idiom("nested comprehension", body("return [a + b for a in 'ab' for b in 'cd']"), ["ac", "ad", "bc", "bd"]),
    Idiom("dict comprehension", body("return {w: len(w) for w in x}", parameters=X), {"a": 1, "bc": 2}, (["a", "bc"],)),
    Idiom("set comprehension", body("return sorted({n % 3 for n in range(9)})"), [0, 1, 2]),
    Idiom("generator in sum", body("return sum(n * n for n in x)", parameters=X), 14, ([1, 2, 3],)),
    Idiom("any and all", body("return any(n > 2 for n in x) and all(n > 0 for n in x)", parameters=X), True, ([1, 3],)),
    Idiom("string methods", body("return x.strip().lower().replace(' ', '-')", parameters=X), "a-b", (" A B ",)),
    Idiom("split and join", body("return ' '.join(w.capitalize() for w in x.split())", parameters=X), "Ab Cd", ("ab cd",)),
    Idiom("join of numbers", body("return ','.join(map(str, x))", parameters=X), "1,2", ([1, 2],)),
    Idiom("reversed text", body("return x[::-1]", parameters=X), "cba", ("abc",)),
    Idiom("palindrome", body("s = ''.join(c for c in x.lower() if c.isalnum())", "return s == s[::-1]", parameters=X), True, ("Ab, ba",)),
    Idiom("padding", body("return x.ljust(4, '.') + x.rjust(4) + x.center(5, '*') + '7'.zfill(3)", parameters=X), "ab..  ab**ab*007", ("ab",)),
    Idiom("building a text", body("s = ''", "for c in x:", "    s += c * 2", "return s", parameters=X), "aabb", ("ab",)),
    Idiom("sorted with key", body("return sorted(x, key=lambda w: (-len(w), w))", parameters=X), ["ccc", "a", "b"], (["b", "a", "ccc"],)),
    Idiom("sorted with str.lower", body("return sorted(x, key=str.lower, reverse=True)", parameters=X), ["b", "A"], (["A", "b"],)),
    Idiom("list sort", body("x = list(x)", "x.sort()", "return x", parameters=X), [1, 2], ([2, 1],)),
    Idiom("min and max with key", body("return min(x, key=abs), max(x, default=0)", parameters=X), (-1, 3), ([3, -1],)),
    Idiom("enumerate", body("return [f'{i}:{w}' for i, w in enumerate(x, 1)]", parameters=X), ["1:a", "2:b"], ("ab",)),
    Idiom("zip", body("return dict(zip('ab', [1, 2]))"), {"a": 1, "b": 2}),
    Idiom("transpose", body("return [list(r) for r in zip(*x)]", parameters=X), [[1, 3], [2, 4]], ([[1, 2], [3, 4]],)),
    Idiom("counting by hand", body("c = {}", "for w in x:", "    c[w] = c.get(w, 0) + 1", "return c", parameters=X), {"a": 2, "b": 1}, ("aba",)),
    Idiom("counting with +=", body("c = {}", "for w in x:", "    if w not in c:", "        c[w] = 0", "    c[w] += 1", "return c", parameters=X), {"a": 2, "b": 1}, ("aba",)),
    Idiom("setdefault", body("g = {}", "for w in x:", "    g.setdefault(len(w), []).append(w)", "return g", parameters=X), {1: ["a"], 2: ["bc"]}, (["a", "bc"],)),
    Idiom("dict items", body("return [k for k, v in sorted(x.items()) if v]", parameters=X), ["b"], ({"b": 1, "a": 0},)),
    Idiom("f-string with spec", body("return f'{x:.2f}|{x:>8.1f}|{x!r}|{1000:,}'", parameters=X), "3.14|     3.1|3.14159|1,000", (3.14159,)),
    Idiom("f-string with nested spec", body("w = 6", "return f'{x:>{w}}'", parameters=X), "    ab", ("ab",)),
    Idiom("percent format", body("return '%s has %d * %.1f%%' % (x, 2, 0.5)", parameters=X), "a has 2 * 0.5%", ("a",)),
    Idiom("try and except", body("try:", "    return int(x)", "except ValueError:", "    return None", parameters=X), None, ("z",)),
    Idiom("except as", body("try:", "    return 1 / x", "except ZeroDivisionError as e:", "    return str(e)", "finally:", "    x = 1", parameters=X), "division by zero", (0,)),
    Idiom("except a tuple", body("try:", "    return {}[x]", "except (KeyError, TypeError):", "    return 'none'", "else:", "    return 1", parameters=X), "none", ("k",)),
    Idiom("raise and catch", body("try:", "    raise ValueError('no', 3)", "except ValueError as e:", "    return e.args"), ("no", 3)),
    Idiom("assert", body("assert x > 0, 'positive'", "return x", parameters=X), 1, (1,)),
    Idiom("add to a slot", body("self.balance += x", "return self.balance", parameters=X), 15, (5,), {"balance": 10}, {"balance": 15}),
    Idiom("write a slot", body("self.name = x.title()", "return self.name", parameters=X), "Bo", ("bo",), {}, {"name": "Bo"}),
    Idiom("annotated slot", body("self.n: int = 3", "total: float = 0", "unused: str", "return self.n + total"), 3, (), {}, {"n": 3}),
    Idiom("delete a slot", body("del self.old", "return hasattr(self, 'old')"), False, (), {"old": 1}),
    Idiom("operand that changes the slot", body("def bump():", "    self.n = 10", "    return 1", "self.n += bump()", "return self.n"), 2, (), {"n": 1}),
    Idiom("setSlot_value_", body("self.setSlot_value_('n', x)", "return self.n", parameters=X), 7, (7,)),
    Idiom("append to a slot", body("self.items.append(x)", "return len(self.items)", parameters=X), 2, (3,), {"items": [1]}, {"items": [1, 3]}),
    Idiom("item of a slot", body("self.stock[x] += 2", "self.stock['b'] = [1]", "return self.stock[x]", parameters=X), 3, ("a",), {"stock": {"a": 1}}, {"stock": {"a": 3, "b": [1]}}),
    Idiom("set in a slot", body("self.tags.add(x)", "return sorted(self.tags)", parameters=X), ["a", "b"], ("b",), {"tags": {"a"}}),
    Idiom("stored list is a list", body("return isinstance(self.items, list) and isinstance(self.d, (dict, int))"), True, (), {"items": [1], "d": {}}),
    Idiom("unknown slot is false", body("if self.missing:", "    return 1", "return getattr(self, 'missing', 2)"), 2),
    Idiom("getattr and setattr", body("setattr(self, 'n', getattr(self, 'n') + 1)", "return self.n"), 2, (), {"n": 1}),
    Idiom("nested function", body("def fact(n):", "    return 1 if n < 2 else n * fact(n - 1)", "return fact(x)", parameters=X), 120, (5,)),
    Idiom("nonlocal", body("n = 0", "def bump():", "    nonlocal n", "    n += 1", "bump()", "bump()", "return n"), 2),
    Idiom("lambda", body("square = lambda v: v * v", "return list(map(square, filter(None, x)))", parameters=X), [1, 4], ([0, 1, 2],)),
    Idiom("annotations and typing", "from typing import Optional\ndef method(self, x: Optional[int] = None, *rest: str) -> list[int]:\n    return [x, *rest]", [1, 2], (1, 2)),
    Idiom("import before the def", "import math\n\ndef method(self, x):\n    '''Area.'''\n    return round(math.pi * x ** 2, 2)", 12.57, (2,)),
    Idiom("math", body("import math", "return math.sqrt(x) + math.floor(2.7) + math.gcd(12, 18)", parameters=X), 11.0, (9,)),
    Idiom("from math", body("from math import factorial as f, comb", "return f(5) + comb(5, 2)"), 130),
    Idiom("datetime", body("from datetime import datetime, timedelta", "d = datetime(2024, 2, 28) + timedelta(days=2)", "return f'{d:%Y-%m-%d}' + d.strftime(' %d')"), "2024-03-01 01"),
    Idiom("datetime module", body("import datetime", "return (datetime.date(2024, 3, 1) - datetime.date.fromisoformat(x)).days", parameters=X), 1, ("2024-02-29",)),
    Idiom("strptime", body("from datetime import datetime", "return datetime.strptime(x, '%d.%m.%Y').timetuple().tm_yday", parameters=X), 60, ("29.02.2024",)),
    Idiom("today", body("import datetime", "return datetime.date.today() <= datetime.datetime.today().date()"), True),
    Idiom("regular expressions", body("import re", "m = re.match(r'(\\w+)@(\\w+)', x)", "return m.group(2) if m else re.sub('a', 'b', x)", parameters=X), "c", ("ab@c",)),
    Idiom("find all", body("import re", "return [int(n) for n in re.findall(r'\\d+', x)]", parameters=X), [1, 22], ("a1b22",)),
    Idiom("json", body("import json", "return json.loads(json.dumps(self.d))"), {"a": [1]}, (), {"d": {"a": [1]}}),
    Idiom("counter", body("from collections import Counter", "return Counter(x).most_common(1)[0]", parameters=X), ("a", 2), ("aba",)),
    Idiom("defaultdict", body("from collections import defaultdict", "d = defaultdict(list)", "for w in x:", "    d[len(w)].append(w)", "return dict(d)", parameters=X), {1: ["a"]}, (["a"],)),
    Idiom("deque", body("from collections import deque", "q = deque([1, 2])", "q.append(3)", "return q.popleft() + len(q)"), 3),
    Idiom("itertools", body("import itertools", "return list(itertools.chain.from_iterable([[1], [2]])) + list(itertools.islice(itertools.count(5), 2))"), [1, 2, 5, 6]),
    Idiom("combinations", body("from itertools import combinations, product", "return len(list(combinations(x, 2))) + len(list(product('ab', repeat=2)))", parameters=X), 7, ("abc",)),
    Idiom("reduce", body("from functools import reduce", "import operator", "return reduce(operator.mul, x, 1)", parameters=X), 24, ([2, 3, 4],)),
    Idiom("itemgetter", body("import operator", "return sorted(x, key=operator.itemgetter(1))", parameters=X), [(2, 1), (1, 2)], ([(1, 2), (2, 1)],)),
    Idiom("statistics", body("import statistics", "return statistics.mean(x), statistics.median(x)", parameters=X), (2, 2), ([1, 2, 3],)),
    Idiom("random", body("import random", "return random.randint(1, 1) + random.choice([1])"), 2),
    Idiom("alphabet", body("import string", "return string.ascii_lowercase.index(x)", parameters=X), 2, ("c",)),
    Idiom("caesar", body("return ''.join(chr((ord(c) - 97 + 1) % 26 + 97) for c in x)", parameters=X), "bca", ("abz",)),
    Idiom("fibonacci", body("a, b = 0, 1", "for _ in range(x):", "    a, b = b, a + b", "return a", parameters=X), 55, (10,)),
    Idiom("primes", body("return [n for n in range(2, x) if all(n % d for d in range(2, int(n ** 0.5) + 1))]", parameters=X), [2, 3, 5, 7], (10,)),
    Idiom("matrix", body("m = [[0] * 2 for _ in range(2)]", "m[0][1] = 5", "return m"), [[0, 5], [0, 0]]),
    Idiom("star unpacking", body("first, *rest = x", "return [*rest, first]", parameters=X), [2, 3, 1], ([1, 2, 3],)),
    Idiom("dict merge", body("return {**x, 'b': 2} | {'c': 3}", parameters=X), {"a": 1, "b": 2, "c": 3}, ({"a": 1},)),
    Idiom("walrus", body("if (n := len(x)) > 1:", "    return n", parameters=X), 2, ("ab",)),
    Idiom("chained targets", body("a = (b, c) = [x, x]", "return a is not None and b + c", parameters=X), 4, (2,)),
    Idiom("slices", body("x[1:2] = [9, 9]", "del x[0]", "return x[-2:]", parameters=X), [9, 3], ([1, 2, 3],)),
    Idiom("bits", body("return bin(x & 6 | 1 << 3), x ^ 1, ~x", parameters=X), ("0b1110", 6, -8), (7,)),
    Idiom("divmod and round", body("return divmod(x, 3), round(2.567, 1), pow(2, 10), abs(-1)", parameters=X), ((2, 1), 2.6, 1024, 1), (7,)),
    Idiom("print is quiet", body("print('x', x, sep='')", "return x", parameters=X), 1, (1,)),
    Idiom("clone", body("child = self.clone(n=2)", "return child.n + self.n"), 3, (), {"n": 1}),
    Idiom("keyword arguments", body("return max(x, key=lambda v: -v)", parameters=", *, x=(1, 2)"), 1),
    Idiom("conversion", body("return [int('7'), float('1.5'), str(3), bool(''), list('ab'), tuple([1])]"), [7, 1.5, "3", False, ["a", "b"], (1,)]),
    Idiom("encode", body("return x.encode('utf-8').hex()", parameters=X), "61", ("a",)),
    Idiom("translate", body("return x.translate(str.maketrans('ab', 'xy'))", parameters=X), "xyc", ("abc",)),
]  # fmt: skip


@pytest.mark.parametrize("idiom", IDIOMS, ids=lambda idiom: idiom.name)
def test_an_idiom_gives_what_python_gives(idiom: Idiom) -> None:
    obj = receiver(idiom.slots)

    answer = MethodType(compile_method(idiom.source), obj)(*idiom.args)

    assert plain(answer) == idiom.result
    assert {name: plain(obj._slots[name]) for name in idiom.after} == idiom.after


@pytest.mark.parametrize("written", WRITTEN, ids=lambda written: written.source[4:60])
def test_what_the_mind_wrote_passes_the_gate_and_does_what_python_does(
    written: Written,
) -> None:
    obj = receiver(written.slots)

    answer = MethodType(compile_method(written.source), obj)(*written.args)

    assert plain(answer) == written.result
    assert {name: plain(obj._slots[name]) for name in written.after} == written.after


def test_there_are_at_least_sixty_methods_that_the_mind_wrote() -> None:
    assert len({written.source for written in WRITTEN}) >= 60


def test_a_module_that_is_used_without_an_import_is_there() -> None:
    source = "def area(self, r):\n    'Of a circle.'\n    return math.pi * r"

    method = compile_method(source)

    assert method(None, 1) == 3.141592653589793
    assert method.__doc__ == "Of a circle."


def test_there_are_at_least_sixty_idioms() -> None:
    assert len({idiom.name for idiom in IDIOMS}) >= 60
