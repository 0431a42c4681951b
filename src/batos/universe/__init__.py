"""What lasts: one object database a universe, born in one transaction.

Read in this order: `awakening` (how a universe begins), `universe` (open it, change it in
transactions, look back, undo), `database`, `storage` and `records` (files that may come
from elsewhere, or from a crash), `addresses` and `stores` (universes by URI, for many
processes), `blobs` (weights in, paths out), `journal` (what was proposed, and what became of
it), `delivery` and `conflicts` (messages from outside: tried again, and once for each id).
Then the past, which `looking_back` gathers: `moments` (which one is meant), `states` (an
object as text), `past` (history and diff), `restoring`, `packing`, `forgetting`; and
`placeholders`, with which safe mode shows unknown records.
"""
