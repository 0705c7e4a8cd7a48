// Text whose words are lit. The service counts in bytes of UTF-8, strings here in UTF-16. Nothing
// of a document ever becomes markup: all of it is put in as text.

const encoder = new TextEncoder();
const decoder = new TextDecoder();

// The largest weight of a hit's words.
export function strongest(highlights) {
  const weights = [...highlights.title, ...highlights.text].map((word) => word.weight);
  return Math.max(0, ...weights);
}

// Puts `text` into `element`, its words lit by their weight in parts of `most`. With a `window`
// only those bytes.
export function light(element, text, words, most, window) {
  const bytes = encoder.encode(text);
  const [first, last] = window ?? [0, bytes.length];
  const cut = (from, to) => decoder.decode(bytes.subarray(from, to));
  const parts = [];
  let at = first;
  if (first > 0) parts.push("… ");
  for (const { start, end, weight } of words) {
    const strength = weight / most;
    if (start < at || end > last || !(strength > 0.04)) continue;
    parts.push(cut(at, start));
    const mark = document.createElement("mark");
    mark.textContent = cut(start, end);
    mark.style.setProperty("--strength", (0.75 * strength).toFixed(3));
    parts.push(mark);
    at = end;
  }
  parts.push(cut(at, last));
  if (last < bytes.length) parts.push(" …");
  element.replaceChildren(...parts);
}

// The part of a text of about `size` bytes whose words weigh most, from white space to white space.
export function bestWindow(text, words, size) {
  const bytes = encoder.encode(text);
  if (bytes.length <= size) return undefined;
  let best = { weight: -1, from: 0 };
  for (let first = 0, last = 0, weight = 0; last < words.length; last++) {
    weight += words[last].weight;
    while (words[last].end - words[first].start > size) weight -= words[first++].weight;
    if (weight > best.weight) best = { weight, from: words[first].start };
  }
  // Some words before the first that is lit.
  let from = Math.max(0, best.from - size / 6) | 0;
  let to = Math.min(bytes.length, from + size);
  const isSpace = (at) => bytes[at] <= 0x20;
  const limit = 40;
  for (let n = 0; n < limit && from > 0 && !isSpace(from - 1); n++) from--;
  for (let n = 0; n < limit && to < bytes.length && !isSpace(to); n++) to++;
  // Never inside of a character.
  while (from > 0 && (bytes[from] & 0xc0) === 0x80) from--;
  while (to < bytes.length && (bytes[to] & 0xc0) === 0x80) to++;
  return [from, to];
}
