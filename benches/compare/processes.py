"""Child processes, each with its own thread count, peak memory and time limit.

Neither this module nor compare.py imports numpy: the kernel never counts a child's peak memory below
what its parent held when it forked.
"""
import json
import os
import signal
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path

THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS",
                    "RAYON_NUM_THREADS", "TOKIO_WORKER_THREADS")


def environment(threads, python=None):
    """The environment of a child. Libraries read thread counts when they are loaded, so set them here."""
    env = {name: value for name, value in os.environ.items()
           # An override of OpenBLAS's choice of kernels would slow the peers that use it.
           if name not in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")}
    env |= {name: str(threads) for name in THREAD_VARIABLES}
    env |= {"HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false", "CUDA_VISIBLE_DEVICES": ""}
    if python:  # tools of the virtual environment, such as ninja
        env["PATH"] = f"{Path(python).parent}:{env['PATH']}"
    return env


def last_json(text):
    """The last line that is a JSON object, or {}."""
    for line in reversed(text.splitlines()):
        if line.startswith("{"):
            try:
                return json.loads(line)
            except ValueError:
                pass
    return {}


def tail(path, size=400):
    """The end of a log, on one line."""
    text = Path(path).read_bytes()[-size:].decode("utf-8", "replace")
    return " ".join(text.split())


@dataclass
class Outcome:
    printed: dict  # the last JSON object on stdout
    seconds: float
    peak_rss: int  # bytes, mapped pages included
    error: str | None = None


def run(command, threads, log, limit=None, python=None):
    """Runs a command to its end or for `limit` seconds. Its stderr goes to the file `log`."""
    command = [str(part) for part in command]
    late = threading.Event()
    start = time.monotonic()
    with open(log, "a", encoding="utf-8") as errors:
        print("$", *command, file=errors, flush=True)
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors, text=True,
                                 env=environment(threads, python), start_new_session=True)

        def stop():
            late.set()
            os.killpg(child.pid, signal.SIGKILL)

        timer = threading.Timer(limit, stop) if limit else None
        if timer:
            timer.start()
        text = child.stdout.read()
        _, status, usage = os.wait4(child.pid, 0)
        if timer:
            timer.cancel()
    child.returncode = os.waitstatus_to_exitcode(status)
    error = None
    if late.is_set():
        error = f"not finished in {limit / 60:.0f} min"
    elif child.returncode:
        error = f"exit status {child.returncode}: {tail(log)}"
    return Outcome(last_json(text), time.monotonic() - start, usage.ru_maxrss * 1024, error)


class WorkerGone(Exception):
    """A worker exited, or reported an error."""


class Worker:
    """An engine that stays open in a process of its own (worker.py): a JSON line in, a JSON line out."""

    def __init__(self, command, threads, log, python):
        self.log = log
        self.errors = open(log, "a", encoding="utf-8")
        print("$", *command, file=self.errors, flush=True)
        self.child = subprocess.Popen([str(part) for part in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                      stderr=self.errors, text=True, env=environment(threads, python))
        self.opened = self.read()

    def read(self):
        line = self.child.stdout.readline()
        if not line:
            self.child.wait()
            raise WorkerGone(f"exit status {self.child.returncode}: {tail(self.log)}")
        answer = json.loads(line)
        if error := answer.get("error"):
            raise WorkerGone(error)
        return answer

    def ask(self, **request):
        try:
            print(json.dumps(request), file=self.child.stdin, flush=True)
        except BrokenPipeError:
            pass  # read() reports how it ended
        return self.read()

    def stop(self):
        try:
            self.child.stdin.close()
        except BrokenPipeError:
            pass
        self.child.wait()
        self.errors.close()
