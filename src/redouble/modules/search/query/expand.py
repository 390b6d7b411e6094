"""What a word may also be: the groups of its synonyms, its sound, its stem."""

from __future__ import annotations

from collections.abc import Callable

from redouble.core.errors import CommandError
from redouble.modules.search.query import tree
from redouble.modules.search.schema import Schema
from redouble.modules.search.text.phonetic import metaphone
from redouble.modules.search.text.stems import stemmer

__all__ = ["expand"]


def expand(node: tree.Node, schema: Schema, language: bytes = b"english", expander: bytes = b"DEFAULT") -> tree.Node:
    """The tree with a union in the place of each word that has other forms.

    `expander` is DEFAULT, SBSTEM, SYNONYM or PHONETIC, as EXPANDER says; any other has no other forms.  Exact phrases, tags, and what
    is excluded or optional stay as they are.
    """
    steps = {b"DEFAULT": (_synonyms, _sound, _stems), b"SBSTEM": (_stems,), b"SYNONYM": (_synonyms,)}
    steps[b"PHONETIC"] = (_always_sound,)
    return _expand(node, steps.get(expander, ()), schema, language)


Step = Callable[[tree.Term, Schema, bytes], list[bytes]]


def _expand(node: tree.Node, steps: tuple[Step, ...], schema: Schema, language: bytes) -> tree.Node:
    if isinstance(node, tree.Term):
        if node.verbatim or not node.text:
            return node
        forms = [form for step in steps for form in step(node, schema, language)]
        if not forms:
            return node
        others = (tree.Term(form, expanded=True, fields=node.fields) for form in forms)
        return tree.Union([node, *others], fields=node.fields)
    if isinstance(node, (tree.Intersection, tree.Union)):
        node.children = [_expand(child, steps, schema, language) for child in node.children]
    return node


def _synonyms(term: tree.Term, schema: Schema, language: bytes) -> list[bytes]:
    return [b"~" + group for group in schema.synonyms.get(term.text, ())]


def _sound(term: tree.Term, schema: Schema, language: bytes) -> list[bytes]:
    wanted = term.attributes.phonetic
    possible = any(
        field.phonetic and (not term.fields or field.name in term.fields)
        for field in schema.fields
        if field.type == b"TEXT"
    )
    if wanted is not None and not possible:
        raise CommandError("field does not support phonetics")
    return _always_sound(term, schema, language) if possible and wanted is not False else []


def _always_sound(term: tree.Term, schema: Schema, language: bytes) -> list[bytes]:
    sound = metaphone(term.text)
    return [b"<" + sound] if sound else []


def _stems(term: tree.Term, schema: Schema, language: bytes) -> list[bytes]:
    stem = stemmer(language)(term.text)
    return [b"+" + stem] if stem == term.text else [b"+" + stem, stem]
