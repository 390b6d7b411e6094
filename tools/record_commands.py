"""Ask the real servers for COMMAND and COMMAND DOCS, for tests/commands/test_command_table.py to compare with.

    python tools/record_commands.py                 writes tests/recordings/commands-<server>.json
    python tools/record_commands.py redis-7.2       for some servers only

Of the documentation only facts are kept: since, group, deprecated_since and the arguments; no sentences.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "src")]

from tests.parity.__main__ import SERVERS  # noqa: E402
from tests.parity.machine.real import RealServer  # noqa: E402
from tests.parity.machine.wire import Node, parse  # noqa: E402

NOT_FACTS = {"summary", "complexity", "history", "replaced_by", "notes"}


def value(node: Node) -> Any:
    if node.mark == b"%":
        keys = [child.text.decode() for child in node.children[::2]]
        pairs = zip(keys, map(value, node.children[1::2]), strict=True)
        return {key: item for key, item in pairs if key not in NOT_FACTS}
    if node.mark in (b"*", b"~"):
        return [value(child) for child in node.children]
    return int(node.text) if node.mark == b":" else node.text.decode()


def main() -> None:
    for name in sys.argv[1:] or SERVERS:
        with RealServer(name) as server:
            link = server.connect()
            link.ask(b"HELLO", b"3")
            table = value(parse(link.ask(b"COMMAND")))
            docs = value(parse(link.ask(b"COMMAND", b"DOCS")))
            link.close()
            recording = {"version": server.target.version_text, "table": sorted(table)}
            if isinstance(docs, dict):  # there are none before 7.0
                recording["docs"] = dict(sorted(docs.items()))
        path = ROOT / "tests" / "recordings" / f"commands-{name}.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(recording, separators=(",", ":")) + "\n")
        print(f"{path}: {len(table)} commands, {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
