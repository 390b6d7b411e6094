"""`install_as_fakeredis`: `import fakeredis` gives redouble, as PyMySQL's `install_as_MySQLdb` does for MySQLdb."""

from __future__ import annotations

import sys

__all__ = ["install_as_fakeredis"]

_OTHER_HOMES = ("_clients", "_connection", "_core", "_server", "_tcp_server")
"""Private modules, of one version of fakeredis or another, that test suites import its public names from."""


def install_as_fakeredis() -> None:
    """Let `fakeredis` and `fakeredis.aioredis` be redouble's, for every import from now on.

    To be called before anything imports fakeredis: at the top of the first conftest.py, or by
    `pytest -p redouble.as_fakeredis`.  Calling it again changes nothing; whether fakeredis is installed does not matter.

    Raises RuntimeError if the real fakeredis was imported already: some names would be its own, some ours.
    """
    imported = sys.modules.get("fakeredis")
    from redouble.compat import fakeredis

    if imported is fakeredis:
        return
    if imported is not None:
        raise RuntimeError(
            f"fakeredis was imported already, from {getattr(imported, '__file__', None)}: call"
            " redouble.install_as_fakeredis() before its first import, or run `pytest -p redouble.as_fakeredis`"
        )
    sys.modules["fakeredis"] = fakeredis
    sys.modules["fakeredis.aioredis"] = fakeredis.aioredis
    for home in _OTHER_HOMES:
        sys.modules[f"fakeredis.{home}"] = fakeredis
