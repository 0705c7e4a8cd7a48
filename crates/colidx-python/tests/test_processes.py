"""Threads, processes and imports."""

import multiprocessing
import os
import pickle
import subprocess
import sys
import threading

import colidx
import numpy as np
import pytest
from conftest import MODEL, unit

QUERY = unit(np.random.default_rng(5), 4)


def found(hits):
    return [(hit.key, hit.score) for hit in hits]


def search(index):
    return found(index.search_vectors(QUERY)), [found(h) for h in index.search_many([QUERY] * 20)]


def in_child(work):
    """Runs `work` in a forked process, which must end within a minute. Returns what it returned."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            with os.fdopen(write, "wb") as out:
                pickle.dump(work(), out)
            status = 0
        finally:
            os._exit(status)
    os.close(write)
    timer = threading.Timer(60, os.kill, (child, 9))
    timer.start()
    with os.fdopen(read, "rb") as answer:
        data = answer.read()
    _, status = os.waitpid(child, 0)
    timer.cancel()
    assert status == 0, "the child died or hung"
    return pickle.loads(data)


forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
# Python warns of forks beside threads, which is what these tests are about.
warns = pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")


@forks
@warns
def test_a_forked_process_searches_after_its_parent_did(vectors):
    expected = search(vectors)
    assert in_child(lambda: search(vectors)) == expected
    assert in_child(lambda: in_child(lambda: search(vectors))) == expected
    assert search(vectors) == expected


@forks
@warns
def test_a_forked_process_encodes_and_builds(index, encoder):
    expected = found(index.search("the moon"))

    def work():
        built = colidx.build("child.colidx", [("a", "the moon"), ("b", "tea")], encoder)
        return found(index.search("the moon")), len(built)

    assert in_child(work) == (expected, 2)
    assert len(colidx.open("child.colidx")) == 2


@warns
@pytest.mark.parametrize("method", multiprocessing.get_all_start_methods())
def test_an_index_goes_to_other_processes(method, vectors):
    expected = search(vectors)
    context = multiprocessing.get_context(method)
    with context.Pool(2) as pool:
        assert pool.map_async(search, [vectors] * 4).get(timeout=120) == [expected] * 4


def test_an_index_is_pickled_by_its_path(index, folder, monkeypatch):
    data = pickle.dumps(index)
    assert len(data) < 1000
    monkeypatch.chdir("/")
    again = pickle.loads(data)
    assert found(again.search("moon")) == found(index.search("moon"))


def test_an_encoder_is_pickled_by_its_place(encoder):
    again = pickle.loads(pickle.dumps(colidx.Encoder(MODEL, query_length=9)))
    assert again.info()["query_length"] == 9
    [vectors], [other] = again.encode_documents(["moon"]), encoder.encode_documents(["moon"])
    assert (vectors == other).all()


def test_hits_are_pickled_whole(index):
    hits = index.search("moon", k=2)
    again = pickle.loads(pickle.dumps(hits))
    for hit, other in zip(hits, again, strict=True):
        assert (hit.key, hit.score, hit.title, hit.text, hit.metadata) == (
            other.key, other.score, other.title, other.text, other.metadata,
        )  # fmt: skip


def test_many_threads_search_one_index(vectors):
    expected = search(vectors)
    results = []
    threads = [threading.Thread(target=lambda: results.append(search(vectors))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [expected] * 8


def test_the_interpreter_is_free_while_a_build_runs(folder):
    rng = np.random.default_rng(6)
    arrays = [unit(rng, 30) for _ in range(1000)]
    ticks, done = [], threading.Event()

    def count():
        while not done.wait(0.005):
            ticks.append(None)

    thread = threading.Thread(target=count)
    thread.start()
    colidx.build_from_vectors("big.colidx", map(str, range(1000)), arrays)
    before = len(ticks)
    colidx.open("big.colidx").search_many([QUERY] * 200, exact=True)
    done.set()
    thread.join()
    assert before > 10 and len(ticks) > before


def test_threads_are_counted(vectors):
    before = colidx.threads()
    try:
        expected = search(vectors)
        for count in (1, 3):
            colidx.set_threads(count)
            assert colidx.threads() == count and search(vectors) == expected
        with pytest.raises(colidx.OptionError):
            colidx.set_threads(0)
    finally:
        colidx.set_threads(None)
    assert colidx.threads() == before


def python(code):
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return run.stdout


def test_importing_is_quick_and_brings_nothing():
    code = (
        "import sys; before = set(sys.modules); import colidx;"
        "new = {m.split('.')[0] for m in set(sys.modules) - before};"
        "print(*sorted(new - sys.stdlib_module_names))"
    )
    assert python(code).split() == ["colidx"]
    # Time on a core, so that what else the machine does is not counted.
    code = "import time; t = time.process_time(); import colidx; print(time.process_time() - t)"
    assert min(float(python(code)) for _ in range(5)) < 0.1


def test_torch_is_never_imported(vectors):
    code = (
        "import sys, numpy as np, colidx, colidx.compat.fast_plaid\n"
        "colidx.pylate.Index\n"
        "colidx.open('v.colidx').search_vectors(np.ones((2, 16), 'f4'))\n"
        "assert 'torch' not in sys.modules and 'pylate' not in sys.modules"
    )
    python(code)
