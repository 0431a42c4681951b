"""Ask the mind for methods: what it is shown before it writes.

A small model writes a function of plain values far better than a method, and better still
after a few that are like it (`LOG.md` has the figures). So the prompt shows the nearest
lessons, then the methods that a new one may call, then the message, with the receiver's slots
as its first parameters. `reading` turns what comes back into methods.
"""

from __future__ import annotations

import keyword
from collections.abc import Sequence

from batos.synthesis.lessons import Lesson, nearest_lessons
from batos.synthesis.values import Failure, Reflection

STOP = ("\n\n\n", "\ndef", "\n#", "\nclass", ">>>", "```")

_LESSONS = 7  # fewer show too little; each further one costs time to read


def prompt_for(
    reflection: Reflection,
    failure: Failure | None = None,
    lessons: Sequence[Lesson] | None = None,
) -> str:
    """Return the text that the mind goes on from.

    It ends at the colon: a newline there would be merged with the indent that follows, and
    small models then write no usable code.

    Args:
        reflection: The message and its receiver.
        failure: What came close, for a repair.
        lessons: What may be shown; by default all that there are.
    """
    near = nearest_lessons(reflection, _LESSONS, lessons)
    shown = ["# Short, correct Python.", *(lesson.text for lesson in near)]
    shown += [known.function for known in reflection.understood if known.function]
    return "\n\n".join([*shown, "\n".join(_wanted(reflection, failure))])


def _wanted(reflection: Reflection, failure: Failure | None) -> list[str]:
    lines = [f"# {line}" for line in reflection.others_told()]
    lines += [f"# {reflection.show(example)}" for example in reflection.shown]
    if failure is not None:
        body = "\n".join(failure.source.splitlines()[1:])
        lines += ["# Not like this:", *(f"# {line}" for line in body.splitlines())]
        lines.append(f"# because {failure.wrong}")
    return [*lines, _head(reflection)]


def _head(reflection: Reflection) -> str:
    name = reflection.selector.strip("_")
    if keyword.iskeyword(name):
        name = reflection.selector
    return f"def {name}({', '.join([*reflection.slots, *reflection.parameters])}):"
