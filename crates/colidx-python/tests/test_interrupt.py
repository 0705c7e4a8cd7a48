"""Ctrl-C."""

import os
import signal
import socket
import subprocess
import sys
import time

import colidx
import pytest
from conftest import MODEL

BUILD = """
import signal, sys, time
# A shell that starts this in the background has it ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)
import colidx
words = "the moon and the earth go around the sun and light is most of the energy".split()
text = lambda n: " ".join(words[(n * i) % len(words)] for i in range(150))
corpus = [(str(n), text(n)) for n in range(10_000)]
def tell(phase, done, total):
    if phase == "encode" and done:
        print("encoding", flush=True)
try:
    colidx.build("docs.colidx", corpus, sys.argv[1], progress=tell, checkpoint=0.2, resume=True)
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""


@pytest.mark.skipif(os.name != "posix", reason="signals are sent")
def test_ctrl_c_stops_a_build_within_a_second_and_it_resumes(folder):
    build = [sys.executable, "-c", BUILD, str(MODEL)]
    with subprocess.Popen(build, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "encoding\n"
        began = time.monotonic()
        process.send_signal(signal.SIGINT)
        rest = process.stdout.read()
        took = time.monotonic() - began
        assert rest.endswith("interrupted\n") and process.wait(60) == 0
    # One second, and some for a machine that does other things too.
    assert took < 3
    assert not (folder / "docs.colidx" / "manifest").exists()
    with pytest.raises(colidx.NotFoundError, match="resume"):
        colidx.open("docs.colidx")
    with pytest.raises(colidx.UnfinishedError, match="documents encoded"):
        colidx.build("docs.colidx", [("a", "x")], MODEL)
    with pytest.raises(colidx.UnfinishedError, match="cannot resume"):
        colidx.build("docs.colidx", [("a", "x")], MODEL, resume=True)
    assert colidx.build("docs.colidx", [("a", "the moon")], MODEL, force=True).search("moon")


def test_a_build_that_a_callback_stopped_resumes(folder, encoder):
    corpus = [
        (str(n), "the moon and the earth go around the sun " * (n % 3 + 1)) for n in range(400)
    ]

    class Stop(Exception):
        pass

    def stop(phase, done, total):
        if phase == "postings":
            raise Stop

    with pytest.raises(Stop):
        colidx.build("docs.colidx", corpus, encoder, progress=stop)
    index = colidx.build("docs.colidx", corpus, encoder, resume=True)
    whole = colidx.build("whole.colidx", corpus, encoder)
    assert len(index) == 400
    hits = [[(h.key, h.score) for h in one.search("moon", k=50)] for one in (index, whole)]
    assert hits[0] == hits[1]


SILENT = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
import colidx
print("asking", flush=True)
try:
    if sys.argv[1] == "encoder":
        colidx.Encoder("owner/name")
    elif sys.argv[1] == "search":
        colidx.open("docs.colidx", model="owner/name").search("moon")
    else:
        with colidx.open("docs.colidx", model="owner/name").writer() as writer:
            if sys.argv[1] == "commit":
                writer.add("new", "the moon")
            else:
                writer.add_all("corpus.jsonl")
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""


@pytest.mark.skipif(os.name != "posix", reason="signals are sent")
@pytest.mark.parametrize("way", ["encoder", "search", "commit", "corpus"])
def test_ctrl_c_does_not_wait_for_a_silent_hub(folder, index, way):
    (folder / "corpus.jsonl").write_text('{"_id": "new", "text": "the moon"}\n')
    with socket.create_server(("127.0.0.1", 0)) as hub:
        address = f"http://127.0.0.1:{hub.getsockname()[1]}"
        asks = {"HF_ENDPOINT": address, "HF_HUB_OFFLINE": "0", "HF_HUB_DOWNLOAD_TIMEOUT": "60"}
        line = [sys.executable, "-c", SILENT, way]
        environment = {**os.environ, **asks}
        with subprocess.Popen(line, env=environment, stdout=-1, text=True) as process:
            assert process.stdout.readline() == "asking\n"
            hub.settimeout(60)
            connection, _ = hub.accept()
            assert connection.recv(4) == b"GET "
            began = time.monotonic()
            process.send_signal(signal.SIGINT)
            assert process.stdout.readline() == "interrupted\n"
            took = time.monotonic() - began
            assert process.wait(20) == 0
            connection.close()
    assert took < 3
