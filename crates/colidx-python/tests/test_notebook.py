"""The notebook runs, and was saved with what it printed."""

import json
from pathlib import Path

import pytest
from conftest import MODEL

NOTEBOOK = Path(__file__).parents[1] / "examples" / "guide.ipynb"


def test_the_notebook_runs(monkeypatch, capsys):
    monkeypatch.chdir(NOTEBOOK.parent)
    monkeypatch.setenv("COLIDX_MODEL", str(MODEL))
    names = {}
    cells = [c for c in json.loads(NOTEBOOK.read_text())["cells"] if c["cell_type"] == "code"]
    for number, cell in enumerate(cells):
        code = compile("".join(cell["source"]), f"{NOTEBOOK.name}, cell {number}", "exec")
        exec(code, names)
        # The tiny checkpoint finds other things than a real one.
        printed = capsys.readouterr().out
        assert bool(printed) == bool(cell["outputs"]), number
    assert len(names["index"]) > 20
    assert pytest.approx(names["run"]["open an index of RAGatouille"][0].score) != 0


def test_the_notebook_shows_no_machine():
    text = NOTEBOOK.read_text()
    assert "/tmp" not in text and str(Path.home()) not in text and "Traceback" not in text
