#!/usr/bin/env python3
"""Makes docs/terminal.svg from a real run: types queries into `colidx search` under tmux and draws the screen.

Usage: scripts/picture.py --colidx BINARY --index DIR --query TEXT --out docs/terminal.svg

Needs tmux, and rich from PyPI.
"""

import argparse
import io
import subprocess
import time

from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

COLUMNS, LINES = 100, 28

THEME = TerminalTheme(
    (24, 26, 31),
    (214, 216, 220),
    [(24, 26, 31), (224, 108, 117), (152, 195, 121), (229, 192, 123),
     (97, 175, 239), (198, 120, 221), (86, 182, 194), (171, 178, 191)],
    [(110, 116, 128), (224, 108, 117), (152, 195, 121), (229, 192, 123),
     (97, 175, 239), (198, 120, 221), (86, 182, 194), (255, 255, 255)],
)

# No web font: any monospaced font will do.
FORMAT = """<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{ font-family: ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; font-size: {char_height}px; line-height: {line_height}px; white-space: pre; }}
.{unique_id}-title {{ font-size: 18px; font-family: sans-serif; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal"><rect x="0" y="0" width="{terminal_width}" height="{terminal_height}"/></clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix" xml:space="preserve">
{matrix}
</g>
</g>
</svg>
"""


def screen(binary: str, index: str, query: str, hits: int) -> str:
    session = f"colidx-picture-{time.time_ns()}"

    def tmux(*arguments: str) -> str:
        done = subprocess.run(["tmux", *arguments], check=True, capture_output=True, text=True)
        return done.stdout

    def settle() -> None:
        last = None
        for _ in range(150):
            time.sleep(0.4)
            now = tmux("capture-pane", "-p", "-t", session)
            if now == last and now.rstrip().endswith("›"):
                return
            last = now
        raise SystemExit("colidx search did not come back to its prompt")

    command = f"TERM=xterm-256color {binary} search --index {index} -k {hits}"
    tmux("new-session", "-d", "-s", session, "-x", str(COLUMNS), "-y", str(LINES), command)
    try:
        settle()
        tmux("send-keys", "-t", session, query, "Enter")
        settle()
        return tmux("capture-pane", "-e", "-p", "-t", session)
    finally:
        tmux("kill-session", "-t", session)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--colidx", default="target/release/colidx")
    parser.add_argument("--index", required=True)
    parser.add_argument("--query", required=True)
    parser.add_argument("--hits", type=int, default=3)
    parser.add_argument("--out", default="docs/terminal.svg")
    options = parser.parse_args()

    drawn = screen(options.colidx, options.index, options.query, options.hits)
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    console.print(Text.from_ansi(drawn.rstrip()))
    console.save_svg(options.out, title="colidx search", theme=THEME, code_format=FORMAT, unique_id="colidx")


if __name__ == "__main__":
    main()
