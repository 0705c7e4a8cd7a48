"""Reading and writing .safetensors content of float32 tensors with the standard library alone.

The format: u64 little-endian header length, a JSON header {name: {dtype, shape, data_offsets}}, then the bytes. It is
written as the reference implementation writes it (tensors by name, header padded with spaces to 8 bytes), so that equal
tensors give equal files and a file can be known by its hash.
"""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import NamedTuple


class Tensor(NamedTuple):
    """A float32 tensor: its shape and its row-major little-endian bytes."""

    shape: list[int]
    data: bytes


def parse_tensors(content: bytes) -> dict[str, Tensor]:
    """The tensors of a file's content by name. Raises ValueError for anything but whole float32 tensors."""
    if len(content) < 8 or len(content) < 8 + (length := struct.unpack_from("<Q", content)[0]):
        raise ValueError(f"a safetensors file of {len(content)} bytes ends within its header")
    view = memoryview(content)
    tensors = {}
    for name, entry in json.loads(content[8 : 8 + length]).items():
        if name == "__metadata__":
            continue
        start, end = (8 + length + offset for offset in entry["data_offsets"])
        if entry["dtype"] != "F32" or end > len(content):
            raise ValueError(f"tensor {name}: expected F32 within {len(content)} bytes, got {entry}")
        tensors[name] = Tensor(entry["shape"], bytes(view[start:end]))
    return tensors


def write_tensors(path: Path, tensors: dict[str, Tensor], metadata: dict[str, str] | None = None) -> None:
    """Writes float32 tensors, and free-form metadata where there is any."""
    header = {"__metadata__": metadata} if metadata else {}
    offset = 0
    for name, tensor in sorted(tensors.items()):
        end = offset + len(tensor.data)
        header[name] = {"dtype": "F32", "shape": tensor.shape, "data_offsets": [offset, end]}
        offset = end
    encoded = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    encoded += b" " * (-len(encoded) % 8)
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(encoded)) + encoded)
        for _, tensor in sorted(tensors.items()):
            file.write(tensor.data)
