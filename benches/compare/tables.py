"""Markdown tables of result lines."""
from results import EXACT_SEARCH, fastest_as_good, groups, indexes, measured, recalls, smallest_as_good


def markdown(heads, rows):
    """A table whose columns hold text where the head starts with `<`, and numbers otherwise."""
    left = [head.startswith("<") for head in heads]
    cells = [[head.lstrip("<") for head in heads], *[[str(cell) for cell in row] for row in rows]]
    widths = [max(len(row[at]) for row in cells) for at in range(len(heads))]

    def line(row):
        return "| " + " | ".join(cell.ljust(w) if l else cell.rjust(w) for cell, w, l in zip(row, widths, left)) + " |"

    rule = "|" + "|".join("-" * (w + 1) + ("-" if l else ":") for w, l in zip(widths, left)) + "|"
    return "\n".join([line(cells[0]), rule, *map(line, cells[1:])]) + "\n"


def show(value, digits=2):
    return "" if value is None else f"{value:,.{digits}f}"


def mb(value):
    return "" if value is None else f"{value / 1e6:,.0f}"


def settings(lines):
    """All settings, failed ones included."""
    rows = []
    for line in lines:
        row = [line["engine"], line.get("nbits"), line.get("setting") or line["variant"], line.get("k") or "", line.get("threads") or ""]
        if "error" in line:
            rows.append([*row, line["error"].split(":")[0], *[""] * 11])
            continue
        rows.append([*row, show(line["p50_ms"]), show(line["p95_ms"]), show(line["qps"], 0), show(line["recall"], 4),
                     show(line["ndcg10"], 4), line["short"], f"{line['timed_queries']}/{line['judged_queries']}", show(line.get("build_s"), 0), mb(line.get("peak_rss_build")),
                     show(line["bytes_per_vector"], 1), mb(line["peak_rss_search"]), show(line["load"], 1)])
    return markdown(["<engine", "bits", "<setting", "k", "threads", "p50 ms", "p95 ms", "qps", "recall", "nDCG@10", "short", "timed/judged",
                     "build s", "build MB", "bytes/vector", "search MB", "load"], rows)


def builds(lines):
    """One row an index: its build, or why there is none."""
    rows = {}
    for line in lines:
        if line["engine"] not in EXACT_SEARCH and (line.get("setting") is None or "error" not in line):
            before, after = line.get("build_load") or (None, None)
            rows.setdefault((line["engine"], line["variant"]), [
                line["engine"], line.get("nbits"),
                line["error"].split(":")[0] if "error" in line else show(line.get("build_s"), 1), line.get("build_threads", ""),
                mb(line.get("peak_rss_build")), show(line.get("bytes_per_vector"), 1), f"{before} to {after}" if before is not None else ""])
    return markdown(["<engine", "bits", "build s", "threads", "peak MB", "bytes/vector", "load"], rows.values())


def latency_ratios(lines):
    """For each setting of a peer, the fastest setting of colidx with at least its recall, same run."""
    rows = []
    for (_, k, threads), group in groups(measured(lines), "run", "k", "threads").items():
        ours = [line for line in group if line["engine"] == "colidx"]
        if not ours:
            continue
        for by, name in recalls(group).items():
            for theirs in group:
                if theirs["engine"] == "colidx":
                    continue
                match = fastest_as_good(ours, theirs, by)
                rows.append([theirs["engine"], theirs["nbits"], theirs["setting"], k, threads, name, show(theirs[by], 4), show(theirs["p50_ms"]),
                             f"{match['nbits']} bits, {match['setting']}" if match else "no setting has that recall",
                             show(match[by], 4) if match else "", show(match["p50_ms"]) if match else "",
                             show(match["p50_ms"] / theirs["p50_ms"], 3) if match else ""])
    return markdown(["<peer", "bits", "<setting", "k", "threads", "<by", "recall", "p50 ms", "<colidx", "its recall", "its p50 ms", "ratio"], rows)


def index_ratios(lines):
    """Build time and memory of colidx's default by each peer's, and index sizes at equal recall."""
    rows = []
    for (k,), group in groups(measured(lines), "k").items():
        every = indexes(group)
        ours = [line for line in every if line["engine"] == "colidx"]
        default = next((line for line in ours if line["variant"] == "4bit"), ours[0] if ours else None)
        for theirs in every:
            if theirs["engine"] == "colidx" or not default:
                continue
            small = smallest_as_good(ours, theirs["recall"])
            rows.append([theirs["engine"], theirs["nbits"], k, show(default["build_s"] / theirs["build_s"], 3),
                         show(default["peak_rss_build"] / theirs["peak_rss_build"], 3), show(theirs["recall"], 4),
                         show(theirs["bytes_per_vector"], 1),
                         f"{small['nbits']} bits, {small['bytes_per_vector']:.1f}" if small else "no setting has that recall",
                         show(small["bytes_per_vector"] / theirs["bytes_per_vector"], 3) if small else ""])
    return markdown(["<peer", "bits", "k", "build time", "build memory", "best recall", "bytes/vector", "<smallest colidx at that recall", "ratio"], rows)


def acceptance(lines):
    """Ratios against their targets."""
    rows = []

    def row(what, bound, ratios):
        """A ratio of None: the peer has higher recall than any setting of colidx."""
        if ratios:
            known, unmatched = [ratio for ratio in ratios if ratio is not None], ratios.count(None)
            worst = show(max(known), 3) if known else ""
            missing = f" ({unmatched} of {len(ratios)} have higher recall than any of ours)" if unmatched else ""
            rows.append([what + missing, show(bound, 3), worst, "yes" if not unmatched and max(known) <= bound else "no"])

    good = measured(lines)
    for peer, bound in (("next-plaid", 1 / 8), ("fast-plaid", 1 / 8), ("tachiom", 1 / 2)):
        for (_, k, threads), group in groups(good, "run", "k", "threads").items():
            ours = [line for line in group if line["engine"] == "colidx"]
            for by, name in recalls(group).items():
                for label, some in (("its default", {"default"}), ("every setting", {line["setting"] for line in group})):
                    matches = [(line, fastest_as_good(ours, line, by)) for line in group
                               if ours and line["engine"] == peer and line["setting"] in some]
                    row(f"p50 against {peer}, {label}, k {k}, by {name}, {threads} thread{'s' * (threads > 1)}", bound,
                        [match and match["p50_ms"] / line["p50_ms"] for line, match in matches])
    every = indexes(good)
    ours = [line for line in every if line["engine"] == "colidx"]
    peers = [line for line in every if line["engine"] != "colidx"]
    if ours and peers:
        default = next((line for line in ours if line["variant"] == "4bit"), ours[0])
        row("build time against the fastest", 1 / 4, [default["build_s"] / min(line["build_s"] for line in peers)])
        row("peak build memory against the leanest", 1 / 2,
            [default["peak_rss_build"] / min(line["peak_rss_build"] for line in peers)])
        for (k,), group in groups(good, "k").items():
            some = indexes(group)
            mine = [line for line in some if line["engine"] == "colidx"]
            ratios = []
            for line in some:
                if line["engine"] != "colidx":
                    rivals = [other for other in some if other["engine"] != "colidx"]
                    small, least = smallest_as_good(mine, line["recall"]), smallest_as_good(rivals, line["recall"])
                    ratios.append(small and small["bytes_per_vector"] / least["bytes_per_vector"])
            row(f"bytes a vector against the smallest peer at equal recall, k {k}", 1, ratios)
    return markdown(["<figure", "target", "worst ratio", "<met"], rows)


def growth(lines):
    """colidx at its default settings, by number of documents."""
    rows = [[f"{line['documents']:,}", f"{line['vectors']:,}", line["nbits"], line["k"], line["threads"], show(line["p50_ms"]), show(line["p95_ms"]),
             show(line["recall"], 4), show(line["build_s"], 1), mb(line["peak_rss_build"]), mb(line["index_bytes"]),
             show(line["bytes_per_vector"], 1), mb(line["peak_rss_search"])]
            for line in sorted(measured(lines), key=lambda line: (line["k"], line["documents"]))
            if line["engine"] == "colidx" and line["setting"] == "default" and line["variant"] == "4bit"]
    return markdown(["documents", "vectors", "bits", "k", "threads", "p50 ms", "p95 ms", "recall", "build s", "build MB", "index MB",
                     "bytes/vector", "search MB"], rows)
