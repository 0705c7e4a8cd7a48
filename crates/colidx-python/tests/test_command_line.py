"""`python -m colidx`."""

import json
import os
import signal
import subprocess
import sys
import time

import colidx
import pytest
from conftest import CORPUS, MODEL

posix = pytest.mark.skipif(os.name != "posix", reason="signals are sent")


def command(*arguments, **options):
    line = [sys.executable, "-m", "colidx", *map(str, arguments)]
    options = {"capture_output": True, "text": True, "timeout": 120, **options}
    return subprocess.run(line, **options)


def started(*arguments, ignored=(), **options):
    """The command, with signals as a terminal gives them or ignored."""

    def prepare():
        for number in (signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN if number in ignored else signal.SIG_DFL)

    line = [sys.executable, "-m", "colidx", *map(str, arguments)]
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    return subprocess.Popen(line, preexec_fn=prepare, text=True, **pipes, **options)


def stopped(process, number, within=10):
    """The exit status after a signal."""
    process.send_signal(number)
    process.stdin.close()
    return process.wait(within)


def test_the_whole_command_line_is_there(folder):
    (folder / "corpus.jsonl").write_text("\n".join(map(json.dumps, CORPUS)))
    built = command("build", "corpus.jsonl", "--index", "c.colidx", "--model", MODEL)
    assert built.returncode == 0, built.stderr
    found = command("search", "--index", "c.colidx", "--json", "-k", 2, "the moon")
    assert found.returncode == 0, found.stderr
    lines = [json.loads(line) for line in found.stdout.splitlines()]
    assert [line["key"] for line in lines] == [
        hit.key for hit in colidx.open("c.colidx").search("the moon", k=2)
    ]
    for name in ("serve", "mcp", "import", "rerank", "eval", "explain"):
        assert command(name, "--help").returncode == 0


def test_exit_statuses_and_streams(folder):
    version = command("--version")
    assert version.returncode == 0 and colidx.__version__ in version.stdout
    assert version.stderr == ""
    usage = command("search", "--nonsense")
    assert usage.returncode == 2 and usage.stdout == "" and "--nonsense" in usage.stderr
    assert "Usage: colidx search" in usage.stderr
    missing = command("info", "--index", "nowhere.colidx")
    assert missing.returncode == 1 and missing.stdout == ""
    assert missing.stderr.startswith("colidx: ") and "nowhere.colidx" in missing.stderr
    none = command()
    assert none.returncode == 2 and "Traceback" not in none.stderr


@posix
def test_a_closed_pipe_is_no_failure(vectors):
    with started("man", "--help") as process:
        process.stdout.close()
        assert process.wait(60) in (0, 1)
        assert "Traceback" not in process.stderr.read()
    read, write = os.pipe()
    os.close(read)
    line = [sys.executable, "-m", "colidx", "completions", "bash"]
    run = subprocess.run(line, stdout=write, stderr=subprocess.PIPE, text=True, timeout=60)
    os.close(write)
    assert (run.returncode, run.stderr) == (0, "")


@posix
def test_ctrl_c_ends_a_wait(vectors, folder):
    with started("search", "--index", "v.colidx", "--query-embeddings", "x.npy") as process:
        assert process.wait(60) == 1
    with started("delete", "--index", "v.colidx", "--keys", "-") as process:
        time.sleep(1.5)
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 130
        told = process.stderr.read()
        assert "interrupted" in told and "Traceback" not in told
    assert len(colidx.open("v.colidx")) == 50


@posix
def test_ctrl_c_ends_a_build_that_can_be_resumed(folder):
    words = "the moon and the earth go around the sun and light is most of the energy".split()
    with (folder / "corpus.jsonl").open("w") as corpus:
        for n in range(10_000):
            text = " ".join(words[(n * i) % len(words)] for i in range(150))
            corpus.write(json.dumps({"_id": str(n), "text": text}) + "\n")
    build = ["build", "corpus.jsonl", "--index", "c.colidx", "--model", MODEL]
    with started(*build, "--checkpoint", "0") as process:
        journal = folder / "c.colidx"
        began = time.monotonic()
        while not journal.exists() and time.monotonic() - began < 60:
            time.sleep(0.05)
        time.sleep(1)
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130
        told = process.stderr.read()
    assert "--resume" in told and "colidx build corpus.jsonl" in told and "Traceback" not in told
    with pytest.raises(colidx.NotFoundError):
        colidx.open("c.colidx")


@posix
def test_what_is_ignored_stays_so(vectors):
    ignored = (signal.SIGINT, signal.SIGHUP)
    with started("delete", "--index", "v.colidx", "--keys", "-", ignored=ignored) as process:
        time.sleep(1.5)
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGHUP)
        time.sleep(0.3)
        assert process.poll() is None
        process.communicate("d1\n", timeout=60)
        assert process.returncode == 0
    assert "d1" not in colidx.open("v.colidx")


def test_the_script_is_installed():
    from importlib.metadata import entry_points

    try:
        [script] = entry_points(group="console_scripts", name="colidx")
    except ValueError:
        pytest.skip("colidx is not installed as a package")
    assert script.value == "colidx.__main__:main"
