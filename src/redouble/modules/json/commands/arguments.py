"""What all commands begin with: the key, the path, and JSON texts."""

from __future__ import annotations

from functools import partial
from typing import Any, Final, NoReturn

from redouble.core import notify
from redouble.core.client import Client
from redouble.core.command import Argv, command
from redouble.core.errors import CommandError
from redouble.modules.json.document import Document
from redouble.modules.json.path import Found, Path, PathSyntaxError, compile_path
from redouble.modules.json.reader import JsonError, Value, parse, parse_first
from redouble.modules.json.versions import version

__all__ = [
    "Where",
    "changed",
    "document_for_write",
    "document_of",
    "existing",
    "is_text",
    "json_command",
    "json_value",
    "missing_key",
    "opened_for_write",
    "optional_path",
    "parsed",
    "place_is_gone",
    "refusal",
    "text",
]

json_command = partial(command, module="json", since="1.0.0", overlooks=True)

WRONG_KIND: Final = "Existing key has wrong Redis type"


def text(argument: bytes) -> str:
    """An argument that must be UTF-8."""
    try:
        return argument.decode()
    except UnicodeDecodeError:
        raise CommandError("Couldn't parse as UTF-8 string") from None


def is_text(argument: bytes) -> bool:
    """Whether an argument is UTF-8: where one may be missing, what is not counts as missing."""
    try:
        argument.decode()
    except UnicodeDecodeError:
        return False
    return True


def optional_path(client: Client, argv: Argv) -> Where:
    """The path behind the key, or the root, with one answer."""
    return Where(client, argv[2].decode() if len(argv) > 2 and is_text(argv[2]) else ".")


def refusal(message: str) -> CommandError:
    """An error that has words of the client in it: of their characters it shows the last eight bits."""
    return CommandError(message.encode("utf-32-le")[::4].decode("utf-8", "surrogateescape"))


class Where:
    """A path argument.  One that does not begin with `$` is of the old kind, which has one answer instead of an array."""

    __slots__ = ("_path", "client", "given", "legacy", "text")

    def __init__(self, client: Client, given: str) -> None:
        self.client = client
        self.given = given
        self.legacy = not (given == "$" or given.startswith(("$.", "$[")))
        self.text = given
        """As one that begins with `$`."""
        if self.legacy:
            self.text = "$" if given == "." else f"${given}" if given.startswith(".") else f"$.{given}"
        self._path: Path | None = None

    @property
    def path(self) -> Path:
        """Raises CommandError."""
        if self._path is None:
            try:
                self._path = compile_path(self.text)
            except PathSyntaxError as error:
                raise refusal(version(self.client).syntax(error)) from None
        return self._path

    def values(self, document: Document) -> list[Value]:
        """What the path selects."""
        return self.path.values(document.root, version(self.client).filters_scalars)

    def tried(self, document: Document) -> list[Value]:
        """What the path selects; nothing if it is none."""
        try:
            return self.values(document)
        except CommandError:
            return []

    def sought(self, document: Document) -> list[Value]:
        """What commands find that change something, and some others (`Name`)."""
        return [value for value, _ in self.found(document)]

    def found(self, document: Document) -> list[Found]:
        """What the path selects, and where that is."""
        rules = version(self.client)
        return self.path.places(document.root, rules.filters_scalars, rules.numbers_members)

    def first(self, document: Document) -> Value:
        """The first value; there must be one."""
        values = self.values(document)
        if not values:
            raise self.missing(self.text)
        return values[0]

    def missing(self, path: str) -> CommandError:
        return refusal(version(self.client).missing.format(path=path))

    def missing_or(self, what: str, path: str = "") -> CommandError:
        return refusal(version(self.client).missing_or.format(path=path or self.text, what=what))


def missing_key() -> CommandError:
    return CommandError("ERR could not perform this operation on a key that doesn't exist")


def _document(value: Any) -> Document | None:
    if value is None or type(value) is Document:
        return value
    raise CommandError(WRONG_KIND)


def document_of(client: Client, key: bytes) -> Document | None:
    """The document in `key`, to read."""
    return _document(client.db.lookup(key))


def opened_for_write(client: Client, key: bytes) -> None:
    """Tell who watches the key of the attempt, whatever comes of it."""
    if client.db.hooks:
        client.db.touch(key)


def document_for_write(client: Client, key: bytes) -> Document | None:
    """The document in `key`, to change."""
    opened_for_write(client, key)
    db = client.db
    document = _document(db.peek(key))
    return db.own(key, document) if document is not None and db.shared else document


def existing(client: Client, key: bytes) -> Document:
    """`document_for_write`; there must be one."""
    document = document_for_write(client, key)
    if document is None:
        raise missing_key()
    return document


def changed(client: Client, key: bytes, event: str) -> None:
    client.db.modified(key, event.encode(), notify.MODULE)


def place_is_gone() -> NoReturn:
    """What was to be changed is not there any more: something else was, that held it."""
    raise CommandError("ERR Path does not exist")


def parsed(json: str) -> Value:
    """The value of a JSON text that is compared, or calculated with."""
    try:
        return parse(json)
    except JsonError as error:
        raise CommandError(f"ERR {error}") from None


def json_value(client: Client, argument: bytes) -> Value:
    """The value of a JSON text that goes into a document."""
    read = parse_first if version(client).ignores_what_follows else parse
    try:
        return read(text(argument))
    except JsonError as error:
        raise CommandError(str(error)) from None
