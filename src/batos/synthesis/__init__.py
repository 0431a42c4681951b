"""Story 1, a message that nobody understands: `synthesizer` tells it from end to end.

Its stages, in order: `reflection` (what a writer must know), `writing` (ask the mind for
methods), `trial` (try them in the jail), `choice` (which one stands). `values` is what they
hand on, `question` when two ask the same, `examples` what a person may show of the answer,
`growth` what a send brings along.

Beside the story: `properties` questions a method in the jail (`claims` says about what,
`inputs` with what, `relations` and `judgements` how); `tending` and `promotion` are what a
person does with what grew.
"""
