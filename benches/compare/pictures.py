"""Pictures of result lines, as SVG on white for light and dark pages. Needs matplotlib."""
import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from results import EXACT_SEARCH, frontier, groups, indexes, measured

COLOURS = {"colidx": "#c1272d", "next-plaid": "#1f6fb4", "fast-plaid": "#2e8b57", "xtr-warp-rs": "#8a5fbf", "colbert-ai": "#d08a1d",
           "tachiom": "#108b93", "pylate": "#b0508e", "maxsim-cpu": "#777777", "numpy-exact": "#333333"}
# The same lines give the same file: no date, no random ids.
plt.rcParams |= {"svg.hashsalt": "colidx", "svg.fonttype": "path", "font.size": 10, "axes.spines.top": False, "axes.spines.right": False,
                 "axes.edgecolor": "#666666", "axes.labelcolor": "#333333", "xtick.color": "#333333", "ytick.color": "#333333",
                 "axes.grid": True, "grid.color": "#e6e6e6", "grid.linewidth": 0.8, "axes.axisbelow": True,
                 "figure.facecolor": "white", "axes.facecolor": "white"}


def plain(value, _):
    return f"{value:,.0f}" if value >= 1 else f"{value:g}"


def short(value, _):
    return f"{value / 1e6:g}M" if value >= 1e6 else f"{value / 1e3:g}k"


def logarithmic(axis):
    axis.set_major_formatter(FuncFormatter(plain))
    axis.set_major_locator(LogLocator(base=10, subs=(1, 2, 5)))
    axis.set_minor_formatter(NullFormatter())


def save(figure, path):
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None, "Creator": None})
    plt.close(figure)


def labels(axes, ends):
    """Writes each line's name beside its end, higher if another name or end is in the way."""
    low, high = axes.get_ylim()
    step, points = (high - low) * 0.055, 72 / axes.figure.dpi
    place = {name: axes.transData.transform((x, y))[0] * points for name, x, y in ends}
    taken = [(place[name] - 3, place[name] + 3, y) for name, _, y in ends]
    for name, x, y in sorted(ends, key=lambda end: end[2]):
        left, right, at = place[name] + 4, place[name] + 7 * (len(name) + 1), y
        for other_left, other_right, other in sorted(taken, key=lambda one: one[2]):
            if left < other_right and other_left < right and abs(at - other) < step:
                at = other + step
        taken.append((left, right, at))
        axes.annotate(name, (x, y), xytext=(7, (at - y) / (high - low) * axes.bbox.height * points),
                      textcoords="offset points", color=COLOURS[name], va="center", fontweight="bold" if name == "colidx" else "normal")


def recall_latency(lines, dataset, k, path):
    """Recall against p50: the Pareto front of each engine's settings as a line, the rest as faint dots."""
    figure, axes = plt.subplots(figsize=(7.2, 4.3))
    ends = []
    for (engine,), group in groups(lines, "engine").items():
        best = frontier(group, "p50_ms")
        axes.plot([l["p50_ms"] for l in group], [l["recall"] for l in group], "o", ms=3, alpha=0.3, color=COLOURS[engine])
        axes.plot([l["p50_ms"] for l in best], [l["recall"] for l in best], "o-", ms=5, lw=2.2 if engine == "colidx" else 1.5,
                  color=COLOURS[engine], zorder=3 if engine == "colidx" else 2)
        ends.append((engine, best[-1]["p50_ms"], best[-1]["recall"]))
    axes.margins(y=0.2)
    axes.set_xscale("log")
    logarithmic(axes.xaxis)
    axes.set_xlim(right=axes.get_xlim()[1] * 2.2)  # room for names
    axes.set(xlabel=f"p50 of a query, ms, {lines[0]['threads']} thread{'s' * (lines[0]['threads'] > 1)}",
             ylabel=f"recall@{k} of exact search", title=f"{dataset}, {lines[0]['documents']:,} documents, k = {k}")
    figure.tight_layout()
    labels(axes, ends)
    save(figure, path)


def size_recall(lines, dataset, k, path):
    """The best recall of each index against its size."""
    figure, axes = plt.subplots(figsize=(7.2, 4.3))
    ends = []
    for (engine,), group in groups(indexes(lines), "engine").items():
        group.sort(key=lambda line: line["bytes_per_vector"])
        axes.plot([l["bytes_per_vector"] for l in group], [l["recall"] for l in group], "o-", ms=5,
                  lw=2.2 if engine == "colidx" else 1.5, color=COLOURS[engine], zorder=3 if engine == "colidx" else 2)
        ends.append((engine, group[-1]["bytes_per_vector"], group[-1]["recall"]))
    axes.margins(y=0.15)
    axes.set_xlim(0, axes.get_xlim()[1] * 1.15)
    axes.set(xlabel="bytes a vector on disk", ylabel=f"best recall@{k} of exact search",
             title=f"{dataset}, {lines[0]['dim']} dimensions, k = {k}")
    figure.tight_layout()
    labels(axes, ends)
    save(figure, path)


def growth(lines, path):
    """Recall against p50, one line a collection size: equal recall is a horizontal line."""
    by_k = groups(lines, "k")
    figure, panels = plt.subplots(1, len(by_k), figsize=(5.2 * len(by_k), 4.2), squeeze=False)
    shades = plt.get_cmap("viridis_r")
    for axes, ((k,), of_k) in zip(panels[0], sorted(by_k.items())):
        sizes = sorted(groups(of_k, "documents").items())
        for at, ((documents,), group) in enumerate(sizes):
            best = frontier(group, "p50_ms")
            axes.plot([l["p50_ms"] for l in best], [l["recall"] for l in best], "o-", ms=4, lw=1.8,
                      color=shades(0.15 + 0.85 * at / len(sizes)), label=short(documents, None))
        axes.set_xscale("log")
        logarithmic(axes.xaxis)
        axes.set(xlabel="p50 of a query, ms, 1 thread", ylabel=f"recall@{k} of exact search", title=f"k = {k}")
        axes.legend(title="documents", frameon=False, loc="lower right")
    save(figure, path)


def draw(lines, folder):
    """Draws every picture that these lines suffice for. Returns the files' names."""
    folder.mkdir(parents=True, exist_ok=True)
    good, written = measured(lines), []
    for (dataset, k, threads), group in groups(good, "dataset", "k", "threads").items():
        if len({line["engine"] for line in group} - {"colidx"}) == 0:
            continue
        suffix = f"{dataset}-k{k}" + (f"-{threads}threads" if threads > 1 else "")
        recall_latency(group, dataset, k, folder / f"recall-latency-{suffix}.svg")
        written.append(f"recall-latency-{suffix}.svg")
        if any(line["engine"] not in EXACT_SEARCH for line in group) and threads == 1:
            size_recall(group, dataset, k, folder / f"size-recall-{suffix}.svg")
            written.append(f"size-recall-{suffix}.svg")
    grown = [line for line in good if line["engine"] == "colidx" and line["variant"] == "4bit"
             and line["dataset"].startswith("syn") and line["threads"] == 1]
    if len({line["documents"] for line in grown}) > 2:
        growth(grown, folder / "growth.svg")
        written.append("growth.svg")
    return written
