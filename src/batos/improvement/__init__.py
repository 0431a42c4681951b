"""How good the mind is at its work, measured by running what it writes.

`curriculum` draws method tasks from seeded `families`, each a `task` with a reference that
`reference` runs; `mutants` are wrong methods that the examples have to tell from it. `exam`
sets tasks to a mind, `controls` are what it has to beat, `scores` adds up, and `evaluation`
says how sure a difference is.
"""
