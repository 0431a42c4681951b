"""Story 1, a message that nobody understands: `synthesizer` tells it from end to end.

In order: `reflection` (what a writer must know, with `knowing`), `recall` (was it answered
before?), `search`, which calls `writing` with the nearest `lessons`, `reading` (completions
into methods), `trial` (in the jail), `edits` of what came near, `properties` of what stands,
and `choice`; then `confirming` where there are no examples. `values` is what they hand on,
`question` when two ask the same, `examples` what a person may show of the answer, `inputs`
more of the kind, `claims`, `relations` and `judgements` what properties are made of, `growth`
what a send brings along. `tending` and `promotion` are what a person does with what grew.
"""
