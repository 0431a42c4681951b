"""A universe as text: a folder that reads well, diffs well, and makes the universe again.

Read in this order: `values` (data as JSON, and back), `layout` (names of files, and how they
are written), `graph` (which objects, and what they are called), `exporting`, `reading` (a
folder that anybody may have written: checked before anything of it is used), `building`
(objects from text), `importing` (into a new universe, or slot by slot into one that is
there), `entries` (the journal's).
"""
