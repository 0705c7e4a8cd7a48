// Hits as files.

const COLUMNS = ["rank", "score", "key", "title"];

function save(name, type, text) {
  const address = URL.createObjectURL(new Blob([text], { type }));
  const link = document.createElement("a");
  Object.assign(link, { href: address, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 1000);
}

const plain = (value) => String(value ?? "").replace(/[\t\r\n]+/g, " ");

export function exportJsonl(query, hits) {
  const line = ({ highlights, explain, ...hit }, n) => JSON.stringify({ query, rank: n + 1, ...hit });
  save("hits.jsonl", "application/jsonl", hits.map((hit, n) => `${line(hit, n)}\n`).join(""));
}

export function exportTsv(hits) {
  const row = (hit, n) => COLUMNS.map((name) => plain(name === "rank" ? n + 1 : hit[name])).join("\t");
  const rows = [COLUMNS.join("\t"), ...hits.map(row)];
  save("hits.tsv", "text/tab-separated-values", `${rows.join("\n")}\n`);
}
