"""What mkdocs calls while it builds the site: the page of commands is made of the command table, never written by hand, and
the recipes show lines of their programs."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import Any

from excerpts import expanded
from mkdocs.structure.files import File

import redouble.commands
from redouble.core.command import Prototype, build_table
from redouble.dialects.others import DRAGONFLY
from redouble.dialects.redis import REDIS
from redouble.dialects.valkey import VALKEY

assert redouble.commands  # fills the table

DIALECTS = [*REDIS, *VALKEY, *DRAGONFLY]
TITLES = {"hyperloglog": "HyperLogLog", "pubsub": "Pub/Sub"}

PICTURE = re.compile(r'<picture>\s*<source [^>]*srcset="(.*?)">\s*<img alt="(.*?)" src="(.*?)">\s*</picture>')
"""What GitHub shows in the colours of its reader; the site has a switch of its own, and words for it."""

HEAD = """\
# Commands

Every command, with the servers that have it and the usage line of the newest of them. An absent command is an unknown
command, an absent option a syntax error, as on the real server of that version. Servers whose names are in italics are
unverified: see [Versions](versions.md).

"""


def on_files(files: Any, config: Any) -> Any:
    files.append(File.generated(config, "commands.md", content=commands_page()))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    return PICTURE.sub(r"![\2](\3#only-light)\n![\2](\1#only-dark)", expanded(markdown))


def commands_page() -> str:
    found: dict[str, dict[str, Prototype]] = defaultdict(dict)
    having: dict[str, set[str]] = defaultdict(set)
    for dialect in DIALECTS:
        for top in build_table(dialect).values():
            for prototype in [*top.subcommands.values()] or [top]:
                declaration = prototype.declaration
                found[declaration.group][declaration.name] = prototype
                having[declaration.name].add(title(dialect))
    lines = [HEAD]
    names = [title(dialect) for dialect in DIALECTS]
    for group in sorted(found):
        lines.append(f"## {TITLES.get(group, group.replace('-', ' ').capitalize())}\n")
        lines.append(f"| command | {' | '.join(names)} |")
        lines.append(f"|---|{':-:|' * len(names)}")
        for name, prototype in sorted(found[group].items()):
            marks = " | ".join("●" if each in having[name] else "" for each in names)
            summary = (prototype.declaration.run.__doc__ or "").partition("\n")[0]
            usage = prototype.declaration.usage.replace("|", "\\|")
            lines.append(f"| `{usage}`<br>{escaped(summary)} | {marks} |")
        lines.append("")
    return "\n".join(lines)


def title(dialect: Any) -> str:
    name = dialect.name.capitalize()
    if dialect.name != "dragonfly":
        name += f" {dialect.version[0]}.{dialect.version[1]}"
    return name if dialect.proven else f"*{name}*"


def escaped(text: str) -> str:
    for character in "|<>*_`":
        text = text.replace(character, f"\\{character}")
    return text
