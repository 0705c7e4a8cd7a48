"""The engines, one module each.

A module describes an engine and the settings to measure:
    NAME, VERSION     None if the installed package or the binary reports it
    VARIANTS          {label: params of the build}; with `nbits` if the engine has it
    settings(k)       {label: params of a search}
    SPARE             globs of files that a search does not need (default: none)
    EXHAUSTIVE        labels of settings that score every document, timed in one round only

A program has a binary (a flag of compare.py) and times itself:
    BINARY
    build_command(binary, data, index, variant, threads)
    bench_command(binary, index, queries, keys, k, threads, repeat, params, run)

A library runs in worker.py, in a virtual environment of its own:
    PACKAGE, build(index, layout, variant, threads), open(index, layout, variant, threads)
    search(handle, query, k, **params): rows, best first, of one query [tokens, dim] f32
    INDEXLESS         True for engines that scan the vectors

These modules import no engine at the top: compare.py loads them too.
"""
from importlib import import_module

MODULES = ("colidx", "next_plaid", "fast_plaid", "xtr_warp_rs", "colbert_ai", "tachiom", "maxsim_cpu", "numpy_exact")
ENGINES = {name.replace("_", "-"): import_module(f"engines.{name}") for name in MODULES}
