"""Describes the machine of a measurement."""
import os
import platform
import subprocess
from pathlib import Path

FLAGS = ("avx2", "fma", "avx512f", "avx512_vnni", "avx512_bf16", "amx_int8", "asimd", "asimddp", "i8mm")


def describe():
    """Processor, family and model (a virtual machine may hide the name), cores, memory, CPU flags."""
    facts = {}
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        name, _, value = line.partition(":")
        facts.setdefault(name.strip(), value.strip())
    flags = facts.get("flags", facts.get("Features", "")).split()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {"processor": facts.get("model name") or platform.machine(), "family": facts.get("cpu family"),
            "model": facts.get("model"), "cores": os.cpu_count(), "memory_gib": round(memory / 2 ** 30),
            "flags": [flag for flag in FLAGS if flag in flags]}


def slug(machine):
    """A short name for files, such as epyc-25-1-2c."""
    words = [machine["processor"].split()[-1].lower()]
    words += [machine[part] for part in ("family", "model") if machine[part]]
    return "-".join([*words, f"{machine['cores']}c"])


def commit(folder):
    """The commit of a working tree, with `+` if files other than results differ from it."""
    def git(*words):
        return subprocess.run(["git", "-C", folder, *words], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()

    try:
        return git("rev-parse", "HEAD") + ("+" if git("status", "--porcelain", "--untracked-files=no", ":/", ":!/benches/compare/results") else "")
    except (OSError, subprocess.CalledProcessError):
        return None
