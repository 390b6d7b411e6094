"""Says at the top of a run which real servers are here and what the recordings are of."""

from __future__ import annotations

import pytest

from .machine import real
from .machine.recording import Recording
from .machine.scenario import groups


def pytest_report_header(config: pytest.Config) -> list[str]:
    recorded = {target.name: target for group in groups() for target in Recording.load(group).targets()}
    here = real.installed()
    names = ", ".join(f"{target.name} ({target.version_text})" for target in recorded.values())
    lines = [f"parity: recordings of {names or 'no server'}"]
    present = [name for name in recorded if name in here]
    lines.append(
        f"parity: real servers in {real.folder()}: {', '.join(present)}; -m real compares the recordings with them"
        if present
        else f"parity: no real servers in {real.folder()}: recordings are used (tools/real_servers.py installs servers)"
    )
    return lines + [
        f"parity: warning: {name} here is {here[name][0].version_text}, not the one recorded"
        for name in present
        if here[name][0].version != recorded[name].version
    ]
