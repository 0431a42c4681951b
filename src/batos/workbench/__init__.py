"""What a person uses: the command `batos`.

Start reading at `cli`, which names the commands; `options` is what they share. Each module
`*_commands` holds the commands of one subject; `tour` and `doctor` are one command each.
"""
