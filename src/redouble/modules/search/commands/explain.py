"""FT.EXPLAIN and FT.EXPLAINCLI: how a query was understood."""

from __future__ import annotations

from typing import Any, Final

from redouble.core.client import Client
from redouble.core.command import Argv
from redouble.modules.search.arguments import Arguments, ft_command
from redouble.modules.search.commands.search import READERS, Options, limits_of, parse_options, query_tree
from redouble.modules.search.evaluate import Planner
from redouble.modules.search.index.index import Index
from redouble.modules.search.query import tree
from redouble.modules.search.query.explain import explain
from redouble.modules.search.registry import existing_index, registry
from redouble.modules.search.settings import Settings
from redouble.modules.search.text.tokens import tag_text
from redouble.resp.reply import Reply, Status

__all__: list[str] = []


def _counted(name: str) -> Any:
    """An option that counts its words."""

    def read(words: Arguments, options: Options, settings: Settings) -> None:
        words.slice(name)

    return read


# It reads what FT.AGGREGATE reads, too, and sorts as that does.
OTHERS: Final = {b"SORTBY": _counted("SORTBY"), b"LOAD": _counted("LOAD")}
READ: Final = {name: reader for name, reader in READERS.items() if name not in (b"FILTER", b"GEOFILTER")} | OTHERS


def explained(client: Client, argv: Argv) -> bytes:
    """What a query is, and everything that is wrong with it."""
    settings = registry(client.server).settings
    index = existing_index(client, argv[1])
    options = parse_options(Arguments(argv, 3), settings, client.resp, READ)
    # Where words are looked for, and how near to each other they are, is not shown.
    options.fields, options.slop, options.in_order = None, None, False
    index.dialects.add(options.dialect)
    node = query_tree(argv[2], index, options)
    Planner(index, limits_of(settings)).plan(node)
    return explain(_as_looked_for(node, index))


def _as_looked_for(node: tree.Node, index: Index) -> tree.Node:
    """The documents of INKEYS by their numbers, and tags as the index knows them if it knows any."""
    if isinstance(node, tree.Ids):
        found = (index.documents.of_key(key) for key in node.keys)
        return tree.Ids([b"%d" % document.id for document in found if document is not None])
    if isinstance(node, tree.Tag):
        tags = index.tags.get(node.field.name)
        if tags is not None and tags.documents:
            _fold(node.children, node.field.case_sensitive)
    if isinstance(node, (tree.Intersection, tree.Exact)):  # only there, and below a vector's, is an Ids
        node.children = [_as_looked_for(child, index) for child in node.children]
    elif isinstance(node, tree.Vector) and node.child is not None:
        node.child = _as_looked_for(node.child, index)
    else:
        for child in tree.children(node):
            _as_looked_for(child, index)
    return node


def _fold(children: list[tree.Node], case_sensitive: bool) -> None:
    for child in children:
        if isinstance(child, (tree.Term, tree.Prefix, tree.Suffix, tree.Infix)):
            child.text = tag_text(child.text, case_sensitive)
        elif isinstance(child, tree.Wildcard):
            child.pattern = tag_text(child.pattern, case_sensitive)
        else:
            _fold(tree.children(child), case_sensitive)


@ft_command("FT.EXPLAIN key query [DIALECT dialect]", flags="readonly", keys="RW", arity=-3)
def ft_explain(client: Client, argv: Argv) -> Reply:
    """The tree of a query."""
    return explained(client, argv)


@ft_command("FT.EXPLAINCLI key query [DIALECT dialect]", flags="readonly", keys="RW", arity=-3)
def ft_explaincli(client: Client, argv: Argv) -> Reply:
    """The tree of a query, line by line."""
    return [Status(line) for line in explained(client, argv).split(b"\n")]
