// Query vectors from a file, for an index whose checkpoint is not here: a NumPy array or JSON.

const decoder = new TextDecoder();

function half(bits) {
  const [exponent, rest] = [bits >> 10 & 31, bits & 1023];
  const size = exponent === 0 ? rest * 2 ** -24
    : exponent === 31 ? (rest ? NaN : Infinity) : (1 + rest / 1024) * 2 ** (exponent - 15);
  return bits >> 15 ? -size : size;
}

const TYPES = {
  "<f2": [2, (view, at) => half(view.getUint16(at, true))],
  "<f4": [4, (view, at) => view.getFloat32(at, true)],
  "<f8": [8, (view, at) => view.getFloat64(at, true)],
};

function fromNpy(buffer) {
  const view = new DataView(buffer);
  const long = view.getUint8(6) > 1;
  const start = long ? 12 : 10;
  const end = start + (long ? view.getUint32(8, true) : view.getUint16(8, true));
  const head = decoder.decode(new Uint8Array(buffer, start, end - start));
  const kind = /'descr':\s*'([^']*)'/.exec(head)?.[1];
  const shape = (/'shape':\s*\(([^)]*)\)/.exec(head)?.[1] ?? "").split(",").filter((part) => part.trim()).map(Number);
  if (!TYPES[kind]) throw new Error(`it has values of type ${kind}, expected f2, f4 or f8, little-endian`);
  if (/'fortran_order':\s*True/.test(head)) throw new Error("it is in Fortran order, expected C order");
  const [rows, dim] = shape.length === 3 && shape[0] === 1 ? shape.slice(1) : shape;
  if (shape.length < 2 || rows * dim !== shape.reduce((a, b) => a * b, 1)) {
    throw new Error(`its shape is [${shape.join(", ")}], expected [tokens, dim]`);
  }
  const [size, read] = TYPES[kind];
  const row = (n) => Array.from({ length: dim }, (_, i) => read(view, end + (n * dim + i) * size));
  return { vectors: Array.from({ length: rows }, (_, n) => row(n)), tokens: [] };
}

function fromJson(text) {
  const given = JSON.parse(text);
  const vectors = Array.isArray(given) ? given : given?.vectors;
  if (!Array.isArray(vectors) || !vectors.every(Array.isArray)) {
    throw new Error('expected a list of lists of numbers, or {"vectors": ..., "tokens": [...]}');
  }
  const tokens = given.tokens;
  return { vectors, tokens: Array.isArray(tokens) && tokens.length === vectors.length ? tokens.map(String) : [] };
}

// `{name, vectors, tokens}` of a file. JSON may name the tokens.
export async function readVectors(file) {
  const buffer = await file.arrayBuffer();
  const isNpy = decoder.decode(new Uint8Array(buffer, 0, Math.min(6, buffer.byteLength))).endsWith("NUMPY");
  try {
    return { name: file.name, ...(isNpy ? fromNpy(buffer) : fromJson(decoder.decode(buffer))) };
  } catch (error) {
    const reason = error instanceof SyntaxError || error instanceof RangeError
      ? "it is neither a whole .npy file nor JSON" : error.message;
    throw new Error(`${file.name} has no query vectors: ${reason}`);
  }
}
