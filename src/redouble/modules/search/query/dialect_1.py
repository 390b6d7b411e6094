"""The grammar of dialect 1."""

from __future__ import annotations

from typing import ClassVar

from redouble.modules.search.query import tree
from redouble.modules.search.query.check import check_place
from redouble.modules.search.query.grammar import Bound, Grammar, Part
from redouble.modules.search.query.lexer import Token
from redouble.modules.search.text.tokens import normalize, unescape

__all__ = ["Dialect1"]


class Dialect1(Grammar):
    """Where every word goes on with the words after it, and `-a b` is `-(a b)`."""

    number = 1
    conjunction = 17
    union = 18
    arrow = 20
    strength: ClassVar[dict[str, int]] = {
        "TILDE": 2,
        "QUOTE": 4,
        "MINUS": 6,
        "NUMBER": 7,
        "TERM": 10,
        "AS": 10,
        "ISMISSING": 10,
        "PREFIX": 11,
        "SUFFIX": 11,
        "INFIX": 11,
        "PERCENT": 12,
        "LP": 14,
        "MODIFIER": 16,
    }
    stop_word: ClassVar[int] = 8
    colon = 16

    WORDS: ClassVar[tuple[str, ...]] = ("TERM", "AS", "ISMISSING")

    def query(self) -> tree.Node | None:
        if self.follows("END"):
            return None
        if self.follows("STAR"):
            self.next()
            self.expect("END")
            return tree.Everything()
        node, _ = self.sequence(0)
        self.expect("END")
        return node

    def joins(self, kind: str, bound: int, textual: bool) -> bool:
        strength = self.stop_word if self.at_stop_word() else self.strength.get(kind, 0)
        return strength > bound

    def at_stop_word(self) -> bool:
        return self.follows(*self.WORDS) and self.is_stop_word(self.token.text)

    def at_word(self) -> bool:
        return self.follows("NUMBER", *self.WORDS) and not self.at_stop_word()

    def word(self) -> Token:
        """A word that is no stop word, or a number."""
        if not self.at_word():
            raise self.syntax_error()
        return self.next()

    def attribute_value(self) -> bytes:
        return self.word().text

    def operand(self, textual: bool) -> Part:
        token = self.token
        if self.at_stop_word():
            self.next()
            return None, True
        if self.at_word():
            terms = [tree.Term(normalize(self.next().text))]
            if self.at_word():
                terms.append(tree.Term(normalize(self.next().text)))
                # A number would begin a list of its own.
                while self.at_word() and not self.follows("NUMBER"):
                    terms.append(tree.Term(normalize(self.next().text)))
            return (tree.Intersection([*terms]) if len(terms) > 1 else terms[0]), True
        if token.kind in ("PREFIX", "SUFFIX", "INFIX"):
            return self.affix(), True
        self.next()
        if token.kind == "QUOTE":
            return self.quoted(), True
        if token.kind == "LP":
            return self.parenthesis(textual)
        if token.kind in ("MINUS", "TILDE"):
            node, _ = self.sequence(self.strength[token.kind])
            kind = tree.Not if token.kind == "MINUS" else tree.Optional
            return (None if node is None else kind(node)), True
        if token.kind == "PERCENT":
            return self.fuzzy(), True
        if token.kind == "MODIFIER":
            return self.modified(unescape(token.text)), False
        self.at -= 1
        raise self.syntax_error()

    def quoted(self) -> tree.Node:
        words = [self.word()]
        while not self.follows("QUOTE"):
            if len(words) > 1 and self.at_stop_word():
                self.next()
            else:
                words.append(self.word())
        self.next()
        terms = [tree.Term(normalize(word.text), verbatim=True) for word in words]
        return tree.Exact([*terms]) if len(terms) > 1 else terms[0]

    def fuzzy(self) -> tree.Node:
        distance = 1
        while distance < 3 and self.follows("PERCENT"):
            self.next()
            distance += 1
        text = self.expect("NUMBER", *self.WORDS).text
        for _ in range(distance):
            self.expect("PERCENT")
        return tree.Fuzzy(normalize(text), distance)

    def further_name(self) -> bytes:
        return self.word().text

    def tags(self) -> list[tree.Node]:
        """The braces need not be closed, and a list goes on after them."""
        tags: list[tree.Node] = []
        self.next()
        while True:
            if self.follows("PREFIX", "SUFFIX", "INFIX"):
                tags.append(self.affix())
            elif self.at_stop_word():
                tags.append(tree.Term(self.next().text, verbatim=True))
            else:
                words = [self.word().text]
                while self.at_word() or (len(words) > 1 and self.at_stop_word()):
                    if self.at_stop_word():
                        self.next()
                    else:
                        words.append(self.next().text)
                if len(words) == 1:
                    tags.append(tree.Term(words[0], verbatim=True))
                else:
                    tags.append(tree.Intersection([tree.Term(normalize(word), verbatim=True) for word in words]))
            while self.follows("RB"):
                self.next()
            if not self.follows("OR"):
                return tags
            self.next()

    def brackets(self, name: bytes) -> tree.Node:
        self.next()
        low, high = self.bound(), self.bound()
        if self.follows("RSQB"):
            self.next()
            return self.numeric(name, low, high)
        radius = self.bound()[0]
        if not self.at_word() or self.follows("NUMBER"):
            raise self.syntax_error()
        unit = self.next().text
        self.expect("RSQB")
        node = tree.GeoRadius(self.field(name, b"GEO"), low[0], high[0], radius, unit.lower())
        check_place(node)
        return node

    def bound(self) -> Bound:
        if self.follows("LP"):
            self.next()
            return self.bound()[0], False
        if self.follows("MINUS"):
            self.next()
            value, included = self.bound()
            return -value, included
        return self.expect("NUMBER").number, True
