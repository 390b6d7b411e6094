"""From the text of a query to its tree, as RediSearch's two grammars read it: the one of dialect 1, and the one of all others.

Both are written by precedence: what follows an operand is taken in if it binds stronger than what the operand belongs to.  A kind of token
has one strength, so that `-a b` is `(-a) b` where a word is weaker than a minus, and `-a %b%` is `-(a %b%)`, because a percent sign is
stronger.  `Grammar` has what both share, `Dialect1` and `Dialect2` the rest.

In dialect 2 a part is *textual* as long as it names no field; a field can only be given to textual parts (`@title:(a|b)`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import ClassVar, Final

from redouble.core.errors import CommandError
from redouble.modules.search.query import tree
from redouble.modules.search.query.check import check_empty, check_place
from redouble.modules.search.query.lexer import Token, number_of, tokenize
from redouble.modules.search.query.parameters import Parameters, boolean, double, integer, pattern_of
from redouble.modules.search.schema import Field, Schema
from redouble.modules.search.text.stop_words import stop_words_of
from redouble.modules.search.text.tokens import QUOTED, normalize, unescape

__all__ = ["parse"]

Part = tuple["tree.Node | None", bool]
"""A node (None: only stop words were there), and whether it is textual."""
Bound = tuple[float, bool]

DEEPEST: Final = 100
TOO_DEEP: Final = "Parser stack overflow. Try moving nested parentheses more to the left"
AFFIXES: Final[dict[str, type[tree.Prefix | tree.Suffix | tree.Infix]]] = {
    "PREFIX": tree.Prefix,
    "SUFFIX": tree.Suffix,
    "INFIX": tree.Infix,
}
TAGLIKE: Final = (
    *(tree.Term, tree.Intersection, tree.Exact),
    *(tree.Prefix, tree.Suffix, tree.Infix, tree.Wildcard, tree.LexRange),
)
SHAPE_QUERIES: Final = (b"WITHIN", b"CONTAINS", b"DISJOINT", b"INTERSECTS")


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


class Grammar:
    """What both grammars have: a reader of tokens, and how parts become nodes."""

    number: ClassVar[int]
    conjunction: ClassVar[int]
    """The strength with which parts are joined that stand side by side."""
    union: ClassVar[int]
    arrow: ClassVar[int]
    strength: ClassVar[dict[str, int]]
    """Of the tokens with which an operand can begin."""

    def __init__(
        self, text: bytes, schema: Schema, params: Mapping[bytes, bytes], stop_words: Collection[bytes]
    ) -> None:
        self.tokens = tokenize(text, self.number)
        self.at = 0
        self.depth = 0
        self.schema = schema
        self.stop_words = stop_words
        self.parameters = Parameters(params)

    # Tokens.

    @property
    def token(self) -> Token:
        return self.tokens[self.at]

    def next(self) -> Token:
        token = self.tokens[self.at]
        self.at += 1
        return token

    def follows(self, *kinds: str) -> bool:
        return self.tokens[self.at].kind in kinds

    def expect(self, *kinds: str) -> Token:
        if self.tokens[self.at].kind not in kinds:
            raise self.syntax_error()
        return self.next()

    def syntax_error(self) -> CommandError:
        token = self.token
        return CommandError(f"Syntax error at offset {token.position} near {shown(token.near)}")

    # Nodes.

    def is_stop_word(self, text: bytes) -> bool:
        return text.lower() in self.stop_words

    def field(self, name: bytes, type: bytes) -> Field:
        """The field that is meant, or one of no type."""
        return self.schema.find(name, type) or self.schema.find(name) or Field(name, name, b"")

    def restrict(self, node: tree.Node, names: Collection[bytes]) -> None:
        """Look only into these TEXT fields, and of those only into the ones that the parts already have."""
        allowed = tuple(
            field.name
            for field in self.schema.fields
            if field.type == b"TEXT" and field.name in names and not field.no_index
        )

        def visit(node: tree.Node) -> None:
            node.fields = allowed if node.fields is None else tuple(name for name in allowed if name in node.fields)
            for child in tree.children(node):
                visit(child)

        visit(node)

    def join(self, left: tree.Node | None, right: tree.Node | None) -> tree.Node | None:
        """Both of them; further parts go to an intersection that is there already."""
        if left is None or right is None:
            return left or right
        if isinstance(left, tree.Intersection) and left.fields is None:
            left.children.append(right)
            return left
        return tree.Intersection([left, right])

    def either(self, left: tree.Node | None, right: tree.Node | None) -> tree.Node | None:
        """One of them."""
        if left is None or right is None:
            return left or right
        if isinstance(left, tree.Union) and left.fields is None:
            left.children.append(right)
            return left
        return tree.Union([left, right])

    def further(self, left: tree.Node | None, right: tree.Node | None) -> tree.Node | None:
        """One more alternative."""
        return self.either(left, right)

    def set_attributes(self, node: tree.Node | None, attributes: list[tuple[bytes, bytes]]) -> None:
        if node is not None:
            for name, value in attributes:
                _set_attribute(node, name, value)

    def read_attributes(self) -> list[tuple[bytes, bytes]]:
        """What stands between braces after an arrow."""
        found: list[tuple[bytes, bytes]] = []
        self.expect("LB")
        while not self.follows("RB"):
            if self.follows("SEMICOLON"):
                self.next()
                continue
            if found and self.tokens[self.at - 1].kind != "SEMICOLON":
                raise self.syntax_error()
            name = self.expect("ATTRIBUTE").text
            self.expect("COLON")
            found.append((name, self.attribute_value()))
        self.next()
        return found

    # Parts.

    def query(self) -> tree.Node | None:
        raise NotImplementedError

    def attribute_value(self) -> bytes:
        raise NotImplementedError

    def operand(self, textual: bool) -> Part:
        """The part that begins here."""
        raise NotImplementedError

    def sequence(self, bound: int, textual: bool = False, first: Part | None = None) -> Part:
        """An operand (`first` if it was read) and what follows, as long as that is stronger than `bound`."""
        node, is_text = first or self.operand(textual)
        joined = False
        while True:
            kind = self.token.kind
            if kind == "ARROW" and self.arrow > bound and not self.ends_here(bound, joined):
                self.next()
                self.set_attributes(node, self.read_attributes())
            elif kind == "OR" and self.union > bound:
                self.next()
                other, other_is_text = self.alternative(textual, joined, is_text)
                node = self.further(node, other) if joined else self.either(node, other)
                is_text, joined = is_text and other_is_text, True
            elif self.joins(kind, bound, textual):
                other, other_is_text = self.sequence(self.conjunction, textual)
                node, is_text, joined = self.join(node, other), is_text and other_is_text, False
            else:
                return node, is_text

    def joins(self, kind: str, bound: int, textual: bool) -> bool:
        """Whether a token begins an operand that is taken in."""
        return self.strength.get(kind, 0) > bound

    def ends_here(self, bound: int, joined: bool) -> bool:
        """Whether an arrow ends the part."""
        return False

    def alternative(self, textual: bool, joined: bool, is_text: bool) -> Part:
        """What follows a bar; `joined` if another bar was before, `is_text` if what was before is textual."""
        return self.sequence(self.union, textual)

    def parenthesis(self, textual: bool) -> Part:
        """What stands in parentheses, of which the first was read."""
        self.depth += 1
        if self.depth > DEEPEST:
            raise CommandError(TOO_DEEP)
        part = self.sequence(0, textual)
        self.expect("RP")
        self.depth -= 1
        return part

    def affix(self) -> tree.Node:
        token = self.next()
        node = AFFIXES[token.kind](token.text)
        if token.parameter:
            self.parameters.term(node, token.text)
        return node

    def numeric(self, name: bytes, low: Bound, high: Bound) -> tree.Numeric:
        return tree.Numeric(self.field(name, b"NUMERIC"), low[0], high[0], low[1], high[1])


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
    modifier: ClassVar[int] = 16

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

    def modified(self, name: bytes) -> tree.Node | None:
        names = [name]
        while self.follows("OR"):
            self.next()
            names.append(self.word().text)
        self.expect("COLON")
        if len(names) == 1 and self.follows("LB"):
            return tree.Tag(self.field(name, b"TAG"), self.tags())
        if len(names) == 1 and self.follows("LSQB"):
            return self.brackets(name)
        node, _ = self.sequence(self.modifier)
        if node is not None:
            self.restrict(node, names)
        return node

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
    colon: ClassVar[int] = 70

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

    def modified(self, name: bytes) -> tree.Node | None:
        names = [name]
        while self.follows("OR"):
            self.next()
            if self.follows("EMPTY"):
                raise self.syntax_error()
            names.append(self.expect(*self.WORDS, *self.NUMBERS).text)
        self.expect("COLON")
        if len(names) == 1 and self.follows("LB"):
            return tree.Tag(self.field(name, b"TAG"), self.tags())
        if len(names) == 1 and self.follows("LSQB"):
            return self.brackets(name)
        node, _ = self.sequence(self.colon, textual=True)
        if node is not None:
            self.restrict(node, names)
        return node

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


def shown(text: bytes) -> str:
    """As an error shows it."""
    return text.partition(b"\0")[0].decode(errors="surrogateescape")


def _set_attribute(node: tree.Node, name: bytes, value: bytes) -> None:
    word = name.lower()
    attributes = node.attributes
    invalid = CommandError(f"Invalid value ({shown(value)}) for `{shown(name)}`")
    if not value:
        raise invalid
    number: float | int | None
    if word == b"slop":
        number = integer(value)
        if number is None or number < -1:
            raise invalid
        attributes.slop = None if number == -1 else int(number)
    elif word in (b"inorder", b"phonetic"):
        choice = boolean(value)
        if choice is None:
            raise invalid
        if word == b"inorder":
            attributes.in_order = choice
        else:
            attributes.phonetic = choice
    elif word == b"weight":
        number = double(value)
        if number is None or number < 0:
            raise invalid
        attributes.weight = number
    elif word == b"yield_distance_as" and isinstance(node, tree.Vector):
        attributes.yield_distance_as = value
    elif word in (b"ef_runtime", b"epsilon", b"hybrid_policy", b"batch_size") and isinstance(node, tree.Vector):
        node.parameters[name] = value
    else:
        raise CommandError(f"Invalid attribute {shown(name)}")
