"""What a query may not ask of an index, though it is well written."""

from __future__ import annotations

from collections.abc import Iterator

from redouble.core.errors import CommandError
from redouble.modules.search.query import tree
from redouble.modules.search.schema import Schema

__all__ = ["GEO_UNITS", "check", "check_empty", "check_place"]

GEO_UNITS = b"m", b"km", b"ft", b"mi"
NO_EMPTY = "Use `INDEXEMPTY` in field creation in order to index and query for empty strings"
NO_SUFFIXES = "Contains query on fields without WITHSUFFIXTRIE support"


def check(node: tree.Node, schema: Schema) -> None:
    """Raise CommandError for missing fields where the schema has no INDEXMISSING, for the middles and ends of words in fields without
    WITHSUFFIXTRIE if others have it, for places that are nowhere, and for distances with two names.
    """
    if isinstance(node, tree.Missing) and node.field.type and not node.field.index_missing:
        name = node.field.name.decode(errors="surrogateescape")
        raise CommandError(f"'ismissing' requires field '{name}' to be defined with 'INDEXMISSING'")
    if isinstance(node, (tree.Suffix, tree.Infix, tree.Wildcard)):
        _check_suffixes(node, schema)
    if isinstance(node, tree.GeoRadius):
        check_place(node)
    if isinstance(node, tree.Vector):
        if node.field.type != b"VECTOR":
            return  # nothing is found, so nothing else is looked at
        _name_distance(node)
    for child in tree.children(node):
        if not any(child is other for other in node.beside):
            check(child, schema)


def _name_distance(node: tree.Vector) -> None:
    wanted = node.attributes.yield_distance_as
    if wanted and node.named:
        one, other = (name.decode(errors="surrogateescape") for name in (node.score_as, wanted))
        raise CommandError(f"Distance field was specified twice for vector query: {one} and {other}")
    node.score_as = wanted or node.score_as


def _all(node: tree.Node) -> Iterator[tree.Node]:
    yield node
    for child in tree.children(node):
        yield from _all(child)


def check_empty(root: tree.Node, schema: Schema) -> None:
    """Raise CommandError for empty words where the schema has no INDEXEMPTY."""
    tagged = False
    for node in _all(root):
        if isinstance(node, tree.Tag):
            if node.field.index_empty:
                return  # nothing after it is looked at
            tagged = True  # and after this one no empty word is allowed
        elif isinstance(node, tree.Term) and not node.text:
            fields = [schema.find(name, b"TEXT") for name in node.fields or ()]
            if tagged or (fields and not any(field is not None and field.index_empty for field in fields)):
                raise CommandError(NO_EMPTY)


def _check_suffixes(node: tree.Suffix | tree.Infix | tree.Wildcard, schema: Schema) -> None:
    if not node.fields or (not isinstance(node, tree.Wildcard) and len(node.text) < 2):
        return
    texts = [field for field in schema.fields if field.type == b"TEXT"]
    if any(field.suffix_trie for field in texts) and any(
        field.name in node.fields and not field.suffix_trie for field in texts
    ):
        raise CommandError(NO_SUFFIXES)


def check_place(circle: tree.GeoRadius) -> None:
    """Raise CommandError for a unit, a place or a radius that there is not."""
    if circle.unit not in GEO_UNITS:
        raise CommandError("Invalid GeoFilter unit")
    if abs(circle.latitude) > 90 or abs(circle.longitude) > 180:
        raise CommandError("Invalid GeoFilter lat/lon")
    if circle.radius <= 0:
        raise CommandError("Invalid GeoFilter radius")
