"""What a test asks of its server: type, version, configuration, and what only `FakeServer` can be told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from redouble.dialects import parse_version

__all__ = ["Requirements"]

EVERYWHERE = frozenset(("version", "server_type", "config", "record", "strict"))
"""What a real server can be asked for as well, and what makes no difference to it."""


@dataclass
class Requirements:
    """`required` is what tests and fixtures say, the innermost first; `usual` is what holds where they say nothing."""

    required: dict[str, Any] = field(default_factory=dict)
    usual: Mapping[str, Any] = field(default_factory=dict)

    def add(self, more: Mapping[str, Any]) -> None:
        """Also ask for `more`, as far as nothing else was asked; parameters of the configuration are joined."""
        config = {**(more.get("config") or {}), **self.config}
        self.required = {**more, **self.required, "config": config}

    @property
    def config(self) -> dict[str, str]:
        return {str(name): str(value) for name, value in (self.required.get("config") or {}).items()}

    def arguments(self) -> dict[str, Any]:
        """Those of `FakeServer`."""
        usual = dict(self.usual)
        if self.required.get("server_type", usual.get("server_type")) != usual.get("server_type"):
            usual.pop("version", None)  # it was meant for the other type
        return {**usual, **self.required, "config": {**usual.get("config", {}), **self.config}}

    def misfit(self, server_type: str, version: tuple[int, ...]) -> str | None:
        """What a real server lacks, in words; None if it will do."""
        wanted_type = self.required.get("server_type", server_type)
        wanted = parse_version(self.required.get("version", ()))
        if wanted_type != server_type or wanted != version[: len(wanted)]:
            number = ".".join(map(str, wanted))
            return f"needs {wanted_type} {number}".rstrip()
        only_fake = [name for name in self.required if name not in EVERYWHERE]
        if only_fake:
            return f"asks for {', '.join(only_fake)}, which only the fake has"
        return None
