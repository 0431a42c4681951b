"""`python -m batos` is the command `batos`."""

from batos.workbench.cli import main

if __name__ == "__main__":
    main()
