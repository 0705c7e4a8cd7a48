"""`colidx serve` for scripts that test it: an index of a few documents, and a service over it."""

import json
import pathlib
import re
import subprocess
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
MODEL = ROOT / "crates/colidx-encoder/tests/fixtures/tiny-modernbert"
BINARY = ROOT / "target/debug/colidx"


def build(binary, documents, index, *more):
    """Builds an index of documents with a tiny checkpoint."""
    corpus = index.with_suffix(".jsonl")
    corpus.write_text("".join(json.dumps(document) + "\n" for document in documents))
    subprocess.run([binary, "build", corpus, "--index", index, "--model", MODEL, *more],
                   check=True, stderr=subprocess.DEVNULL)


class Service:
    """`colidx serve` on a free port."""

    def __init__(self, binary, *arguments, folder=None):
        self.process = subprocess.Popen(
            [binary, "serve", "--address", "127.0.0.1:0", "--access-log", "off", *arguments],
            stderr=subprocess.PIPE, text=True, cwd=folder)
        line = self.process.stderr.readline()
        found = re.search(r"http://\S+", line)
        assert found, line + self.process.stderr.read()
        self.address = found.group()
        began = time.monotonic()
        while not self.ready():
            assert time.monotonic() - began < 60, "the service is never ready"
            time.sleep(0.02)

    def ready(self):
        try:
            return urllib.request.urlopen(f"{self.address}/readyz").status == 200
        except urllib.error.HTTPError:
            return False

    def end(self):
        self.process.terminate()
        return self.process.wait(30)
