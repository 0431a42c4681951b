from __future__ import annotations

import ast
from typing import Any

import pytest

from batos.kernel.message import Message
from batos.kernel.uvm_object import UvmObject
from batos.sandbox.policy import compile_method
from batos.synthesis.examples import Example
from batos.synthesis.lessons import OBJECT, Lesson, all_lessons, kind_of, nearest_lessons
from batos.synthesis.reflection import reflect_on


def examples_in(lesson: Lesson) -> list[str]:
    lines = lesson.text.splitlines()
    told = [line.removeprefix("# ") for line in lines if line.startswith("# ")]
    return [line for line in told if " has " not in line]


class _AndItsNames(ast.NodeTransformer):
    """Makes a function answer what its names stand for at the end, beside its answer."""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        self.generic_visit(node)
        node.body.append(ast.parse("return None, locals()").body[0])
        return node

    def visit_Return(self, node: ast.Return) -> ast.AST:
        assert node.value is not None
        node.value = ast.Tuple([node.value, ast.parse("locals()").body[0].value], ast.Load())  # type: ignore[attr-defined]
        return node


def run(lesson: Lesson, arguments: dict[str, object]) -> tuple[object, dict[str, object]]:
    tree = ast.fix_missing_locations(_AndItsNames().visit(ast.parse(lesson.source)))
    names: dict[str, Any] = {}
    exec(compile(tree, "lesson", "exec"), names)
    answer, left = names[lesson.name](**arguments)
    return answer, left


# the others speak of objects, which are not there to be asked
PLAIN = [lesson for lesson in all_lessons() if OBJECT not in lesson.likeness.takes]


@pytest.mark.parametrize("lesson", PLAIN, ids=lambda lesson: lesson.name)
def test_a_lesson_does_what_its_examples_say(lesson: Lesson) -> None:
    for line in examples_in(lesson):
        expression = ast.parse(line, mode="eval").body
        terms = expression.values if isinstance(expression, ast.BoolOp) else [expression]
        call = terms[0].left if isinstance(terms[0], ast.Compare) else terms[0]
        assert isinstance(call, ast.Call)
        arguments = {str(word.arg): ast.literal_eval(word.value) for word in call.keywords}

        answer, left = run(lesson, arguments)

        told = {**left, lesson.name: lambda said=answer, **_: said}
        said = [ast.unparse(term) for term in terms if isinstance(term, ast.Compare)]
        assert all(eval(term, dict(told)) for term in said), line


@pytest.mark.parametrize("lesson", all_lessons(), ids=lambda lesson: lesson.name)
def test_a_lesson_says_only_what_the_gate_lets_by(lesson: Lesson) -> None:
    compile_method(lesson.source.replace(f"def {lesson.name}(", "def taught(self, "))


def test_no_two_lessons_have_the_same_examples_or_name_and_source() -> None:
    lessons = all_lessons()

    assert len({lesson.text for lesson in lessons}) == len(lessons)
    assert len({lesson.source for lesson in lessons}) == len(lessons)


def test_the_nearest_lessons_take_and_answer_what_the_message_does() -> None:
    shop = UvmObject(prices={"nut": 4, "oil": 9})
    examples = (Example((), 13), Example((), 2, given={"prices": {"egg": 2}}))
    reflection = reflect_on(shop, Message("totalPrice"), examples)

    nearest = nearest_lessons(reflection, 3)

    assert all(lesson.likeness.takes == ("dict",) for lesson in nearest)


def test_what_may_not_be_shown_is_not_near() -> None:
    shop = UvmObject(prices={"nut": 4})
    reflection = reflect_on(shop, Message("totalPrice"), (Example((), 4),))
    allowed = [lesson for lesson in all_lessons() if "dict" not in lesson.likeness.takes]

    assert {lesson.name for lesson in nearest_lessons(reflection, 5, allowed)} <= {
        lesson.name for lesson in allowed
    }


def test_all_numbers_are_of_one_kind_and_a_list_says_what_it_holds() -> None:
    assert [kind_of(value) for value in (1, 1.5, [2.5], ["a"], [], {"a": 1})] == [
        *("int", "int", "list[int]", "list[str]", "list", "dict"),
    ]
