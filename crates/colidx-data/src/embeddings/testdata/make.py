"""Writes the Parquet files of the tests: pip install pyarrow==26.0.1, then python make.py."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

DOCUMENTS = [[[1, 2], [3, 4], [0, 0]], [], None, [[5, 6]], [[7, 8], [9, 10]]]
KEYS = ["one", "two", "three", "four", "five"]

lists = pa.array(DOCUMENTS, pa.list_(pa.list_(pa.float32())))
table = pa.table({"id": KEYS, "text": KEYS, "vectors": lists})
pq.write_table(table, "lists.parquet", row_group_size=2)

halves = [d and [[np.float16(x) for x in row] for row in d] for d in DOCUMENTS]
halves = pa.array(halves, pa.list_(pa.list_(pa.float16(), 2)))
table = pa.table({"key": pa.array(range(10, 15)), "other": halves})
pq.write_table(table, "halves.parquet", compression="zstd", data_page_version="2.0")

doubles = pa.array(DOCUMENTS, pa.list_(pa.list_(pa.float64())))
pq.write_table(pa.table({"vectors": doubles}), "doubles.parquet", compression="none")

ragged = pa.array([[[1, 2]], [[3, 4, 5]]], pa.list_(pa.list_(pa.float32())))
pq.write_table(pa.table({"vectors": ragged}), "ragged.parquet")

nulls = pa.array([[[1, 2]], [[3, None]], [[]]], pa.list_(pa.list_(pa.float32())))
pq.write_table(pa.table({"vectors": nulls}), "nulls.parquet")

flat = pa.array([[1, 2], [3, 4]], pa.list_(pa.float32()))
pq.write_table(pa.table({"vectors": flat, "n": [1, 2]}), "flat.parquet")
