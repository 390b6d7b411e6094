"""What a test asks of a server besides Redis commands: its record of commands, faults on purpose, a look inside.

`server`, `client`, `async_client`, `url` and `RedoubleMixin` are what tests have instead of fixtures, without pytest.
"""

from __future__ import annotations

import importlib

_NAMES = {
    "RedoubleMixin": "redouble.suite.cases",
    "async_client": "redouble.suite.contexts",
    "client": "redouble.suite.contexts",
    "server": "redouble.suite.contexts",
    "url": "redouble.suite.contexts",
}
"""They stand on the drivers, which this package is below: so they are imported by whoever asks for them."""


def __getattr__(name: str) -> object:
    module = _NAMES.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(importlib.import_module(module), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_NAMES})
