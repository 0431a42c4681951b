"""What lasts: one object database a universe, born in one transaction.

Read in this order: `awakening` and `creating` (how a universe begins), `universe` (open it,
change it in transactions, look back, undo), `database`, `storage` and `records` (files that
may come from elsewhere, or from a crash), `addresses` and `stores` (universes by URI, for
many processes), `blobs` (weights in, paths out), `journal` (what was proposed, and what
became of it), `audited` and `audit` (who did so), `why` (all that is known of one slot),
`delivery` and `conflicts` (messages from outside: tried again, once for each
id). Then the past, which `looking_back` gathers: `moments` (which one is meant), `states` (an
object as text), `past` (history and diff), `restoring`, `packing`, `forgetting` and `remains`;
and `placeholders`, with which safe mode shows unknown records. `browsing` gathers what is
asked of all objects (`browser`, `walk`, `usage`), `copying` what leaves and comes back:
`bundle` (a universe as text), `backup`, `verifying` and `recovering` (exact copies:
`datafile` reads a database's file, `backup_folder` keeps what was copied).
"""
