"""The grammar of dialects 2, 3 and 4.

A part is *textual* as long as it names no field; a field can only be given to textual parts (`@title:(a|b)`).
"""

from __future__ import annotations

from typing import ClassVar, Final

from redouble.core.errors import CommandError
from redouble.modules.search.query import tree
from redouble.modules.search.query.grammar import Grammar, Part, shown
from redouble.modules.search.query.lexer import Token, number_of
from redouble.modules.search.query.parameters import pattern_of
from redouble.modules.search.text.tokens import QUOTED, normalize, unescape

__all__ = ["Dialect2"]

TAGLIKE: Final = (
    *(tree.Term, tree.Intersection, tree.Exact),
    *(tree.Prefix, tree.Suffix, tree.Infix, tree.Wildcard, tree.LexRange),
)
SHAPE_QUERIES: Final = (b"WITHIN", b"CONTAINS", b"DISJOINT", b"INTERSECTS")


class Dialect2(Grammar):
    """That of dialects 2, 3 and 4."""

    number = 2
    conjunction = 50
    union = 10
    arrow = 60
    strength: ClassVar[dict[str, int]] = {
        "ISMISSING": 20,
        "MODIFIER": 20,
        "COMPARISON": 20,
        "EXACT": 30,
        "EMPTY": 30,
        "QUOTE": 30,
        "TERM": 30,
        "AS": 30,
        "LP": 40,
        "MINUS": 45,
        "TILDE": 45,
        "NUMBER": 80,
        "SIZE": 80,
        "PREFIX": 90,
        "SUFFIX": 90,
        "INFIX": 90,
        "PERCENT": 90,
        "ATTRIBUTE": 90,
        "WILDCARD": 90,
    }
    colon = 70

    WORDS: ClassVar[tuple[str, ...]] = ("TERM", "AS", "EXACT", "EMPTY", "ISMISSING")
    """What is a word where nothing else is meant."""
    NUMBERS: ClassVar[tuple[str, ...]] = ("SIZE", "NUMBER")
    PARAMETRIC: ClassVar[tuple[str, ...]] = (*WORDS, *NUMBERS, "ATTRIBUTE")

    def query(self) -> tree.Node | None:
        if self.follows("END"):
            return None
        depth = 0
        while self.tokens[depth].kind == "LP":
            depth += 1
        node: tree.Node | None
        if self.tokens[depth].kind == "STAR":
            self.at = depth + 1
            for _ in range(depth):
                self.expect("RP")
            node = tree.Everything()
            if self.follows("ARROW") and self.tokens[self.at + 1].kind != "LSQB":
                self.next()
                raise self.syntax_error()
        else:
            node, _ = self.sequence(0)
        if self.follows("ARROW"):
            self.next()
            self.expect("LSQB")
            node = self.nearest(None if isinstance(node, tree.Everything) else node)
        self.expect("END")
        return node

    def ends_here(self, bound: int, joined: bool) -> bool:
        # Only the whole query goes on with a vector's.
        return bound == 0 and self.depth == 0 and self.tokens[self.at + 1].kind == "LSQB"

    def joins(self, kind: str, bound: int, textual: bool) -> bool:
        if textual:
            kind = "TERM" if kind == "ISMISSING" else "" if kind in ("MODIFIER", "COMPARISON") else kind
        return self.strength.get(kind, 0) > bound

    def alternative(self, textual: bool, joined: bool, is_text: bool) -> Part:
        if not joined:
            return self.sequence(self.union, textual)
        if is_text:  # a union of texts goes on with texts only
            return self.sequence(self.union, True)
        part = self.sequence(self.union, textual)
        # After others a text begins a union of its own with what comes next.
        return self.sequence(self.union - 1, textual, part) if part[1] else part

    def further(self, left: tree.Node | None, right: tree.Node | None) -> tree.Node | None:
        # Where one of two alternatives was a stop word, a third one is put into the other, whatever that is; most never look at it.
        if left is None or right is None or isinstance(left, tree.Union):
            return self.either(left, right)
        left.fields = None if left.fields is None or right.fields is None else (*left.fields, *right.fields)
        if isinstance(left, (tree.Intersection, tree.Exact)):
            left.children.append(right)
        elif not isinstance(left, tree.Tag):
            left.beside.append(right)
        elif isinstance(right, TAGLIKE):
            left.children.append(right)
        return left

    def attribute_value(self) -> bytes:
        token = self.expect(*self.PARAMETRIC)
        return self.parameters.get(token.text) if token.kind == "ATTRIBUTE" else token.text

    def operand(self, textual: bool) -> Part:
        token = self.token
        kind = "TERM" if textual and token.kind == "ISMISSING" else token.kind
        if kind in ("PREFIX", "SUFFIX", "INFIX"):
            return self.affix(), True
        if kind == "WILDCARD":
            return self.wildcard(), True
        if kind in ("TERM", "AS"):
            stop = self.is_stop_word(token.text)
            node = self.term()
            return (None if stop else node), True
        if kind in ("NUMBER", "SIZE", "ATTRIBUTE"):
            return self.term(), True
        self.next()
        if kind in ("EXACT", "EMPTY"):
            return exact(token.text), True
        if kind == "QUOTE":
            # It is not closed; the text goes on with a word at most.
            self.expect("ATTRIBUTE")
            raise self.syntax_error()
        if kind == "LP":
            return self.parenthesis(textual)
        if kind in ("MINUS", "TILDE"):
            inner, is_text = self.sequence(self.strength[kind], textual)
            wrapper = tree.Not if kind == "MINUS" else tree.Optional
            return (None if inner is None else wrapper(inner)), is_text
        if kind == "PERCENT":
            return self.fuzzy(), True
        if not textual:
            if kind == "MODIFIER":
                return self.modified(unescape(token.text)), False
            if kind == "COMPARISON":
                return self.comparison(token), False
            if kind == "ISMISSING":
                self.expect("LP")
                name = self.modifier()
                self.expect("RP")
                return tree.Missing(self.field(name, b"")), False
        self.at -= 1
        raise self.syntax_error()

    def term(self, as_tag: bool = False) -> tree.Term:
        """A word, a number or a parameter; a whole tag keeps its capitals and backslashes."""
        token = self.expect(*self.PARAMETRIC)
        if token.kind == "ATTRIBUTE":
            node = tree.Term(token.text)
            if as_tag:
                self.parameters.text(node, token.text)
            else:
                self.parameters.term(node, token.text)
            return node
        if token.kind in self.NUMBERS or as_tag:
            return tree.Term(token.text, verbatim=True)
        return tree.Term(normalize(token.text))

    def modifier(self) -> bytes:
        """The name of a field where no comparison can stand."""
        if self.follows("COMPARISON"):
            self.token.near = self.token.operator
        return unescape(self.expect("MODIFIER").text)

    def wildcard(self) -> tree.Node:
        token = self.next()
        node = tree.Wildcard(pattern_of(token.text))
        if token.parameter:
            self.parameters.pattern(node, token.text)
        return node

    def fuzzy(self) -> tree.Node:
        distance = 1
        while distance < 3 and self.follows("PERCENT"):
            self.next()
            distance += 1
        token = self.expect(*self.PARAMETRIC)
        node = tree.Fuzzy(normalize(token.text), distance)
        if token.kind == "ATTRIBUTE":
            self.parameters.term(node, token.text)
        for _ in range(distance):
            self.expect("PERCENT")
        return node

    def comparison(self, token: Token) -> tree.Node:
        """`@field >= number`."""
        field = self.field(unescape(token.text), b"NUMERIC")
        node = tree.Numeric(field, float("-inf"), float("inf"))
        sides = {b">": ("low",), b">=": ("low",), b"<": ("high",), b"<=": ("high",)}.get(
            token.operator, ("low", "high")
        )
        node.includes_low, node.includes_high = token.operator != b">", token.operator != b"<"
        name = token.operand.lstrip(b"-")
        for side in sides:
            if name[:1] == b"$":
                self.parameters.number(node, side, name[1:], token.operand[:1] == b"-")
            else:
                setattr(node, side, number_of(token.operand))
        return tree.Not(node) if token.operator == b"!=" else node

    def further_name(self) -> bytes:
        if self.follows("EMPTY"):
            raise self.syntax_error()
        return self.expect(*self.WORDS, *self.NUMBERS).text

    def tags(self) -> list[tree.Node]:
        tags: list[tree.Node] = []
        self.next()
        while True:
            if self.follows("PREFIX", "SUFFIX", "INFIX"):
                tags.append(self.affix())
            elif self.follows("WILDCARD"):
                tags.append(self.wildcard())
            elif self.follows(*self.PARAMETRIC) and self.tokens[self.at + 1].kind in self.PARAMETRIC:
                words = [self.term(), self.term()]
                while self.follows(*self.PARAMETRIC):
                    stop = self.follows(*self.WORDS) and self.is_stop_word(self.token.text)
                    word = self.term()
                    if not stop:
                        words.append(word)
                tags.append(tree.Intersection([*words]))
            else:
                tags.append(self.term(as_tag=True))
            if self.expect("OR", "RB").kind == "RB":
                return tags

    def brackets(self, name: bytes) -> tree.Node:
        """A range of numbers, a circle, a shape, or vectors within a distance."""
        self.next()
        if self.follows(*self.WORDS):
            return self.named_brackets(name)
        node = tree.Numeric(self.field(name, b"NUMERIC"), 0, 0)
        node.includes_low = not self.follows("LP")
        low = self.operand_number(exclusive=True)
        if node.includes_low and self.follows("RSQB"):
            self.next()
            self.set_number(node, "low", low)
            self.set_number(node, "high", low)
            return node
        node.includes_high = not self.follows("LP")
        high = self.operand_number(exclusive=True)
        if self.follows("RSQB") or not (node.includes_low and node.includes_high):
            self.expect("RSQB")
            self.set_range(node, low, high)
            return node
        radius = self.operand_number()
        circle = tree.GeoRadius(self.field(name, b"GEO"), 0, 0, 0, b"")
        unit = self.expect(*self.PARAMETRIC)
        self.expect("RSQB")
        for side, number in (("longitude", low), ("latitude", high), ("radius", radius)):
            self.set_number(circle, side, number)
        if unit.kind in self.NUMBERS:
            raise CommandError("Invalid GeoFilter unit")
        circle.unit = unit.text.lower()
        if unit.kind == "ATTRIBUTE":
            self.parameters.unit(circle, unit.text)
        return circle

    def operand_number(self, exclusive: bool = False) -> Token:
        """A number or a parameter with its sign: a token whose `operator` is `-` if the value is the negative."""
        if exclusive and self.follows("LP"):
            self.next()
        negative, signs = False, 0
        while self.follows("MINUS"):
            self.next()
            negative, signs = not negative, signs + 1
        token = self.expect(*self.NUMBERS, *(("ATTRIBUTE",) if signs < 2 else ()))
        token.operator = b"-" if negative else b""
        return token

    def set_number(self, node: tree.Node, side: str, token: Token) -> None:
        negative = token.operator == b"-"
        if token.kind == "ATTRIBUTE":
            self.parameters.number(node, side, token.text, negative)
        else:
            setattr(node, side, -token.number if negative else token.number)

    def set_range(self, node: tree.Numeric, low: Token, high: Token) -> None:
        for side, token in (("low", low), ("high", high)):
            if token.kind == "ATTRIBUTE":
                self.parameters.bound(node, side, token.text, token.operator == b"-")
            else:
                self.set_number(node, side, token)

    def named_brackets(self, name: bytes) -> tree.Node:
        word = self.next()
        if self.follows("ATTRIBUTE") and self.tokens[self.at + 1].kind == "RSQB":
            parameter = self.next()
            self.next()
            if word.text.upper() not in SHAPE_QUERIES:
                raise CommandError(f"Syntax error: Expecting a geoshape predicate at offset {parameter.position}")
            shape = tree.GeoShape(self.field(name, b"GEOSHAPE"), word.text.upper(), b"")
            self.parameters.text(shape, parameter.text, "shape")
            return shape
        radius = self.operand_number()
        blob = self.expect("ATTRIBUTE")
        if word.text.upper() != b"VECTOR_RANGE":
            raise CommandError(
                "Syntax error: expecting vector similarity range command"
                f" at offset {word.position} near {shown(word.text)}"
            )
        self.expect("RSQB")
        node = tree.Vector(self.field(name, b"VECTOR"), b"", None, parameter=blob.text)
        self.parameters.text(node, blob.text, "blob")
        self.set_number(node, "radius", radius)
        return node

    def nearest(self, filter: tree.Node | None) -> tree.Node:
        """What stands in brackets after the arrow, of which the first was read: `KNN 10 @field $blob`, and attributes after it."""
        word = self.expect(*self.WORDS)
        k = self.expect("SIZE", "ATTRIBUTE")
        name = self.modifier()
        blob = self.expect("ATTRIBUTE")
        if word.text.upper() != b"KNN":
            raise CommandError(
                f"Syntax error: Expecting Vector Similarity command at offset {word.position} near {shown(word.text)}"
            )
        node = tree.Vector(self.field(name, b"VECTOR"), b"", 0, child=filter, parameter=blob.text)
        self.parameters.text(node, blob.text, "blob")
        if k.kind == "ATTRIBUTE":
            self.parameters.size(node, "k", k.text)
        else:
            node.k = int(k.text)
        while self.follows("TERM", "EXACT", "EMPTY", "ISMISSING"):
            option = self.next()
            value = self.expect(*self.PARAMETRIC)
            node.parameters[option.text] = value.text
            if value.kind == "ATTRIBUTE":
                self.parameters.option(node, option.text, value.text)
        if self.follows("AS"):
            self.next()
            score = self.expect(*self.PARAMETRIC)
            node.score_as, node.named = score.text, True
            if score.kind == "ATTRIBUTE":
                self.parameters.text(node, score.text, "score_as")
        self.expect("RSQB")
        if self.follows("ARROW"):
            self.next()
            self.set_attributes(node, self.read_attributes())
        if not node.named:
            node.score_as = b"__" + name + b"_score"
        return node


def exact(text: bytes) -> tree.Node:
    """What stood between quotes."""
    if not text:
        return tree.Term(b"", verbatim=True)
    terms = [tree.Term(normalize(word), verbatim=True) for word in QUOTED.findall(text)]
    return tree.Exact([*terms])
