"""Dequantises the weights of a dynamically quantised ONNX transformer to float32.

Reads the few protobuf fields of an ONNX model that say where its weights are (onnx.proto: ModelProto, GraphProto,
NodeProto, TensorProto), so that no package is needed. onnxruntime's dynamic quantisation leaves a weight W as
`W_quantized` (8 bits, signed or not), `W_scale` and `W_zero_point`: it stands for (q - zero_point) * scale.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

from safetensors_file import Tensor

FLOAT, UINT8, INT8 = 1, 2, 3  # TensorProto.DataType
SUFFIX = "_quantized"


class Initializer(NamedTuple):
    """A constant of the graph: TensorProto data type, shape, and its bytes (little-endian)."""

    dtype: int
    shape: list[int]
    data: bytes


def read_weights(model: bytes) -> dict[str, Tensor]:
    """The float32 weights of an ONNX model by their PyTorch names, linear weights as [out, in].

    Raises ValueError where the file is not a model quantised in this way.
    """
    graph = next((value for field, value in fields(memoryview(model)) if field == 7), None)
    if graph is None:
        raise ValueError("the ONNX model has no graph")
    initializers = dict(read_initializer(value) for field, value in fields(graph) if field == 5)
    products = dict(products_of(graph))

    weights = {}
    for name, initializer in initializers.items():
        if name.endswith(SUFFIX):
            base = name.removesuffix(SUFFIX)
            values = dequantize(initializer, initializers[f"{base}_scale"], initializers[f"{base}_zero_point"])
            if name in products:  # stored as [in, out] for x @ W
                weights[products[name]] = Tensor(initializer.shape[::-1], transpose(values, initializer.shape))
            else:
                weights[base] = Tensor(initializer.shape, values)
        elif not name.endswith(("_scale", "_zero_point")) and initializer.dtype == FLOAT:
            weights[name] = Tensor(initializer.shape, initializer.data)
    return weights


def dequantize(quantized: Initializer, scale: Initializer, zero_point: Initializer) -> bytes:
    """(q - zero_point) * scale in float32, through a table of 256 values."""
    if quantized.dtype not in (UINT8, INT8):
        raise ValueError(f"expected 8-bit weights, got ONNX data type {quantized.dtype}")
    (factor,) = struct.unpack("<f", scale.data)
    signed = quantized.dtype == INT8
    zero = int.from_bytes(zero_point.data[:1], "little", signed=signed)
    integers = (byte - 256 if signed and byte > 127 else byte for byte in range(256))
    table = struct.pack("<256f", *((integer - zero) * factor for integer in integers))
    out = bytearray(4 * len(quantized.data))
    for position in range(4):  # one byte of every float at a time: translate() runs in C
        out[position::4] = quantized.data.translate(table[position::4])
    return bytes(out)


def transpose(values: bytes, shape: list[int]) -> bytes:
    """A row-major float32 matrix [rows, columns] as [columns, rows]."""
    rows, columns = shape
    floats = memoryview(values).cast("f")
    return b"".join(floats[column::columns].tobytes() for column in range(columns))


def products_of(graph: memoryview) -> Iterator[tuple[str, str]]:
    """(initializer, PyTorch name) of every weight that a quantised matrix product reads.

    The exporter drops a linear layer's weight name but calls the product by the layer's path:
    `/encoder/layer.0/output/dense/MatMul_output_0_…` reads what PyTorch calls `encoder.layer.0.output.dense.weight`.
    """
    for field, node in fields(graph):
        if field == 1 and strings(node, 4) == ["MatMulInteger"]:
            path = strings(node, 2)[0].strip("/").split("/")[:-1]
            yield strings(node, 1)[1], ".".join([*path, "weight"])


def read_initializer(message: memoryview) -> tuple[str, Initializer]:
    """A TensorProto: its name and content. Only the encodings that small ONNX weights use."""
    name, dtype, shape, data = "", 0, [], b""
    for field, value in fields(message):
        if field == 1:  # dims
            shape.append(value)
        elif field == 2:  # data_type
            dtype = value
        elif field in (4, 5, 9):  # float_data, int32_data (one varint: a zero point), raw_data
            data = bytes(value)
        elif field == 8:  # name
            name = str(value, "utf-8")
    if field_size := {FLOAT: 4, UINT8: 1, INT8: 1}.get(dtype):
        count = 1
        for dim in shape:
            count *= dim
        if shape and len(data) != count * field_size:
            raise ValueError(f"tensor {name}: expected {count * field_size} bytes for shape {shape}, got {len(data)}")
    return name, Initializer(dtype, shape, data)


def strings(message: memoryview, number: int) -> list[str]:
    """All values of one string field."""
    return [str(value, "utf-8") for field, value in fields(message) if field == number]


def fields(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """(field number, value) of a protobuf message: an integer, or the bytes of a string, float or sub-message."""
    at = 0

    def varint() -> int:
        nonlocal at
        value = shift = 0
        while True:
            byte = message[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while at < len(message):
        key = varint()
        number, wire = key >> 3, key & 7
        if wire == 0:
            yield number, varint()
            continue
        if wire not in (1, 2, 5):
            raise ValueError(f"not an ONNX file: protobuf wire type {wire} at byte {at}")
        size = varint() if wire == 2 else 8 if wire == 1 else 4
        yield number, message[at : at + size]
        at += size
