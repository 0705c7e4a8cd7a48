"""The engines, one module each.

A module says what it is and which settings are worth a measurement:
    NAME, VERSION     VERSION is None where the installed package or the binary says it
    VARIANTS          {label: params of the build}; `nbits` among them where the engine has it
    settings(k)       {label: params of a search}
    SPARE             globs of files in an index that a search does without (none by default)
    EXHAUSTIVE        labels of settings that score every document, timed in one round only

A program, which has a binary (a name for compare.py's flags) and times itself:
    BINARY
    build_command(binary, data, index, variant, threads)
    bench_command(binary, index, queries, keys, k, threads, repeat, params, run)

A library, which host.py holds in a virtual environment of its own:
    PACKAGE, build(index, layout, variant, threads), open(index, layout, variant, threads)
    search(handle, query, k, **params): rows, best first, of one query [tokens, dim] f32
    INDEXLESS         True for those that scan the vectors

Nothing is imported at the top of these modules that an engine brings: compare.py reads them too.
"""
from importlib import import_module

MODULES = ("colidx", "next_plaid", "fast_plaid", "xtr_warp_rs", "colbert_ai", "tachiom", "maxsim_cpu", "numpy_exact")
ENGINES = {name.replace("_", "-"): import_module(f"engines.{name}") for name in MODULES}
