"""What is logged, as the command line shows it: warnings of batos itself, in one line each.

Libraries log, with a traceback, errors that the command's last line tells anyway.
"""

from __future__ import annotations

import logging

from batos.workbench.printable import printable_line


class _Line(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return f"batos: {record.levelname.lower()}: {printable_line(record.getMessage())}"


def show_logged(everything: bool) -> None:
    """Send to stderr what batos warns of; what others log only if `everything` is wanted."""
    if everything:
        logging.basicConfig()
        return
    logging.getLogger().addHandler(logging.NullHandler())  # else Python prints what it gets
    ours = logging.StreamHandler()
    ours.setFormatter(_Line())
    ours.setLevel(logging.WARNING)
    logging.getLogger("batos").addHandler(ours)
