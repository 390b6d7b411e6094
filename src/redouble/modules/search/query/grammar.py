"""What the grammars of all dialects share: a reader of tokens, and how parts become nodes.

They are written by precedence: what follows an operand is taken in if it binds stronger than what the operand belongs to.  A kind of token
has one strength, so that `-a b` is `(-a) b` where a word is weaker than a minus, and `-a %b%` is `-(a %b%)`, because a percent sign is
stronger.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import ClassVar, Final

from redouble.core.errors import CommandError
from redouble.modules.search.query import tree
from redouble.modules.search.query.lexer import Token, tokenize
from redouble.modules.search.query.parameters import Parameters, boolean, double, integer
from redouble.modules.search.schema import Field, Schema

__all__ = ["Bound", "Grammar", "Part", "shown"]

Part = tuple["tree.Node | None", bool]
"""A node (None: only stop words were there), and whether it is textual (`Dialect2`)."""
Bound = tuple[float, bool]

DEEPEST: Final = 100
TOO_DEEP: Final = "Parser stack overflow. Try moving nested parentheses more to the left"
AFFIXES: Final[dict[str, type[tree.Prefix | tree.Suffix | tree.Infix]]] = {
    "PREFIX": tree.Prefix,
    "SUFFIX": tree.Suffix,
    "INFIX": tree.Infix,
}


class Grammar:
    """What both grammars have: a reader of tokens, and how parts become nodes."""

    number: ClassVar[int]
    conjunction: ClassVar[int]
    """The strength with which parts are joined that stand side by side."""
    union: ClassVar[int]
    arrow: ClassVar[int]
    colon: ClassVar[int]
    """Of what looks into the fields before it."""
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

    def modified(self, name: bytes) -> tree.Node | None:
        """What looks into certain fields, of which the first was read."""
        names = [name]
        while self.follows("OR"):
            self.next()
            names.append(self.further_name())
        self.expect("COLON")
        if len(names) == 1 and self.follows("LB"):
            return tree.Tag(self.field(name, b"TAG"), self.tags())
        if len(names) == 1 and self.follows("LSQB"):
            return self.brackets(name)
        node, _ = self.sequence(self.colon, textual=True)
        if node is not None:
            self.restrict(node, names)
        return node

    def further_name(self) -> bytes:
        """One more field, behind a bar."""
        raise NotImplementedError

    def tags(self) -> list[tree.Node]:
        """What stands between braces."""
        raise NotImplementedError

    def brackets(self, name: bytes) -> tree.Node:
        """What stands between square brackets."""
        raise NotImplementedError

    def affix(self) -> tree.Node:
        token = self.next()
        node = AFFIXES[token.kind](token.text)
        if token.parameter:
            self.parameters.term(node, token.text)
        return node

    def numeric(self, name: bytes, low: Bound, high: Bound) -> tree.Numeric:
        return tree.Numeric(self.field(name, b"NUMERIC"), low[0], high[0], low[1], high[1])


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
