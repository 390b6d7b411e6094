"""The tree of a query as FT.EXPLAIN prints it."""

from __future__ import annotations

from redouble.modules.search.query import tree
from redouble.modules.search.query.check import GEO_UNITS

__all__ = ["explain"]

SHAPE_QUERIES = {b"CONTAINS": 1, b"WITHIN": 2, b"DISJOINT": 3, b"INTERSECTS": 4}
BLOCKS = {tree.Exact: b"EXACT {", tree.Intersection: b"INTERSECT {", tree.Union: b"UNION {"}
WRAPPERS = {tree.Not: b"NOT{", tree.Optional: b"OPTIONAL{"}
AFFIXES = {tree.Prefix: b"PREFIX{%s*}", tree.Suffix: b"SUFFIX{*%s}", tree.Infix: b"INFIX{*%s*}"}
BLOCK_NODES = (*BLOCKS, *WRAPPERS, tree.Tag)
FIELDLESS = tree.Numeric, tree.GeoRadius, tree.Ids


def explain(node: tree.Node) -> bytes:
    """A line for each node and each end of one."""
    lines: list[bytes] = []
    _write(node, b"", lines)
    return b"\n".join(lines) + b"\n"


def _write(node: tree.Node, indent: bytes, lines: list[bytes]) -> None:
    start = indent + _fields(node)
    if isinstance(node, tree.Term):
        weight = node.attributes.weight
        lines.append(
            start
            + (node.text or b'""')
            + (b"(expanded)" if node.expanded else b"")
            + (b" => {$weight: %s;}" % _general(weight) if weight != 1 else b"")
        )
        return
    children = tree.children(node)
    head = _head(node)
    vector_with_filter = isinstance(node, tree.Vector) and bool(children)
    if vector_with_filter or isinstance(node, BLOCK_NODES):
        lines.append(start + (b"VECTOR {" if isinstance(node, tree.Vector) else head))
        for child in children:
            _write(child, indent + b"  ", lines)
        end = b"} => {%s}" % head if isinstance(node, tree.Vector) else b"}"
        lines.append(indent + end + _attributes(node))
    else:
        head = b"VECTOR {%s}" % head if isinstance(node, tree.Vector) else head
        lines.append(start + head + _attributes(node))


def _fields(node: tree.Node) -> bytes:
    if node.fields is None:
        return b""
    if not node.fields:
        return b"@NULL:"
    return b"" if isinstance(node, FIELDLESS) else b"@%s:" % b"|".join(node.fields)


def _head(node: tree.Node) -> bytes:
    """What a node is, or how its block begins."""
    for kinds in (BLOCKS, WRAPPERS):
        if type(node) in kinds:
            return kinds[type(node)]
    if isinstance(node, (tree.Prefix, tree.Suffix, tree.Infix)):
        return AFFIXES[type(node)] % node.text
    if isinstance(node, tree.Wildcard):
        return b"WILDCARD{%s}" % node.pattern
    if isinstance(node, tree.Fuzzy):
        return b"FUZZY{%s}" % node.text
    if isinstance(node, tree.LexRange):
        return b"LEXRANGE{%s...%s}" % (node.low or b"", node.high or b"")
    if isinstance(node, tree.Tag):
        return b"TAG:@%s {" % node.field.name
    if isinstance(node, tree.Numeric):
        low, high = (b"<=" if included else b"<" for included in (node.includes_low, node.includes_high))
        return b"NUMERIC {%f %s @%s %s %f}" % (node.low, low, node.field.name, high, node.high)
    if isinstance(node, tree.GeoRadius):
        unit = node.unit if node.unit in GEO_UNITS else b"<badunit>"
        where = node.field.name, node.longitude, node.latitude, node.radius, unit
        return b"GEO %s:{%f,%f --> %f %s}" % where
    if isinstance(node, tree.GeoShape):
        return b"GEOSHAPE{%d %s}" % (SHAPE_QUERIES[node.operation], node.shape)
    if isinstance(node, tree.Missing):
        return b"ISMISSING{%s}" % node.field.name
    if isinstance(node, tree.Vector):
        return _vector(node)
    if isinstance(node, tree.Ids):
        return b"IDS {%s}" % b"".join(b"%s," % key for key in node.keys)
    return b"<WILDCARD>" if isinstance(node, tree.Everything) else b"<empty>"


def _vector(node: tree.Vector) -> bytes:
    if node.k is None:
        text = b"Vectors that are within %s distance radius from `$%s` " % (_general(node.radius), node.parameter)
    else:
        text = b"K=%d nearest vectors to `$%s` " % (node.k, node.parameter)
    text += b"in vector index associated with field @%s" % node.field.name
    for name, value in node.parameters.items():
        text += b", %s = %s" % (name, value)
    return text + (b", yields distance as `%s`" % node.score_as if node.score_as else b"")


def _attributes(node: tree.Node) -> bytes:
    weight, slop, in_order = node.attributes.weight, node.attributes.slop, node.attributes.in_order
    if weight == 1 and slop is None and not in_order:
        return b""
    text = b" => {"
    if weight != 1:
        text += b" $weight: %s;" % _general(weight)
    if slop is not None:
        text += b" $slop: %d;" % slop
    if in_order or slop is not None:
        text += b" $inorder: %s;" % (b"true" if in_order else b"false")
    return text + b" }"


def _general(number: float) -> bytes:
    """As `%g` of C writes it."""
    return b"%g" % number
