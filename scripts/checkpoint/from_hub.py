#!/usr/bin/env python3
"""Makes the checkpoint from the model hub: python3 from_hub.py FOLDER

Exit status 3, and a line that says why, where the hub cannot be reached or serves something else than the weights known
by hash. Obeys HF_ENDPOINT, HF_TOKEN and HF_HUB_OFFLINE.

The original lies in Stanford's layout: one model.safetensors with the backbone under `bert.` and the projection as
`linear.weight`. Written in the PyLate layout it gives the two hashes below, those of PyLate's own conversion.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import sys
import urllib.error
import urllib.request
from pathlib import Path

from layout import write_checkpoint
from safetensors_file import parse_tensors

REPOSITORY = "answerdotai/answerai-colbert-small-v1"
REVISION = "be1703c55532145a844da800eea4c9a692d7e267"
EXPECTED = {
    "model.safetensors": "a995fb9115761c01540f2987629d393d5e058146ad847426f81dab50f7815330",
    "1_Dense/model.safetensors": "47d2690e7c1612c84b7b941e69a883e99190b9b44ebb0be00152f68966c6eb11",
}
PROBE_SECONDS = 6
STALL_SECONDS = 30

PROVENANCE = f"""answerai-colbert-small-v1 by Answer.AI (Apache-2.0): {REPOSITORY} at revision
{REVISION} of the model hub, its weights unchanged, laid out for PyLate by colidx's scripts/fetch-model.
"""


class Unavailable(Exception):
    """The hub does not give what this script knows; another source may."""


def get(name: str, seconds: float) -> bytes:
    """One file of the repository. `seconds` bounds each wait for the network, not the whole transfer."""
    endpoint = os.environ.get("HF_ENDPOINT") or "https://huggingface.co"
    request = urllib.request.Request(f"{endpoint.rstrip('/')}/{REPOSITORY}/resolve/{REVISION}/{name}")
    if token := os.environ.get("HF_TOKEN"):
        # Not to be sent on to the storage host that the hub redirects to.
        request.add_unredirected_header("Authorization", f"Bearer {token}")
    try:
        with urllib.request.urlopen(request, timeout=seconds) as response:
            return response.read()
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise Unavailable(f"{name}: {error}") from error


def main(folder: Path) -> None:
    if os.environ.get("HF_HUB_OFFLINE", "").lower() in ("1", "true", "yes", "on"):
        raise Unavailable("HF_HUB_OFFLINE is set")
    try:
        tokenizer = json.loads(get("tokenizer.json", PROBE_SECONDS))
        tensors = parse_tensors(get("model.safetensors", STALL_SECONDS))
        projection = tensors.pop("linear.weight")
        backbone = {name.removeprefix("bert."): tensor for name, tensor in tensors.items()}
        write_checkpoint(folder, backbone, projection, tokenizer)
    except (KeyError, ValueError) as error:
        raise Unavailable(f"{REPOSITORY} is not laid out as expected: {error}") from error
    for name, expected in EXPECTED.items():
        digest = hashlib.sha256((folder / name).read_bytes()).hexdigest()
        if digest != expected:
            raise Unavailable(f"{name}: expected sha256 {expected}, got {digest}")
    (folder / "PROVENANCE.txt").write_text(PROVENANCE, encoding="utf-8")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    try:
        main(Path(sys.argv[1]))
    except Unavailable as reason:
        print(reason, file=sys.stderr)
        sys.exit(3)
