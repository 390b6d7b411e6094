"""What a query may not ask of an index, though it is well written."""

from __future__ import annotations

from redouble.core.errors import CommandError
from redouble.modules.search.query import tree
from redouble.modules.search.schema import Schema

__all__ = ["check"]

NO_EMPTY = "Use `INDEXEMPTY` in field creation in order to index and query for empty strings"
NO_SUFFIXES = "Contains query on fields without WITHSUFFIXTRIE support"


def check(node: tree.Node, schema: Schema) -> None:
    """Raise CommandError for empty words and missing fields where the schema has no INDEXEMPTY or INDEXMISSING, and for the middles and
    ends of words in fields without WITHSUFFIXTRIE if others have it.
    """
    if isinstance(node, tree.Missing) and node.field.type and not node.field.index_missing:
        name = node.field.name.decode(errors="surrogateescape")
        raise CommandError(f"'ismissing' requires field '{name}' to be defined with 'INDEXMISSING'")
    if isinstance(node, tree.Tag) and not node.field.index_empty and any(map(_is_empty, node.children)):
        raise CommandError(NO_EMPTY)
    if _is_empty(node) and node.fields:
        fields = (schema.find(name, b"TEXT") for name in node.fields)
        if not any(field is not None and field.index_empty for field in fields):
            raise CommandError(NO_EMPTY)
    if isinstance(node, (tree.Suffix, tree.Infix, tree.Wildcard)) and node.fields:
        texts = [field for field in schema.fields if field.type == b"TEXT"]
        if any(field.suffix_trie for field in texts) and any(
            field.name in node.fields and not field.suffix_trie for field in texts
        ):
            raise CommandError(NO_SUFFIXES)
    for child in tree.children(node):
        check(child, schema)


def _is_empty(node: tree.Node) -> bool:
    return isinstance(node, tree.Term) and not node.text
