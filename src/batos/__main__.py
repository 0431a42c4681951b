"""`python -m batos` is the command `batos`; whoever stops it early gets a clear end, too."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line and end with its exit code."""
    try:
        from batos.workbench.cli import run  # noqa: PLC0415  Ctrl-C may come meanwhile

        status = run(sys.argv[1:])
    except KeyboardInterrupt:  # while modules are loaded, or after the command
        print("interrupted", file=sys.stderr)  # noqa: T201  click may not be there yet
        status = 130
    sys.exit(status)


if __name__ == "__main__":
    main()
