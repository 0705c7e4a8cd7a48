#!/usr/bin/env python3
"""Loads `colidx serve` and prints what it takes. Needs numpy; `throughput`, `beside`, `overload`
and `memory` need wrk.

    load.py latency    --index I --queries Q.jsonl   text over HTTP, and the library in it
    load.py throughput --index I --vectors Q.npy     64 connections against `colidx bench`
    load.py beside     --index I --vectors Q.npy     64 connections, in turns with next-plaid-api
                       --exact IDS.npy --peer BIN --peer-index DIR
    load.py writer     --index I --vectors Q.npy     searches beside 10 documents a second
    load.py overload   --index I --vectors Q.npy     1,024 connections, and a second later
    load.py cold       --index I --vectors Q.npy     from start to the first answer
    load.py memory     --index I --vectors Q.npy     resident memory over many searches
    load.py kills      [--rounds 500]                kill -9 while documents are added
    load.py mutated    [--rounds 1000000]            damaged bodies

All take --binary, target/debug/colidx unless it is given.

Each prints one JSON object. An index that is written to is a copy.
"""

import argparse
import http.client
import json
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "scripts"))
from service import BINARY, Service, build  # noqa: E402

JSON = {"content-type": "application/json"}


class Client:
    """One connection that stays open."""

    def __init__(self, service):
        host = service.address.removeprefix("http://")
        self.connection = http.client.HTTPConnection(host, timeout=120)

    def send(self, method, path, body):
        self.connection.request(method, path, body, JSON)
        answer = self.connection.getresponse()
        return answer.status, answer.read()

    def search(self, index, body):
        status, answer = self.send("POST", f"/v1/indexes/{index}/search", body)
        assert status == 200, (status, answer)
        return json.loads(answer)


def vectors_of(given):
    import numpy
    return numpy.load(given.vectors)


def bodies_of(given, most=300):
    """Requests as programs write them: numbers with the digits that f32 needs."""
    def row(vector):
        return "[" + ",".join(str(value) for value in vector) + "]"
    queries = vectors_of(given)[:most].astype("float32")
    return ['{"k": 10, "with": [], "vectors": [' + ",".join(map(row, query)) + "]}"
            for query in queries]


def name_of(index):
    return pathlib.Path(index).name.removesuffix(".colidx")


def search_path(index):
    return f"/v1/indexes/{name_of(index)}/search"


def resident(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def wrk(address, path, bodies, folder, seconds, connections):
    """Requests a second, percentiles in milliseconds and answers by kind."""
    (folder / "bodies").write_text("\n".join(bodies))
    script = folder / "script.lua"
    script.write_text(f"""
local requests, at = {{}}, 0
for line in io.lines("{folder}/bodies") do
  requests[#requests + 1] = wrk.format("POST", "{path}",
    {{["Content-Type"] = "application/json"}}, line)
end
function request() at = at % #requests + 1; return requests[at] end
local threads = {{}}
function setup(thread) table.insert(threads, thread) end
function init() refused, wrong = 0, 0 end
function response(status)
  if status == 429 or status == 503 then refused = refused + 1
  elseif status ~= 200 then wrong = wrong + 1 end
end
function done(summary, latency)
  local refused, wrong = 0, 0
  for _, thread in ipairs(threads) do
    refused, wrong = refused + thread:get("refused"), wrong + thread:get("wrong")
  end
  local e = summary.errors
  io.write(string.format('RESULT {{"requests": %d, "seconds": %f, "p50": %f, "p99": %f, ' ..
    '"refused": %d, "wrong": %d, "broken": %d, "timeouts": %d}}\\n', summary.requests,
    summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3, refused,
    wrong, e.connect + e.read + e.write, e.timeout))
end
""")
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "60s", "-s", script,
               address]
    out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    result = json.loads(out.split("RESULT ", 1)[1])
    result["rate"] = (result["requests"] - result["refused"]) / result["seconds"]
    return result


def latency(given, folder):
    lines = pathlib.Path(given.queries).read_text().splitlines()[:given.rounds or 300]
    texts = [json.loads(line)["text"] for line in lines]
    service = Service(given.binary, given.index)
    try:
        client = Client(service)
        bodies = [json.dumps({"query": text, "k": 10, "with": []}) for text in texts]
        for body in bodies[:20]:
            client.send("POST", search_path(given.index), body)
        http, library = [], []
        for body in bodies:
            began = time.perf_counter()
            status, answer = client.send("POST", search_path(given.index), body)
            http.append(1e3 * (time.perf_counter() - began))
            assert status == 200, answer
            stats = json.loads(answer)["stats"]
            library.append(stats["encode_ms"] + stats["search_ms"])
    finally:
        service.end()
    more = [a - b for a, b in zip(http, library)]
    return {"queries": len(bodies), "http_p50_ms": statistics.median(http),
            "library_p50_ms": statistics.median(library), "more_p10_ms": percentile(more, 0.1),
            "more_p50_ms": statistics.median(more), "more_p90_ms": percentile(more, 0.9)}


def cpu(pid):
    """Seconds of processor time that a process has taken."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def throughput(given, folder):
    """Searches a second, and the processor time of each, which others here change less."""
    bodies, rounds, repeat = bodies_of(given), [], 9
    bench = [given.binary, "bench", "--index", given.index, "--query-embeddings", given.vectors,
             "--threads", "2", "--repeat", str(repeat)]
    for _ in range(given.rounds or 5):
        before = os.times()
        out = subprocess.run(bench, check=True, capture_output=True, text=True).stdout
        after, library = os.times(), json.loads(out.splitlines()[-1])
        spent = sum(after[2:4]) - sum(before[2:4])
        # One more round warms up.
        library_cpu = 1e3 * spent / library["queries"] / (repeat + 1)
        service = Service(given.binary, given.index)
        try:
            target = service.address, search_path(given.index), bodies, folder
            wrk(*target, 2, 64)
            began = cpu(service.process.pid)
            served = wrk(*target, given.seconds, 64)
            http_cpu = 1e3 * (cpu(service.process.pid) - began) / served["requests"]
        finally:
            service.end()
        assert served["wrong"] == served["broken"] == 0, served
        rounds.append({"http": served["rate"], "library": library["qps"], "p99_ms": served["p99"],
                       "http_cpu_ms": http_cpu, "library_cpu_ms": library_cpu})
    return {"rounds": rounds,
            "rate": statistics.median(one["http"] / one["library"] for one in rounds),
            "cpu": statistics.median(one["library_cpu_ms"] / one["http_cpu_ms"] for one in rounds)}


# Settings of next-plaid-api: its defaults, and hasty ones of the comparison.
PEER_SETTINGS = {"default": {}, "cheap": {"n_ivf_probe": 2, "n_full_scores": 512,
                                          "centroid_score_threshold": 0.5}}


class Peer:
    """`next-plaid-api` over a folder of its indexes."""

    def __init__(self, binary, folder):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.address = f"http://127.0.0.1:{port}"
        self.process = subprocess.Popen(
            [binary, "--host", "127.0.0.1", "--port", str(port), "--index-dir", folder],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env=os.environ | {"RUST_LOG": "off"})
        for _ in range(600):
            with socket.socket() as there:
                if there.connect_ex(("127.0.0.1", port)) == 0:
                    return
            time.sleep(0.1)
        self.end()
        raise AssertionError(f"{binary} does not listen")

    def end(self):
        self.process.terminate()
        return self.process.wait(30)


def beside(given, folder):
    """Throughput and p99 beside next-plaid-api with the same vectors, in turns, and what each
    finds of the exact top 10. Keys are the numbers of the documents."""
    import numpy
    exact, bodies = numpy.load(given.exact)[:, :10].tolist(), bodies_of(given)
    peer_folder, peer_name = os.path.split(os.path.abspath(given.peer_index))
    ways = {"colidx": (bodies, lambda answer: [int(hit["key"]) for hit in answer["hits"]],
                       lambda: Service(given.binary, given.index), search_path(given.index))}
    for name, settings in PEER_SETTINGS.items():
        asked = [json.dumps({"queries": [{"embeddings": json.loads(body)["vectors"]}],
                             "params": {"top_k": 10, **settings}}) for body in bodies]
        ways[f"next-plaid-api, {name}"] = (
            asked, lambda answer: answer["results"][0]["document_ids"],
            lambda: Peer(given.peer, peer_folder), f"/indices/{peer_name}/search")
    rounds = {name: [] for name in ways}
    for _ in range(given.rounds or 3):
        for name, (asked, ids, start, path) in ways.items():
            service = start()
            try:
                client, found = Client(service), 0
                for body, best in zip(asked, exact):
                    status, answer = client.send("POST", path, body)
                    assert status == 200, answer
                    found += len(set(ids(json.loads(answer))) & set(best))
                result = wrk(service.address, path, asked, folder, given.seconds, 64)
                result["recall"] = found / (10 * len(asked))
                result["resident_mb"] = resident(service.process.pid)
                assert result["wrong"] == result["broken"] == 0, result
            finally:
                service.end()
            rounds[name].append(result)
    middle = {name: {what: statistics.median(one[what] for one in results)
                     for what in ("rate", "p50", "p99", "recall", "resident_mb")}
              for name, results in rounds.items()}
    ours = middle["colidx"]
    ratios = {name: {"rate": ours["rate"] / peer["rate"], "p99": ours["p99"] / peer["p99"]}
              for name, peer in middle.items() if name != "colidx"}
    return {"medians": middle, "ratios": ratios}


def writer(given, folder):
    """Searches, without and with a writer, in turns. Added documents are far from every query."""
    copy = folder / "w.colidx"
    shutil.copytree(given.index, copy)
    bodies, queries = bodies_of(given, 100), vectors_of(given)
    far = [float(x) for x in -queries.reshape(-1, queries.shape[-1]).mean(axis=0)]
    length = sum(x * x for x in far) ** 0.5
    far = [x / length for x in far]
    service = Service(given.binary, str(copy))
    times, wrong, errors, written, stop = {False: [], True: []}, 0, 0, 0, threading.Event()

    def hits(answer):
        return [(hit["key"], round(hit["score"], 3)) for hit in answer["hits"]]

    def write():
        nonlocal written
        client, number = Client(service), 0
        while not stop.is_set():
            began = time.monotonic()
            documents = [{"key": f"new-{written + n}", "vectors": [far], "token_ids": [1996]}
                         for n in range(10)]
            status, answer = client.send("PUT", "/v1/indexes/w/documents",
                                         json.dumps({"documents": documents}))
            assert status == 200, answer
            written += 10
            stop.wait(max(0, 1 - (time.monotonic() - began)))

    def search(client, known, with_writer, until):
        nonlocal wrong, errors
        while time.monotonic() < until:
            at = random.randrange(len(bodies))
            began = time.perf_counter()
            status, answer = client.send("POST", "/v1/indexes/w/search", bodies[at])
            times[with_writer].append(1e3 * (time.perf_counter() - began))
            errors += status != 200
            wrong += status == 200 and hits(json.loads(answer)) != known[at]

    try:
        one = Client(service)
        known = [hits(one.search("w", body)) for body in bodies]
        for turn in range(given.rounds or 6):
            with_writer = turn % 2 == 1
            stop.clear()
            until = time.monotonic() + given.seconds
            threads = [threading.Thread(target=search,
                                        args=(Client(service), known, with_writer, until))
                       for _ in range(4)]
            threads += [threading.Thread(target=write)] if with_writer else []
            for thread in threads:
                thread.start()
            time.sleep(given.seconds)
            stop.set()
            for thread in threads:
                thread.join()
    finally:
        service.end()
    p99 = {name: percentile(times[name], 0.99) for name in times}
    return {"searches": {"without": len(times[False]), "with": len(times[True])},
            "written": written, "errors": errors, "wrong": wrong, "p99_without_ms": p99[False],
            "p99_with_ms": p99[True], "ratio": p99[True] / p99[False],
            "p50_ratio": statistics.median(times[True]) / statistics.median(times[False])}


def overload(given, folder):
    bodies = bodies_of(given)
    service = Service(given.binary, given.index, "--max-connections", "2000")
    try:
        index, client = name_of(given.index), Client(service)
        calm = []
        for body in bodies[:100]:
            began = time.perf_counter()
            client.search(index, body)
            calm.append(1e3 * (time.perf_counter() - began))
        memory, stop = [resident(service.process.pid)], threading.Event()

        def watch():
            while not stop.wait(0.1):
                memory.append(resident(service.process.pid))

        thread = threading.Thread(target=watch)
        thread.start()
        result = wrk(service.address, search_path(given.index), bodies, folder,
                     given.seconds, 1024)
        stop.set()
        thread.join()
        time.sleep(1)
        after = []
        for body in bodies[:100]:
            began = time.perf_counter()
            Client(service).search(index, body)
            after.append(1e3 * (time.perf_counter() - began))
    finally:
        ended = service.end()
    return {**result, "memory_before_mb": memory[0], "memory_most_mb": max(memory),
            "p50_before_ms": statistics.median(calm), "p50_after_ms": statistics.median(after),
            "exit": ended}


def cold(given, folder):
    body, times, ready = bodies_of(given, 1)[0], [], []
    for _ in range(given.rounds or 20):
        began = time.perf_counter()
        service = Service(given.binary, given.index)
        ready.append(1e3 * (time.perf_counter() - began))
        Client(service).search(name_of(given.index), body)
        times.append(1e3 * (time.perf_counter() - began))
        service.end()
    return {"ready_p50_ms": statistics.median(ready), "answer_p50_ms": statistics.median(times),
            "answer_most_ms": max(times)}


def memory(given, folder):
    bodies = bodies_of(given)
    service = Service(given.binary, given.index)
    try:
        seen = [resident(service.process.pid)]
        for _ in range(given.rounds or 6):
            wrk(service.address, search_path(given.index), bodies, folder, given.seconds, 64)
            seen.append(resident(service.process.pid))
    finally:
        service.end()
    return {"resident_mb": seen}


def small(given, folder):
    """An index of two values a vector, and one of text."""
    vectors = folder / "vectors"
    vectors.mkdir()

    def save(name, letter, shape, values):
        head = f"{{'descr': '<{letter}4', 'fortran_order': False, 'shape': {shape}}}".ljust(117)
        start = b"\x93NUMPY\x01\x00" + struct.pack("<H", 118) + head.encode() + b"\n"
        (vectors / name).write_bytes(start + struct.pack(f"<{len(values)}{letter}", *values))

    save("doc_embeddings.npy", "f", (4, 2), [1, 0, 0, 1, 0.6, 0.8, -1, 0])
    save("doc_lens.npy", "i", (2,), [2, 2])
    index = folder / "points.colidx"
    subprocess.run([given.binary, "build", "--embeddings", vectors, "--index", index], check=True,
                   stderr=subprocess.DEVNULL)
    return str(index)


def kills(given, folder):
    """Four writers add documents one after the other; the process is killed at any moment."""
    index, dice = small(given, folder), random.Random(29)
    acknowledged, gone, unknown, number = set(), [], 0, 0
    for turn in range(given.rounds or 500):
        service = Service(given.binary, index)
        client = Client(service)
        # All of the last round, and some of all before.
        asked = list(acknowledged)
        for key in asked[-200:] + dice.sample(asked, min(50, len(asked))):
            status, _ = client.send("GET", f"/v1/indexes/points/documents/{key}", None)
            if status != 200:
                gone.append(key)
        lock, threads = threading.Lock(), []

        def write(first):
            client = Client(service)
            for n in range(1_000_000):
                key = f"{first}-{n}"
                body = json.dumps({"documents": [{"key": key, "vectors": [[0.6, 0.8]]}]})
                try:
                    status, _ = client.send("POST", "/v1/indexes/points/documents", body)
                except (OSError, http.client.HTTPException):
                    return
                if status == 200:
                    with lock:
                        acknowledged.add(key)

        for n in range(4):
            threads.append(threading.Thread(target=write, args=(f"r{turn}-{n}",)))
            threads[-1].start()
        time.sleep(dice.uniform(0.005, 0.4))
        service.process.send_signal(signal.SIGKILL)
        service.process.wait()
        service.process.stderr.close()
        for thread in threads:
            thread.join()
    service = Service(given.binary, index)
    client = Client(service)
    for key in acknowledged:
        status, _ = client.send("GET", f"/v1/indexes/points/documents/{key}", None)
        if status != 200:
            gone.append(key)
    service.end()
    verified = subprocess.run([given.binary, "verify", "--index", index], capture_output=True)
    return {"kills": given.rounds or 500, "acknowledged": len(acknowledged), "gone": len(gone),
            "verify": verified.returncode}


def mutated(given, folder):
    documents = [{"_id": "moon", "title": "The moon", "text": "The moon and the earth.", "year": 1}]
    build(given.binary, documents, folder / "docs.colidx")
    small(given, folder)
    service = Service(given.binary, str(folder / "docs.colidx"), str(folder / "points.colidx"))
    docs, points = "/v1/indexes/docs", "/v1/indexes/points"
    requests = [
        ("POST", f"{docs}/search", {"query": "moon", "k": 3, "by": "words",
                                    "with": ["highlights"]}),
        ("POST", f"{docs}/search", {"query": "+moon -\"the earth\"", "k": 3, "by": "hybrid",
                                    "weight": 0.5, "filter": "year >= 1 AND NOT year IN (3, 4)"}),
        ("POST", f"{points}/search", {"vectors": [[0.6, 0.8], [1, 0]], "k": 3, "explain": True,
                                      "effort": {"n_probe": 2, "candidates": 5, "rerank": 7}}),
        ("POST", f"{points}/search/many", {"searches": [{"vectors": [[0.6, 0.8]]},
                                                        {"vectors": [[1, 0]], "exact": True}]}),
        ("POST", f"{docs}/facets", {"fields": ["year"], "filter": "year = 1", "most": 3}),
        ("POST", f"{docs}/explain", {"query": "moon", "key": "moon"}),
        ("POST", "/rerank", {"query": "a", "documents": ["b", {"text": "c"}], "top_n": 1}),
        ("POST", "/v1/encode", {"texts": ["a", "b"], "input_type": "document"}),
        ("DELETE", f"{points}/documents", {"keys": ["9", "nobody"]}),
        ("POST", f"{points}/documents", {"documents": [{"key": "0", "vectors": [[1, 0]]}]}),
    ]
    # Those that encode or write take most of the time.
    weights = [20, 2, 30, 20, 20, 2, 1, 1, 1, 1]
    pieces = [b'"', b"[", b"]", b"{}", b"null", b"-1", b"1e39", b"\xff", b"\\ud800", b"0", b",",
              b"18446744073709551616", b"NaN", b"\x00", b"'", b"(", b" AND ", b"NOT "]
    total, workers = given.rounds or 1_000_000, 4
    until = time.monotonic() + 60 * given.minutes
    seeds = range(given.seed * workers, (given.seed + 1) * workers)
    codes, failed, lock = {}, [], threading.Lock()

    def run(seed):
        dice, client = random.Random(seed), Client(service)
        for _ in range(total // workers):
            if time.monotonic() > until:
                return
            method, path, body = dice.choices(requests, weights)[0]
            bytes_ = bytearray(json.dumps(body).encode())
            for _ in range(dice.randint(1, 3)):
                at, way = dice.randrange(len(bytes_)), dice.randrange(4)
                if way == 0:
                    bytes_[at] = dice.randrange(256)
                elif way == 1 and len(bytes_) > 1:
                    del bytes_[at]
                elif way == 2:
                    del bytes_[at + 1:]
                else:
                    bytes_[at:at + 1] = dice.choice(pieces)
            try:
                status, answer = client.send(method, path, bytes(bytes_))
            except (OSError, http.client.HTTPException):
                # A connection may end after an answer whose request was not read to its end.
                client = Client(service)
                status, answer = client.send(method, path, bytes(bytes_))
            with lock:
                codes[status] = codes.get(status, 0) + 1
                if status >= 500 and status != 503:
                    failed.append((method, path, bytes(bytes_), status, answer))

    threads = [threading.Thread(target=run, args=(seed,)) for seed in seeds]
    before = resident(service.process.pid)
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    after, ended = resident(service.process.pid), service.end()
    for one in failed[:5]:
        print(one, file=sys.stderr)
    return {"requests": sum(codes.values()), "codes": codes, "failed": len(failed), "exit": ended,
            "memory_before_mb": before, "memory_after_mb": after}


WHAT = {one.__name__: one for one in
        (latency, throughput, beside, writer, overload, cold, memory, kills, mutated)}


def main():
    arguments = argparse.ArgumentParser(description=__doc__,
                                        formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("what", choices=WHAT)
    arguments.add_argument("--binary", default=str(BINARY), type=os.path.abspath)
    arguments.add_argument("--index", type=os.path.abspath)
    arguments.add_argument("--queries")
    arguments.add_argument("--vectors", help=".npy, [queries, tokens, dim]")
    arguments.add_argument("--exact", help=".npy of the exact best documents, for `beside`")
    arguments.add_argument("--peer", help="binary of next-plaid-api, for `beside`")
    arguments.add_argument("--peer-index", help="index of next-plaid, for `beside`")
    arguments.add_argument("--rounds", type=int)
    arguments.add_argument("--seconds", type=int, default=10)
    arguments.add_argument("--seed", type=int, default=0, help="of the damage that `mutated` does")
    arguments.add_argument("--minutes", type=float, default=1e6, help="most, for `mutated`")
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        print(json.dumps({given.what: WHAT[given.what](given, pathlib.Path(folder))}))


if __name__ == "__main__":
    main()
