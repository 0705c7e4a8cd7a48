#!/usr/bin/env python3
"""Writes the licences of all crates that are linked into the binary.

    scripts/licences.py --features mcp,sqlite --target x86_64-unknown-linux-gnu > LICENSES.txt

Each text stands once, after the crates that come under it. Standard library only.
"""

import argparse
import json
import pathlib
import subprocess
import sys

NAMES = ("LICENSE", "LICENCE", "COPYING", "COPYRIGHT", "NOTICE", "UNLICENSE")


def cargo(*arguments):
    done = subprocess.run(["cargo", *arguments, "--locked"], check=True, capture_output=True, text=True)
    return done.stdout


def linked(features, target):
    """Ids of the crates that the binary is made of, without ours."""
    tree = cargo("tree", "-p", "colidx-cli", "--no-default-features", "--features", features,
                 "--target", target, "-e", "normal", "--prefix", "none", "--format", "{p}")
    crates = {tuple(line.split()[:2]) for line in tree.splitlines() if line}
    return {(name, version.lstrip("v")) for name, version in crates}


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--features", required=True)
    arguments.add_argument("--target", required=True)
    given = arguments.parse_args()
    wanted = linked(given.features, given.target)
    packages = json.loads(cargo("metadata", "--format-version", "1", "--no-default-features",
                                "--features", ",".join(f"colidx-cli/{name}" for name in given.features.split(","))))
    texts, without = {}, []
    for package in packages["packages"]:
        # What has no source is of this workspace.
        if (package["name"], package["version"]) not in wanted or not package["source"]:
            continue
        folder = pathlib.Path(package["manifest_path"]).parent
        who = f"{package['name']} {package['version']}: {package['license'] or package['license_file']}"
        files = sorted(file for file in folder.iterdir()
                       if file.is_file() and file.name.upper().startswith(NAMES))
        for file in files:
            text = file.read_text(encoding="utf-8", errors="replace").strip()
            texts.setdefault(text, []).append(who)
        if not files:
            without.append(f"{who}, {package['repository']}")
    for text, crates in sorted(texts.items(), key=lambda entry: entry[1]):
        print("\n".join(sorted(set(crates))), text, "=" * 80, sep="\n\n")
    if without:
        print("Crates that come without a text of their licence:", *sorted(without), sep="\n")
    if not texts:
        sys.exit("no licence was found")


if __name__ == "__main__":
    main()
