"""Pages as images, with vectors of their patches as a visual model makes them, for scripts/test-page."""

import json
import random
import struct
import subprocess
import zlib

ROWS, COLUMNS, DIM = 8, 6, 8
WIDTH, HEIGHT = 300, 400
# What a patch can show, its color and the axis of its vectors.
WHITE, RED, BLUE, TEXT = (255, 255, 255), (200, 40, 40), (40, 60, 200), (90, 90, 90)
AXES = {RED: 0, BLUE: 1, TEXT: 2, WHITE: 3}
QUERY = {"tokens": ["crimson", "navy"], "vectors": [[float(axis == at) for at in range(DIM)] for axis in (0, 1)]}
# Vectors of markers before the first patch, and of the prompt after the last.
BEFORE, AFTER = 2, 3


def content(row, column, blocks):
    if row == 0 or column in (0, COLUMNS - 1):
        return WHITE
    found = [color for color, rows, columns in blocks if row in rows and column in columns]
    return found[0] if found else TEXT if row % 2 == 0 else WHITE


def png(path, blocks):
    """Writes an image of a page: blocks in color, and lines of text."""
    def color(x, y):
        what = content(y * ROWS // HEIGHT, x * COLUMNS // WIDTH, blocks)
        is_gap = what == TEXT and (y % 12 > 5 or (x // 9 * 7919 + y // 12) % 5 == 0)
        return WHITE if is_gap else what

    rows = (b"\0" + bytes(part for x in range(WIDTH) for part in color(x, y)) for y in range(HEIGHT))
    parts = [(b"IHDR", struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 2, 0, 0, 0)),
             (b"IDAT", zlib.compress(b"".join(rows), 9)), (b"IEND", b"")]
    chunk = lambda kind, data: struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts))


def unit(vector):
    length = sum(x * x for x in vector) ** 0.5
    return [x / length for x in vector]


def vectors(blocks, dice):
    """The vectors of a page: markers, patches, prompt."""
    around = lambda axis: unit([float(axis == at) + dice.gauss(0, 0.08) for at in range(DIM)])
    patches = [around(AXES[content(row, column, blocks)]) for row in range(ROWS) for column in range(COLUMNS)]
    other = [around(4 + n % 4) for n in range(BEFORE + AFTER)]
    return other[:BEFORE] + patches + other[BEFORE:]


def npy(path, kind, shape, values):
    """Writes an array of 4-byte values, `f` or `i`."""
    head = f"{{'descr': '<{kind}4', 'fortran_order': False, 'shape': {shape}}}".ljust(117) + "\n"
    start = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head))
    path.write_bytes(start + head.encode() + struct.pack(f"<{len(values)}{kind}", *values))


def build_pages(binary, folder):
    """Builds `pages.colidx`, writes query vectors, and returns the folder of the images."""
    images, dice = folder / "images", random.Random(1)
    images.mkdir()
    pages = {"report.pdf#1": [(RED, (1, 2), (1, 2)), (BLUE, (5,), (2, 3, 4))], "report.pdf#2": [(BLUE, (3, 4), (1, 2, 3))]}
    records, patches = [], {"rows": ROWS, "columns": COLUMNS, "first": BEFORE}
    for number, (key, blocks) in enumerate(pages.items(), 1):
        name = f"report-{number}.png"
        png(images / name, blocks)
        text = "What a reader of the scan made of it: the harbour at noon." if number == 1 else ""
        records.append({"_id": key, "text": text, "page": number, "image": name, "patches": patches,
                        "vectors": vectors(blocks, dice)})
    # Fewer vectors than patches, and an image that is not here.
    pooled = {"_id": "pooled", "page": 3, "image": "report-2.png", "patches": patches, "vectors": records[1]["vectors"][:9]}
    elsewhere = {"_id": "elsewhere", "page": 4, "image": "https://example.org/page.png", "vectors": records[1]["vectors"]}
    file = folder / "pages.jsonl"
    file.write_text("".join(json.dumps(record) + "\n" for record in [*records, pooled, elsewhere]))
    subprocess.run([binary, "build", "--embeddings", file, "--index", folder / "pages.colidx"], check=True,
                   stderr=subprocess.DEVNULL)
    (folder / "query.json").write_text(json.dumps(QUERY))
    npy(folder / "query.npy", "f", (2, DIM), [x for row in QUERY["vectors"] for x in row])
    return images
