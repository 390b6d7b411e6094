"""From the text of a query to its tree, as RediSearch's two grammars read it: the one of dialect 1, and the one of all others."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from redouble.modules.search.query import tree
from redouble.modules.search.query.check import check_empty
from redouble.modules.search.query.dialect_1 import Dialect1
from redouble.modules.search.query.dialect_2 import Dialect2
from redouble.modules.search.schema import Schema
from redouble.modules.search.text.stop_words import stop_words_of

__all__ = ["parse"]


def parse(
    text: bytes,
    schema: Schema,
    dialect: int,
    params: Mapping[bytes, bytes] | None = None,
    *,
    stop_words: Collection[bytes] | None = None,
    is_asked: bool = True,
) -> tree.Node:
    """The tree of a query, not yet expanded.

    `stop_words` are those of the schema unless told.  A query that is not asked may lack parameters, and look for empty words.
    Raises CommandError with the text of the real one.
    """
    words = stop_words_of(schema.stop_words) if stop_words is None else stop_words
    grammar = (Dialect1 if dialect == 1 else Dialect2)(text, schema, params or {}, words)
    root = grammar.query()
    if root is None:
        return tree.Nothing()
    if is_asked:
        grammar.parameters.resolve(root)
        check_empty(root, schema)
    return root
