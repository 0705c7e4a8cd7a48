"""The stubs tell what the compiled module has, and the package is well typed."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    "arguments",
    [
        ["mypy.stubtest", "colidx._colidx"],
        ["mypy", "--ignore-missing-imports", "-p", "colidx"],
    ],
    ids=["stubs", "package"],
)
def test_types(arguments):
    pytest.importorskip("mypy")
    run = subprocess.run([sys.executable, "-m", *arguments], capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr
