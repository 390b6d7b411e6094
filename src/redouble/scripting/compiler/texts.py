"""Python expressions for Lua ones, and how they become parts of others or statements of their own."""

from __future__ import annotations

from itertools import takewhile

from redouble.scripting.compiler.output import Output

__all__ = ["MAX_DEPTH", "TRUTHY", "Text", "Texts"]

MAX_DEPTH = 20
"""How deep the brackets of one Python expression nest."""
TRUTHY = frozenset(("number", "string", "function", "table"))
"""The kinds that are neither nil nor false."""


class Text:
    """A Python expression for a Lua one, the fast one and the slow (see the head of the package)."""

    __slots__ = ("constant", "depth", "fast", "kind", "line", "risky", "simple", "slow", "stable")

    def __init__(
        self,
        fast: str,
        slow: str = "",
        *,
        kind: str = "any",
        simple: bool = False,
        stable: bool = False,
        risky: bool = False,
        constant: bool = False,
        depth: int = 0,
        line: int = 0,
    ) -> None:
        self.fast = fast
        self.slow = slow or fast
        self.kind = kind
        """What `fast` certainly gives: number, string, function, table, boolean, nil; or any."""
        self.simple = simple
        """A name or a constant."""
        self.stable = stable
        """Nobody else's code can change it."""
        self.risky = risky
        """Whether `fast` may fail."""
        self.constant = constant
        """Whether Python may compute it when it compiles; it warns of a constant that is indexed or compared with `is`."""
        self.depth = depth
        self.line = line


class Texts(Output):
    """What can be done with expressions, whatever they compute."""

    def truth(self, text: Text) -> Text:
        if text.kind == "truth":
            return text
        if text.fast in ("None", "FALSE"):
            return Text("False", kind="truth", simple=True, stable=True)
        if text.fast == "TRUE" or (text.kind in TRUTHY and text.simple):
            return Text("True", kind="truth", simple=True, stable=True)
        if text.simple:
            name = text.fast
            return Text(f"({name} is not None and {name} is not FALSE)", kind="truth", stable=text.stable)
        name = self.temporary()
        form = f"(({name}:={{}}) is not None and {name} is not FALSE)"
        return self.combined(form, form, [text], kind="truth", line=text.line)

    def combined(self, fast: str, slow: str, parts: list[Text], *, kind: str, line: int, risky: bool = False) -> Text:
        """An expression of several."""
        stable, depth = not risky, 0
        line = line or next((part.line for part in parts if part.line), 0)
        elsewhere = max((place for place, part in enumerate(parts) if part.line not in (0, line)), default=-1)
        for place, part in enumerate(parts):
            if part.line and place <= elsewhere:
                part = parts[place] = self.settle(part)
            risky = risky or part.risky
            stable = stable and part.stable
            depth = max(depth, part.depth)
        return Text(
            fast.format(*[part.fast for part in parts]),
            slow.format(*[part.slow for part in parts]),
            kind=kind,
            risky=risky,
            stable=stable,
            constant=bool(parts) and all(part.constant for part in parts),
            depth=depth + 1,
            line=line,
        )

    def settle(self, text: Text, target: str = "") -> Text:
        """Evaluate an expression now, into a name."""
        if text.simple and text.stable and not target:
            return text
        name = target or self.temporary()
        self.assign(name, text)
        kind = text.kind if not text.risky or text.kind == "truth" else "any"
        return Text(name, kind=kind, simple=True, stable=True)

    def assign(self, name: str, text: Text) -> None:
        if text.line:
            self.line = text.line
        if text.risky:
            self.emit(f"try: {name} = {text.fast}")
            self.emit(f"except ERRORS: {name} = {text.slow}")
        else:
            self.emit(f"{name} = {text.fast}" if name != text.fast else "pass")

    def settle_all(self, texts: list[Text], unstable: bool, line: int = 0) -> None:
        """Evaluate those that may fail, together, and what may complain before them; with `unstable` also those that a
        call may change, with `line` also those that stand on another line."""

        def due(text: Text) -> bool:
            return (
                text.risky
                or (unstable and not (text.stable and not text.line))
                or (line != 0 and text.line not in (0, line))
            )

        last = max((place for place, text in enumerate(texts) if due(text)), default=-1)
        todo = [place for place, text in enumerate(texts[: last + 1]) if due(text) or text.line]
        while todo:
            here = texts[todo[0]].line
            group = list(takewhile(lambda place, here=here: texts[place].line in (here, 0), todo))  # type: ignore[misc]
            todo = todo[len(group) :]
            if len(group) == 1 or not any(texts[place].risky for place in group):
                for place in group:
                    texts[place] = self.settle(texts[place])
                continue
            names = [self.temporary() for _ in group]
            if here:
                self.line = here
            pairs = [(name, texts[place]) for name, place in zip(names, group)]
            self.emit("try: " + "; ".join(f"{name} = {text.fast}" for name, text in pairs))
            self.emit("except ERRORS: " + "; ".join(f"{name} = {text.slow}" for name, text in pairs))
            for name, place in zip(names, group):
                text = texts[place]
                texts[place] = Text(name, kind="any" if text.risky else text.kind, simple=True, stable=True)

    def plain(self, text: Text) -> str:
        """Text that cannot fail."""
        return self.settle(text).fast if text.risky else text.fast

    def settle_new(self, text: Text) -> str:
        name = self.temporary()
        self.assign(name, text)
        return name

    def as_value(self, text: Text) -> Text:
        if text.kind != "truth":
            return text
        form = "(TRUE if {} else FALSE)"
        return self.combined(form, form, [text], kind="boolean", line=text.line)
