"""fast-plaid's interface: `from colidx.compat.fast_plaid import search, filtering`."""

from . import filtering, search

__all__ = ["filtering", "search"]
