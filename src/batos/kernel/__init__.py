"""Objects and messages: everything here knows `persistent` and nothing above it.

Read in this order: `uvm_object` (slots, parents, clone), `lookup` (where a selector
leads), `message` (what happens to a name nobody knows), `method` and `runtime` (how
behaviour that lies in a slot is run), `values` and `authority` (what may be written,
and by whom), `ambiguity` (where parents disagree), `mirror` (look and change without
sending).
"""
