"""Commands about slots: change them by hand, and find those that belong together."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import click

from batos.kernel.mirror import mirror
from batos.universe.names import loaded, named_object
from batos.universe.universe import Root
from batos.workbench.literals import slot_value_of
from batos.workbench.options import Options, WithNumbers, at_option, command, group
from batos.workbench.tables import table

_BACK = "If that is not what you meant, `batos undo` gives them back."


@group("slot")
def slot() -> None:
    """Change a slot of an object by hand. Nothing is sent, and each change can be undone.

    Example: batos slot comment account balance "in euros"
    """


@slot.command("set", cls=WithNumbers)
@click.argument("name")
@click.argument("slot_name", metavar="SLOT")
@click.argument("value")
@click.option("--comment", default="", help="What it is for.")
@click.pass_obj
def set_(options: Options, name: str, slot_name: str, value: str, comment: str) -> None:
    """Write SLOT of NAME. VALUE is a Python literal, @name for an object, or a bare word.

    Counter(0) and Queue([]) are values that many transactions may change at once.

    Example: batos slot set account limit 500 --comment "what it may owe"
    """
    with _changed(options, f"slot set {name} {slot_name}") as root:
        given = loaded(slot_value_of(value), root)
        image = mirror(named_object(root, name))
        image.set(slot_name, given, comment, options.settings.user)
    _answer(options, f"{name} has {slot_name}.", name, slot_name)


@slot.command("rename")
@click.argument("name")
@click.argument("slot_name", metavar="SLOT")
@click.argument("new")
@click.pass_obj
def rename(options: Options, name: str, slot_name: str, new: str) -> None:
    """Give SLOT of NAME the name NEW; its value, its place and its annotation stay.

    Example: batos slot rename account balance money
    """
    with _changed(options, f"slot rename {name} {slot_name} {new}") as root:
        mirror(named_object(root, name)).rename(slot_name, new)
    _answer(options, f"{slot_name} of {name} is {new} now.", name, new)


@slot.command("remove")
@click.argument("name")
@click.argument("slot_name", metavar="SLOT")
@click.pass_obj
def remove(options: Options, name: str, slot_name: str) -> None:
    """Take SLOT of NAME away.

    Example: batos slot remove account balance
    """
    with _changed(options, f"slot remove {name} {slot_name}") as root:
        image = mirror(named_object(root, name))
        was_child = bool(image.parents())
        image.remove(slot_name)
        orphaned = was_child and not image.parents()
    text = f"{name} has no {slot_name} of its own now."
    if orphaned:
        text += f" It has no parents any more and understands only its own slots. {_BACK}"
    _answer(options, text, name, slot_name)


@slot.command("copy")
@click.argument("name")
@click.argument("slot_name", metavar="SLOT")
@click.argument("to")
@click.option("--as", "as_name", help="Another name for the copy.")
@click.pass_obj
def copy(options: Options, name: str, slot_name: str, to: str, as_name: str | None) -> None:
    """Copy SLOT of NAME to the object TO: a method with its origin, a container by value.

    Example: batos slot copy account deposit_ genesis_obj
    """
    with _changed(options, f"slot copy {name} {slot_name} {to}") as root:
        target = named_object(root, to)
        mirror(named_object(root, name)).copy(slot_name, target, as_name, options.settings.user)
    _answer(options, f"{to} has {as_name or slot_name}.", to, as_name or slot_name)


@slot.command("comment")
@click.argument("name")
@click.argument("slot_name", metavar="SLOT")
@click.argument("text")
@click.pass_obj
def comment(options: Options, name: str, slot_name: str, text: str) -> None:
    """Say what SLOT of NAME is for; an empty TEXT takes the comment away.

    Example: batos slot comment account balance "in euros"
    """
    with _changed(options, f"slot comment {name} {slot_name}") as root:
        mirror(named_object(root, name)).annotate(slot_name, comment=text)
    _answer(options, f"{slot_name} of {name}: {text or 'no comment'}", name, slot_name)


@command("find")
@click.argument(
    "question", type=click.Choice(["implementors", "senders", "referrers", "understanding"])
)
@click.argument("word")
@at_option
@click.pass_obj
def find(options: Options, question: str, word: str, when: str | None) -> None:
    """Look through the whole universe. Sends no message.

    implementors: who has a slot named WORD. senders: whose methods send, read or write it.
    understanding: who answers to it. referrers: what refers to the object WORD, which is a
    name, or a number such as 0x1f.

    Example: batos find implementors deposit_

    Example: batos find referrers genesis_obj
    """
    with options.open(read_only=True) as universe:
        places = getattr(universe, question)(word, when)
    rows = [(place.object or "(the root)", place.slot, place.how) for place in places]
    options.answer(table(rows) or "Nothing found.", places)


@contextmanager
def _changed(options: Options, note: str) -> Iterator[Root]:
    with options.open() as universe, universe.transaction(note) as root:
        yield root


def _answer(options: Options, text: str, name: str, slot_name: str) -> None:
    options.answer(text, {"name": name, "slot": slot_name})
