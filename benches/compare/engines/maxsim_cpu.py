"""maxsim-cpu (PyPI): exact MaxSim over the uncompressed vectors, without an index."""
from engines.numpy_exact import best

NAME = "maxsim-cpu"
VERSION = None
PACKAGE = "maxsim-cpu"
INDEXLESS = True
EXHAUSTIVE = {"exact"}

VARIANTS = {"f32": {"nbits": 32}}


def settings(k):
    return {"exact": {}}


def open(index, layout, variant, threads):
    import numpy as np

    vectors = np.asarray(layout.vectors, np.float32)
    return [vectors[begin:end] for begin, end in zip(layout.starts, layout.ends)]


def search(handle, query, k):
    import maxsim_cpu
    import numpy as np

    return best(np.asarray(maxsim_cpu.maxsim_scores_variable(query, handle)), k)
