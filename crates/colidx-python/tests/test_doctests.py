"""The examples of the documentation run."""

import doctest
import importlib
import re
from pathlib import Path

import colidx
import colidx.pylate
import pytest
from conftest import MODEL

MODULES = [
    "colidx",
    "colidx.errors",
    "colidx._build",
    "colidx._encoder",
    "colidx._evaluate",
    "colidx._index",
    "colidx._writer",
    "colidx.pylate",
    "colidx.compat.fast_plaid.search",
    "colidx.compat.fast_plaid.filtering",
]


@pytest.mark.parametrize("name", MODULES)
def test_docstrings(name, encoder, folder):
    corpus = [("moon", "The moon goes around the earth."), ("tea", "Tea is a drink.")]
    attempted = 0
    for number, test in enumerate(doctest.DocTestFinder().find(importlib.import_module(name))):
        place = folder / str(number)
        place.mkdir()
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(place)
            names = {"colidx": colidx, "MODEL": str(MODEL)}
            if name != "colidx":
                names["index"] = colidx.build("docs.colidx", corpus, encoder)
            test.globs.update(names)
            result = doctest.DocTestRunner().run(test)
        assert result.failed == 0
        attempted += result.attempted
    assert attempted > 0


PAGES = [
    Path(__file__).parents[1] / "README.md",
    Path(__file__).parents[3] / "docs" / "guide" / "python.md",
]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_examples_of_a_page_compile(page):
    blocks = re.findall(r"```python\n(.*?)```", page.read_text(), re.S)
    assert blocks
    for block in blocks:
        compile(block, str(page), "exec")
