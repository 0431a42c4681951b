"""What generated source may say and do, in three rings.

Read in this order. Ring 1, the language gate: `policy` (source in, a guarded function out),
`grammar` (what may be written), `guards` (what stands at every read, write and call),
`allowed` (the lists that they go by), `namespaces` (what `import` gives), `operators`,
`iterators`, `kinds`, `texts` and `containers` (what could grow or never end, with bounds),
`meter` (steps and time), `failures` (errors that leave).
Ring 2, the trial jail: `jail` (the owner's side), `world` (a copy of what a receiver
reaches), `wire` (values as JSON), `frames` (messages on a socket), `zygote` (the trial
process); `launcher` and `spawner` start it, and other processes, for an owner in walls.
Ring 3, the walls: `walls`, and under it `landlock`, `seccomp` and `syscalls`.
"""
