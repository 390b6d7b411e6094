"""The tree of a query: what the parser makes, FT.EXPLAIN prints, and the index is asked.

Fields are named, None means all TEXT fields.  A tree is made by the parser, then *expanded* (stems, synonyms, phonetics); nothing
else changes it.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from redouble.modules.search.schema import Field

__all__ = [
    "Attributes",
    "Everything",
    "Exact",
    "Fuzzy",
    "GeoRadius",
    "GeoShape",
    "Ids",
    "Infix",
    "Intersection",
    "LexRange",
    "Missing",
    "Node",
    "Not",
    "Nothing",
    "Numeric",
    "Optional",
    "Prefix",
    "Suffix",
    "Tag",
    "Term",
    "Union",
    "Vector",
    "Wildcard",
    "children",
]


@dataclass
class Attributes:
    """`=> { $weight: 2; $slop: 1; ... }`."""

    weight: float = 1.0
    slop: int | None = None
    in_order: bool | None = None
    phonetic: bool | None = None
    yield_distance_as: bytes = b""


@dataclass
class Node:
    """Any part of a query."""

    attributes: Attributes = dataclasses.field(default_factory=Attributes, kw_only=True)
    fields: tuple[bytes, ...] | None = dataclasses.field(default=None, kw_only=True)
    """The TEXT fields to look into; None: all; empty: none (an unknown one was named)."""
    beside: list[Node] = dataclasses.field(default_factory=list, kw_only=True)
    """What `a|the|b` leaves of b: it is part of the query, but nobody looks for it."""


@dataclass
class Nothing(Node):
    """No document: an empty query."""


@dataclass
class Everything(Node):
    """`*`."""


@dataclass
class Term(Node):
    """A word of TEXT fields or, in a `Tag`, a whole tag."""

    text: bytes
    expanded: bool = False
    """It was added by an expander."""
    verbatim: bool = False
    """No stems nor synonyms of it."""


@dataclass
class Prefix(Node):
    """`text*`."""

    text: bytes


@dataclass
class Suffix(Node):
    """`*text`."""

    text: bytes


@dataclass
class Infix(Node):
    """`*text*`."""

    text: bytes


@dataclass
class Wildcard(Node):
    """`w'te?t*'`."""

    pattern: bytes


@dataclass
class Fuzzy(Node):
    """`%text%`: within a Levenshtein distance."""

    text: bytes
    distance: int


@dataclass
class LexRange(Node):
    """Terms or tags between two (what FT.AGGREGATE never says, but prefixes with `@tag:{[a b]}` did)."""

    low: bytes | None
    high: bytes | None


@dataclass
class Exact(Node):
    """`"several words"`: side by side, in this order."""

    children: list[Node]


@dataclass
class Intersection(Node):
    """All of them (slop and order are in the attributes)."""

    children: list[Node]


@dataclass
class Union(Node):
    """Any of them."""

    children: list[Node]


@dataclass
class Not(Node):
    """`-child`."""

    child: Node


@dataclass
class Optional(Node):
    """`~child`: counts for the score only."""

    child: Node


@dataclass
class Numeric(Node):
    """`@field:[low high]`."""

    field: Field
    """Here and below: one that the schema lacks has no `type`, one of another type may be named too; neither finds anything."""
    low: float
    high: float
    includes_low: bool = True
    includes_high: bool = True


@dataclass
class GeoRadius(Node):
    """`@field:[longitude latitude radius unit]`."""

    field: Field
    longitude: float
    latitude: float
    radius: float
    unit: bytes


@dataclass
class GeoShape(Node):
    """`@field:[WITHIN $shape]`."""

    field: Field
    operation: bytes
    shape: bytes
    """Well-known text."""


@dataclass
class Tag(Node):
    """`@field:{one | other}`: each child is a Term, Prefix, Suffix, Infix or Wildcard, or an Intersection of Terms: a tag of several words.

    Their texts are as the query has them (`tag_text` of text/tokens.py makes them those of the index).
    """

    field: Field
    children: list[Node]


@dataclass
class Missing(Node):
    """`ismissing(@field)`."""

    field: Field


@dataclass
class Vector(Node):
    """`filter=>[KNN k @field $blob]` (`child` is the filter) or `@field:[VECTOR_RANGE radius $blob]`."""

    field: Field
    blob: bytes
    k: int | None
    """None: a range."""
    radius: float = 0.0
    child: Node | None = None
    score_as: bytes = b""
    """By which name the distance is known; empty: by none (a range)."""
    named: bool = False
    """AS has said it."""
    parameter: bytes = b""
    """The parameter that has the blob, as FT.EXPLAIN names it."""
    parameters: dict[bytes, bytes] = dataclasses.field(default_factory=dict)
    """EF_RUNTIME, EPSILON, HYBRID_POLICY, BATCH_SIZE."""


@dataclass
class Ids(Node):
    """These keys only (INKEYS)."""

    keys: list[bytes]


def children(node: Node) -> list[Node]:
    """The nodes right below one."""
    if isinstance(node, (Exact, Intersection, Union, Tag)):
        return node.children
    if isinstance(node, (Not, Optional)):
        return [node.child, *node.beside]
    return [node.child, *node.beside] if isinstance(node, Vector) and node.child is not None else node.beside
