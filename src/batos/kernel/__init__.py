"""Objects and messages: everything here knows `persistent` and nothing above it.

Read in this order: `uvm_object` (slots, parents, clone), `delegation` (who is asked for a
selector, by definition), `lookup` (the same, remembered), `message` (what happens to a name
nobody knows), `method` and `runtime` (how behaviour that lies in a slot is run), `values`,
`shared` and `merging` (what may be written, and by several at once), `authority` (by whom),
`ambiguity` (where parents disagree), `mirror` (look and change without sending).
"""
