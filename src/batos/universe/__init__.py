"""What lasts: one object database a universe, born in one transaction.

Read in this order: `awakening` (how a universe begins), `universe` (open it, change it in
transactions, look back, undo), `database`, `storage` and `records` (files that may come
from elsewhere, or from a crash), `blobs` (weights in, paths out), `journal` (what was
proposed, and what became of it), `bundle` (a universe as text, and back), `backup`, `verifying`
and `recovering` (exact copies: `datafile` reads a database's file, `backup_folder` keeps what
was copied).
"""
