"""The ideas that tasks are drawn from, of eight kinds.

`sketch` says what a family is; then one module a kind, in any order.
"""
