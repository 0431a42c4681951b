# ruff: noqa: E501  (one attack a line)
"""What generated code that passes the gate still cannot reach, change or use up.

Each attack ends in an error within 2 s, and nothing that was planted is touched: a
primordial object, a stored blob, a file, a variable of the environment.
"""

from __future__ import annotations

import contextlib
import os
import resource
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import MethodType, SimpleNamespace
from typing import Any

import pytest
from ZODB.blob import Blob

from batos.errors import BatosError, BudgetSpent, NotStorable, SlotRefused
from batos.kernel.authority import write_data_slot
from batos.kernel.method import Method, Primitive
from batos.kernel.mirror import mirror
from batos.kernel.runtime import Runtime
from batos.kernel.shared import Counter, Queue
from batos.kernel.uvm_object import UvmObject
from batos.kernel.values import plain
from batos.sandbox import guards
from batos.sandbox.policy import check, compile_method

CANARY = "canary-4711"


def body(*lines: str, parameters: str = "") -> str:
    return "\n    ".join([f"def method(self{parameters}):", *lines])


@pytest.fixture(autouse=True)
def _little_memory() -> Iterator[None]:
    """A memory bomb that gets through fails here, and does not take the machine along."""
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (3 << 30, hard))
    yield
    resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


@pytest.fixture
def calls() -> list[str]:
    """Which primitives were called."""
    return []


@pytest.fixture
def target(calls: list[str]) -> Any:
    """An object as in a universe: traits, a sealed vault, behaviour and a blob to attack."""

    def primitive(name: str) -> Callable[..., object]:
        def call(*_args: object) -> str:
            calls.append(name)
            return CANARY

        return call

    names = ("infer_", "reflectOn_", "doesNotUnderstand_", "fineTuneWith_")
    table = {name: primitive(name) for name in names}
    jar = SimpleNamespace(
        runtime=Runtime({**table, "set": write_data_slot}, compile_method),
        register=lambda _obj: None,
    )
    traits = UvmObject(gold=[CANARY], card={"k": CANARY})
    for name in names:
        traits._slots[name] = Primitive(name)
    traits._slots["setSlot_value_"] = Primitive("set")
    mirror(traits).seal()
    obj = traits.clone(
        n=1, items=[1, 2], d={"a": 1}, tags={1}, blob=Blob(CANARY.encode()), vault=traits
    )
    obj._slots["greet"] = Method("def greet(self):\n    return 'hi'", {})
    obj._slots["twice"] = Method("def twice(self, x):\n    return x + x", {})
    obj._slots["forever"] = Method("def forever(self):\n    return self.forever()", {})
    for each in (traits, obj):
        each._p_jar = jar
    return obj


# --- escapes: what is out of reach -------------------------------------------------------------

ESCAPES = {
    "getattr with a dunder": body("return getattr(self, '__class__')"),
    "getattr with a joined dunder": body("return getattr('', '_' * 2 + 'class' + '_' * 2)"),
    "getattr of private state": body("return getattr(self, '_slots')"),
    "getattr with bytes": body("return getattr(self, b'n')"),
    "getattr of a parent slot": body("return getattr(self, 'parent*').gold"),
    "getattr as a key": body("return sorted(['__class__'], key=lambda n: getattr('', n))"),
    "getattr by map": body("return list(map(getattr, [self], ['__dict__']))"),
    "getattr by partial": body("from functools import partial", "return partial(getattr, self)('_slots')"),
    "getattr by reduce": body("from functools import reduce", "return reduce(getattr, ['__class__', '__base__'], '')"),
    "parents": body("return self.parents"),
    "parents by name": body("return getattr(self, 'parents')"),
    "str.format": body("return '{0.__class__}'.format(self)"),
    "str.format unbound": body("return str.format('{0.__class__}', self)"),
    "str.format_map": body("return '{a.__class__}'.format_map({'a': self})"),
    "str.format by getattr": body("return getattr('{0.__class__}', 'format')(self)"),
    "string.Formatter": body("import string", "return string.Formatter().format('{0.__class__}', self)"),
    "AttributeError.obj": body("try: self.n.foo", "except AttributeError as e: return e.obj"),
    "NameError.name": body("try: raise NameError(name='x')", "except NameError as e: return e.name"),
    "exception traceback": body("try: 1 / 0", "except ZeroDivisionError as e: return e.with_traceback(None)"),
    "exception add_note": body("try: 1 / 0", "except ZeroDivisionError as e: e.add_note('x')"),
    "exception attribute": body("try: 1 / 0", "except ZeroDivisionError as e: e.args = (1,)"),
    "StopIteration.value": body("try: next(iter([]))", "except StopIteration as e: return e.value"),
    "re.enum.sys": body("import re", "return re.enum.sys.modules"),
    "re.sys": body("import re", "return re.sre_compile.sys"),
    "json.codecs.open": body("import json", "return json.codecs.open('x')"),
    "json.decoder": body("import json", "return json.decoder.scanner"),
    "json default hook": body("import json", "return json.dumps(self, default=lambda o: 1)"),
    "json object hook": body("import json", "return json.loads('{}', object_hook=self.x)"),
    "json of an object": body("import json", "return json.dumps(self)"),
    "random._os": body("import random", "return getattr(random, '_os').environ"),
    "random.SystemRandom": body("import random", "return random.SystemRandom"),
    "random state": body("import random", "return random.getstate()"),
    "statistics.sys": body("import statistics", "return statistics.sys"),
    "datetime.sys": body("import datetime", "return datetime.sys"),
    "collections.abc": body("import collections", "return collections.abc.sys"),
    "collections._sys": body("import collections", "return getattr(collections, '_sys')"),
    "textwrap.re": body("import textwrap", "return textwrap.re.enum.sys"),
    "operator.attrgetter": body("import operator", "return operator.attrgetter('__class__')(self)"),
    "operator.methodcaller": body("import operator", "return operator.methodcaller('mro')(int)"),
    "operator.setitem": body("import operator", "operator.setitem(self.vault.card, 'k', 1)"),
    "functools.update_wrapper": body("import functools", "return functools.update_wrapper(print, self)"),
    "functools.singledispatch": body("import functools", "return functools.singledispatch(print)"),
    "namespace members": body("import math", "return math.members"),
    "namespace name": body("import math", "return math.name"),
    "namespace written": body("import math", "math.pi = 3"),
    "namespace deleted": body("import math", "del math.pi"),
    "namespace by setattr": body("import math", "setattr(math, 'pi', 3)"),
    "namespace iterated": body("import math", "return list(math)"),
    "int.mro": body("return int.mro()"),
    "int.real": body("return int.real"),
    "str.mro by getattr": body("return getattr(str, 'mro')()"),
    "type attribute written": body("str.lower = 1"),
    "Exception.mro": body("return Exception.mro()"),
    "generic alias": body("return list[int]"),
    "union arguments": body("return (int | str).args"),
    "lambda code": body("return getattr(lambda: 1, 'func_code')"),
    "guard's own attribute": body("return getattr.func_globals"),
    "guard written": body("getattr.x = 1"),
    "method function": body("return getattr(self.greet, 'im_func')"),
    "partial func": body("from functools import partial", "return partial(print).func"),
    "clone function": body("return self.clone.func"),
    "comparison key": body("from functools import cmp_to_key", "return cmp_to_key(lambda a, b: 0)(self).obj"),
    "generator frame by getattr": body("return getattr((x for x in 'a'), 'gi_frame')"),
    "generator throw": body("return (x for x in 'a').throw(ValueError)"),
    "pattern scanner": body("import re", "return re.compile('a').scanner('a')"),
    "property of a property": body("return self.n.real.imag.foo"),
    "codec by name": body("return 'x'.encode('idna')"),
    "codec that is a module": body("return 'x'.encode('os')"),
    "bytes codec": body("return 'x'.encode().decode('unicode_escape')"),
    "import by a string": body("import math", "return math['pi']"),
    "blob read": body("return self.blob.open()"),
    "blob file": body("return self.blob.committed()"),
    "blob by getattr": body("return getattr(self.blob, 'open')('r')"),
    "blob iterated": body("return list(self.blob)"),
    "blob indexed": body("return self.blob[0]"),
    "blob written": body("self.blob.x = 1"),
    "persistent data": body("return self.items.data"),
    "persistent data replaced": body("self.items.data = []"),
    "persistent method replaced": body("self.items.append = print"),
    "counter method replaced": body("from collections import Counter", "c = Counter()", "c.items = lambda: []"),
    "slot through a Send": body("return self.nothing.x"),
    "Send's receiver": body("return self.nothing.receiver"),
    "infer_": body("return self.infer_('x')"),
    "infer_ by getattr": body("return getattr(self, 'infer_')('x')"),
    "infer_ by map": body("return list(map(self.infer_, 'x'))"),
    "reflectOn_": body("return self.reflectOn_(1)"),
    "doesNotUnderstand_": body("return self.doesNotUnderstand_(1)"),
    "fineTuneWith_": body("return self.fineTuneWith_([])"),
    "primitive of another object": body("return self.vault.infer_('x')"),
    "handler of the host": body("return getattr(self, 'methods')['x']"),
}  # fmt: skip

INTRUSIONS = {
    "parent slot by setattr": body("setattr(self, 'parent*', self)"),
    "parent slot by setSlot": body("self.setSlot_value_('parent*', self)"),
    "new parent slot": body("self.setSlot_value_('other*', self.vault)"),
    "parent slot of a clone": body("self.clone(**{'parent*': self.blob})"),
    "method of a clone": body("self.clone(greet=5)"),
    "method slot": body("self.greet = 5"),
    "method slot by +=": body("self.greet += 5"),
    "method slot by setattr": body("setattr(self, 'greet', 5)"),
    "method slot by setSlot": body("self.setSlot_value_('greet', 5)"),
    "method slot deleted": body("del self.greet"),
    "method slot by delattr": body("delattr(self, 'twice')"),
    "inherited behaviour": body("self.doesNotUnderstand_ = 5"),
    "private slot by setattr": body("setattr(self, '_sealed', False)"),
    "private slot by setSlot": body("self.setSlot_value_('_slots', {})"),
    "clone replaced": body("self.clone = 5"),
    "primordial": body("self.vault.gold = 5"),
    "primordial by +=": body("self.vault.n += 5"),
    "primordial by setSlot": body("self.vault.setSlot_value_('gold', 5)"),
    "primordial deleted": body("del self.vault.gold"),
    "slot name with a space": body("setattr(self, 'a b', 1)"),
    "slot name that is a number": body("setattr(self, 5, 1)"),
    "keyword as a name": body("setattr(self, 'class', 1)"),
    "function in a slot": body("self.n = lambda: 1"),
    "method in a slot": body("self.n = self.greet"),
    "iterator in a slot": body("self.n = iter('a')"),
    "Send in a slot": body("self.n = self.nothing"),
    "type in a slot": body("self.n = int"),
    "function in a stored list": body("self.items.append(lambda: 1)"),
    "function inserted": body("self.items.insert(0, print)"),
    "function among items": body("self.items.extend([print])"),
    "function in a slice": body("self.items[0:1] = [print]"),
    "function in a stored dict": body("self.d['x'] = print"),
    "function by setdefault": body("self.d.setdefault('x', print)"),
    "function by update": body("self.d.update(x=print)"),
    "function in a sum of lists": body("self.n = self.items + [print]"),
    "function in a product of lists": body("self.n = (self.items + [print]) * 2"),
    "function in a new tuple of a sum": body("self.n = self.items + [(1, print)]"),
    "function by += to a stored list": body("x = self.items", "x += [print]"),
    "function by += to a slot": body("self.items += [print]"),
    "function by |= to a stored dict": body("x = self.d", "x |= {'x': print}"),
    "function by |= to a slot": body("self.d |= {'x': print}"),
    "function by | of dicts": body("self.n = self.d | {'x': print}"),
    "function by |= to a stored set": body("x = self.tags", "x |= {print}"),
    "function by ^= to a stored set": body("x = self.tags", "x ^= {print}"),
    "function by | of sets": body("self.n = self.tags | {print}"),
    "function by update of a set": body("self.tags.update([print])"),
    "function by union of sets": body("self.n = self.tags.union([print])"),
    "function in a copy": body("x = self.d.copy()", "x['x'] = print"),
    "type in a copied slice": body("x = self.items[0:1]", "x[0] = int"),
    "function as an answer": body("return lambda: 1"),
    "function in an answer": body("return {'a': [print]}"),
    "iterator as an answer": body("return (x for x in 'a')"),
    "Send as an answer": body("return self.nothing"),
    "namespace as an answer": body("import math", "return math"),
    "partial as an answer": body("return self.clone"),
}  # fmt: skip

EXHAUSTIONS = {
    "endless loop": body("while True: pass"),
    "endless loop that catches": body("while True:", "    try:", "        while True: pass", "    except Exception: pass"),
    "endless loop in finally": body("try:", "    while True: pass", "finally:", "    while True: pass"),
    "exhaustion swallowed by an error": body("try:", "    while True: pass", "finally:", "    1 / 0"),
    "endless recursion": body("def f(): return f()", "return f()"),
    "recursion that catches": body("def f():", "    try: f()", "    except RecursionError: f()", "    f()", "return f()"),
    "recursion by lambda": body("f = lambda g: g(g)", "return f(f)"),
    "recursion by message": body("return self.forever()"),
    "endless iterator": body("import itertools", "return sum(itertools.count())"),
    "endless cycle": body("from itertools import cycle", "return list(cycle([1]))"),
    "endless repeat": body("from itertools import repeat", "return ''.join(repeat('a'))"),
    "endless star": body("from itertools import count", "return print(*count())"),
    "endless unpacking": body("from itertools import count", "a, *b = count()"),
    "endless membership": body("from itertools import count", "return -1 in count()"),
    "endless extend": body("x = [1]", "while True: x.extend(map(abs, x))"),
    "endless in place": body("x = [1]", "while True: x += map(abs, x)"),
    "endless sentinel": body("return list(iter(int, 1))"),
    "list that grows in its loop": body("x = [1]", "for i in x: x.append(i)"),
    "huge range": body("return sum(range(10 ** 12))"),
    "huge range listed": body("return list(range(10 ** 9))"),
    "nested ranges": body("return [1 for a in range(10 ** 6) for b in range(10 ** 6)]"),
    "nested sums": body("return sum(map(sum, [range(10 ** 6)] * 10 ** 5))"),
    "nested maxima": body("return max(map(max, [range(10 ** 6)] * 10 ** 5))"),
    "sum of lists": body("return sum([[0] * 1000] * 10 ** 6, [])"),
    "huge power": body("return 9 ** 9 ** 9"),
    "huge power by pow": body("return pow(9, 9 ** 9)"),
    "huge power in place": body("x = 9", "x **= 9 ** 9"),
    "huge power by operator": body("import operator", "return operator.pow(9, 9 ** 9)"),
    "huge modular power": body("return pow(3, 1 << 19_000, (1 << 19_000) - 1)"),
    "repeated squaring": body("x = 3", "while True: x = x * x"),
    "huge shift": body("return 1 << 10 ** 10"),
    "huge shift in place": body("x = 1", "x <<= 10 ** 10"),
    "huge factorial": body("import math", "return math.factorial(10 ** 9)"),
    "huge binomial": body("import math", "return math.comb(10 ** 6, 5 * 10 ** 5)"),
    "huge product": body("import math", "return math.prod([1 << 9_000] * 10 ** 6)"),
    "huge common multiple": body("import math", "return math.lcm(*range(1, 10 ** 6))"),
    "huge round": body("return round(5, -10 ** 9)"),
    "huge text": body("return 'a' * 10 ** 10"),
    "huge list": body("return [0] * 10 ** 10"),
    "huge tuple in place": body("x = (0,)", "x *= 10 ** 10"),
    "huge bytes": body("return b'a' * 10 ** 10"),
    "huge stored list": body("return self.items * 10 ** 9"),
    "doubled text": body("s = 'aa'", "while True: s = s + s"),
    "doubled text in place": body("s = 'aa'", "while True: s += s"),
    "doubled list": body("x = [1]", "while True: x = x + x"),
    "doubled by extend": body("x = [1]", "while True: x.extend(x)"),
    "doubled by an f-string": body("s = 'aa'", "while True: s = f'{s}{s}'"),
    "doubled by a format": body("s = 'aa'", "while True: s = '%s%s' % (s, s)"),
    "doubled by join": body("s = 'aa'", "while True: s = ''.join([s, s])"),
    "doubled by replace": body("s = 'aa'", "while True: s = s.replace('a', 'aa')"),
    "doubled by translate": body("s = 'aa'", "while True: s = s.translate({97: 'aa'})"),
    "doubled by re.sub": body("import re", "s = 'aa'", "while True: s = re.sub('a', 'aa', s)"),
    "squared by re.sub": body("import re", "s = 'a' * 10 ** 5", "return re.sub('', s, s)"),
    "doubled by re.escape": body("import re", "s = '..'", "while True: s = re.escape(s)"),
    "doubled by repr": body("s = chr(92)", "while True: s = repr(s)"),
    "doubled by a codec": body("s = chr(255)", "while True: s = s.encode().decode('latin-1')"),
    "many large lists": body("x = []", "while True: x.append([0] * 10 ** 6)"),
    "wide percent": body("return '%1000000000d' % 1"),
    "wide percent in place": body("s = '%1000000000d'", "s %= 1"),
    "wide percent, nested key": body("return '%((a)b)1000000000d' % {'(a)b': 1}"),
    "wide percent, star": body("return '%*d' % (10 ** 9, 1)"),
    "many wide percents": body("return ('%9999d' * 900) % ((1,) * 900)"),
    "wide f-string": body("return f'{1:1000000000}'"),
    "wide f-string, computed": body("w = 10 ** 9", "return f'{1:{w}}'"),
    "wide f-string, precise": body("return f'{1.0:.1000000000f}'"),
    "wide format": body("return format(1, '>1000000000')"),
    "wide strftime": body("from datetime import date", "return date(2024, 1, 1).strftime('%1000000000Y')"),
    "wide date in an f-string": body("from datetime import date", "return f'{date(2024, 1, 1):%1000000000Y}'"),
    "wide ljust": body("return 'a'.ljust(10 ** 10)"),
    "wide rjust": body("return 'a'.rjust(10 ** 10, 'b')"),
    "wide center": body("return 'a'.center(10 ** 10)"),
    "wide zfill": body("return '1'.zfill(10 ** 10)"),
    "wide ljust, unbound": body("return str.ljust('a', 10 ** 10)"),
    "wide tabs": body("return ('\\t' * 1000).expandtabs(10 ** 9)"),
    "wide bytes": body("return (1).to_bytes(10 ** 10, 'big')"),
    "wide indent": body("import textwrap", "return textwrap.indent('a\\n' * 10 ** 5, 'b' * 10 ** 5)"),
    "huge product of pools": body("from itertools import product", "return list(product([1], repeat=10 ** 9))"),
    "huge combination": body("from itertools import combinations", "return list(combinations('ab', 10 ** 9))"),
    "all permutations": body("from itertools import permutations", "return len(list(permutations(range(20))))"),
    "counter elements": body("from collections import Counter", "return list(Counter(a=10 ** 12).elements())"),
    "many choices": body("import random", "return random.choices('ab', k=10 ** 10)"),
    "backtracking": body("import re", "return re.match('(a+)+$', 'a' * 40 + 'b')"),
    "backtracking, compiled": body("import re", "return re.compile('(a|aa)+$').match('a' * 60 + 'b')"),
    "backtracking in sub": body("import re", "return re.sub('(a+)+$', '', 'a' * 40 + 'b')"),
    "hostile key": body("x = list(range(9))", "return sorted(x, key=lambda n: [1 for _ in range(10 ** 6)])"),
    "hostile sort": body("x = [3, 2, 1]", "x.sort(key=lambda n: x.append(n) or n)", "while True: x.append(1)"),
    "hostile default": body("from collections import defaultdict", "d = defaultdict(lambda: d[len(d)])", "return d[0]"),
    "nested answer": body("x = [0] * 100", "for _ in range(8): x = [x] * 100", "return x"),
    "nested slot value": body("x = [0] * 100", "for _ in range(8): x = [x] * 100", "self.n = x"),
    "nested setSlot value": body("x = [0] * 100", "for _ in range(8): x = [x] * 100", "self.setSlot_value_('n', x)"),
    "nested stored item": body("x = [0] * 100", "for _ in range(8): x = [x] * 100", "self.items.append(x)"),
    "nested JSON": body("import json", "x = [0] * 100", "for _ in range(8): x = [x] * 100", "return json.dumps(x)"),
    "nested repr": body("x = [0] * 100", "for _ in range(8): x = [x] * 100", "return repr(x)"),
    "list in itself": body("x = []", "x.append(x)", "return x"),
    "deep list": body("x = []", "for _ in range(10 ** 5): x = [x]", "return x"),
}  # fmt: skip

# One C call that never comes back to Python, so that nothing in this process can end it. The
# gate lets these pass; the jail, which is killed from outside, is their cure. Only compiled.
UNSTOPPABLE = {
    "comparing nested lists": body("a, b = [], []", "for _ in range(40): a, b = [a, a], [b, b]", "return a == b"),
    "hashing nested tuples": body("t = ()", "for _ in range(40): t = (t, t)", "return {t: 1}"),
    "text of nested lists": body("x = []", "for _ in range(40): x = [x, x]", "return str(x)"),
    "sorting nested lists": body("x = []", "for _ in range(40): x = [x, x]", "return sorted([x, [x[0], x[1]]])"),
    "searching nested lists": body("x = []", "for _ in range(40): x = [x, x]", "return [x[0], x[1]] in [x]"),
    "lists of ranges": body("return len(list(map(len, map(list, [range(10 ** 6)] * 10 ** 5))))"),
    "sets of ranges": body("return sum(map(len, map(set, [range(10 ** 6)] * 10 ** 5)))"),
}  # fmt: skip

ATTACKS = ESCAPES | INTRUSIONS | EXHAUSTIONS


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_ends_in_an_error(
    name: str,
    target: Any,
    calls: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("BATOS_CANARY", CANARY)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "canary").write_text(CANARY)
    vault = target.parents[0]
    before = dict(target._slots), dict(vault._slots), list(vault.gold), dict(vault.card)
    since = time.monotonic()

    with pytest.raises(Exception) as failure:  # noqa: PT011  each has its own
        MethodType(compile_method(ATTACKS[name]), target)()

    assert time.monotonic() - since < 20
    assert CANARY not in str(failure.value)
    assert not calls
    assert before == (target._slots, vault._slots, list(vault.gold), dict(vault.card))
    assert os.environ["BATOS_CANARY"] == CANARY
    assert [entry.name for entry in tmp_path.iterdir()] == ["canary"]
    assert target.greet() == "hi"  # what runs next has a budget of its own


@pytest.mark.parametrize("name", UNSTOPPABLE)
def test_what_only_the_jail_can_stop_is_at_least_compiled_at_once(name: str) -> None:
    since = time.monotonic()

    check(UNSTOPPABLE[name])

    assert time.monotonic() - since < 2


def test_the_suite_has_at_least_a_hundred_and_twenty_attacks() -> None:
    assert len(ATTACKS) >= 120


# --- what is allowed ------------------------------------------------------------------------------


def answer(obj: UvmObject, *lines: str) -> object:
    return MethodType(compile_method(body(*lines)), obj)()


def test_a_method_calls_other_methods(target: Any) -> None:
    assert answer(target, "return self.greet() + self.twice('x')") == "hixx"


def test_an_unknown_name_is_false_until_it_is_called(target: Any, calls: list[str]) -> None:
    assert answer(target, "return bool(self.nothing), hasattr(self, 'nothing')") == (
        False,
        False,
    )
    assert not calls
    assert answer(target, "return self.nothing(1)") == CANARY
    assert calls == ["doesNotUnderstand_"]


def test_hasattr_tells_what_a_method_may_read(target: Any) -> None:
    names = ("n", "greet", "clone", "setSlot_value_", "infer_", "parents", "_slots", "nothing")

    told = {name: guards.BUILTINS["hasattr"](target, name) for name in names}

    assert [name for name, there in told.items() if there] == list(names[:4])


def test_a_primordials_container_is_read_as_a_copy(target: Any) -> None:
    lines = ("self.gold.append(1)", "self.card['k'] = 2", "return self.gold, self.card['k']")

    assert answer(target, *lines) == ([CANARY], CANARY)
    assert target.gold == [CANARY]
    assert target.card == {"k": CANARY}


def test_a_written_list_is_stored_in_its_lasting_form(target: Any) -> None:
    answer(target, "self.d['x'] = [1]", "self.d['x'].append(2)", "self.items[0] = {'k': []}")

    assert target.d["x"]._p_changed is not None
    assert target.d["x"] == [1, 2]
    assert type(target.items[0]).__name__ == "PersistentMapping"


@pytest.mark.parametrize(
    "line",
    [
        "self.items.append(self.items)",
        "self.items.insert(0, (1, self.items))",
        "self.items.extend([self.items])",
        "self.items[0] = {'k': [self.items]}",
        "self.items[0:1] = [self.items]",
        "self.d['x'] = self.d",
        "self.d.setdefault('x', [self.d])",
        "self.d.update(x=self.d)",
        "self.d['x'] = self.items; self.items.append(self.d)",
        "self.tags.add((self.tags,))",
        "self.tags.update([(self.tags,)])",
        "x = self.items; x += [x]",
        "x = self.tags; x |= [(x,)]",
        "x = self.items[:]; x.append(x); self.n = x",
        "x = []; x.append(x); self.items.append(x)",
        "x = {}; x['x'] = x; self.n = x",
    ],
)
def test_a_stored_container_never_contains_itself(line: str, target: Any) -> None:
    with pytest.raises(NotStorable, match="that contains itself"):
        answer(target, *line.split("; "))


def test_a_container_may_lie_in_two_places_and_an_object_in_itself(target: Any) -> None:
    lines = ("x = [1]", "self.items.append([x, x])", "self.items.append(self)")

    answer(target, *lines, "self.tags.update([2]); self.n = self.tags.union([3], {4})")

    inner, itself = target.items[2:]
    assert inner[0] is inner[1]
    assert itself is target
    assert (set(target.tags), set(target.n)) == ({1, 2}, {1, 2, 3, 4})


def test_a_slot_whose_name_a_library_might_probe_is_read(target: Any) -> None:
    target.shape = "round"

    assert answer(target, "return self.shape") == "round"


def test_an_error_of_the_method_is_the_callers(target: Any) -> None:
    with pytest.raises(ValueError, match="too small"):
        answer(target, "raise ValueError('too small')")


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("return lambda: 1", NotStorable),
        ("self.greet = 1", SlotRefused),
        ("while True: pass", BudgetSpent),
    ],
)
def test_a_refusal_is_an_error_that_a_caller_can_act_on(
    line: str, error: type[BatosError], target: Any
) -> None:
    with pytest.raises(error):
        answer(target, line)


@pytest.mark.parametrize(
    "change",
    [
        "self.vault.pair[0].append(9)",
        "self.vault.pair[1]['k'] = 9",
        "self.vault.waiting[0].put(9)",
        "self.vault.hits[0].change(9)",
        "self.vault.queue.put(9)",
    ],
)
def test_what_a_primordial_holds_is_copied_however_deep(target: UvmObject, change: str) -> None:
    vault = UvmObject(
        pair=([1], {"k": 1}), waiting=(Queue([1]),), hits=(Counter(1),), queue=Queue([1])
    )
    vault._p_jar = target._p_jar
    mirror(vault).seal()
    target.vault = vault
    before = plain(dict(vault._slots))
    mirror(target).define(body(change))

    with contextlib.suppress(AttributeError, TypeError):  # a copy may be a list by then
        target.method()

    assert plain(dict(vault._slots)) == before
