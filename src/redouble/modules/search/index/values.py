"""The values of fields, as they stand in a hash or a JSON document: made ready for an index, and for those who load them later."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, Final, TypeAlias

from redouble.modules.json.document import Document as JsonDocument
from redouble.modules.json.path import Path, PathSyntaxError, compile_path
from redouble.modules.json.writer import text_of
from redouble.modules.search.index.tags import split
from redouble.modules.search.index.vectors import blob_of
from redouble.modules.search.schema import Field, VectorOptions
from redouble.types.geohash import LATITUDE_MAX, LONGITUDE_MAX, Point
from redouble.types.hash import Hash
from redouble.types.number import parse_double

__all__ = [
    "Content",
    "Found",
    "InvalidValue",
    "Loaded",
    "hash_content",
    "is_single",
    "json_content",
    "json_path",
    "number",
    "shown",
]

Content: TypeAlias = Any
"""What a field holds, by its type: texts, tags, numbers, points, or blobs of vectors; None: a JSON null."""


class InvalidValue(Exception):
    """A value that its field cannot hold; the document is not indexed.  Says why, as FT.INFO shows it."""


def number(text: bytes) -> float:
    """Raises ValueError; nan is none."""
    value = parse_double(text.strip(b" \t\n\v\f\r"))
    if math.isnan(value):
        raise ValueError(text)
    return value


def point(text: bytes) -> Point:
    """`longitude,latitude`."""
    try:
        longitude, latitude = map(number, text.replace(b",", b" ", 1).split())
    except ValueError:
        raise InvalidValue("Invalid geo string") from None
    if abs(longitude) > LONGITUDE_MAX or abs(latitude) > LATITUDE_MAX:
        raise InvalidValue("Invalid geo coordinates")
    return Point(longitude, latitude)


def hash_content(field: Field, text: bytes) -> Content:
    """What the field of a hash holds.  Raises InvalidValue."""
    if field.type == b"TEXT":
        return [text]
    if field.type == b"TAG":
        return split(text, field.separator, field.case_sensitive, field.index_empty)
    if field.type == b"NUMERIC":
        try:
            return (number(text),)
        except ValueError:
            raise InvalidValue("Invalid numeric value") from None
    if field.type == b"GEO":
        return [point(text)]
    if field.vector is not None:
        _check_size(field.vector, text)
    return [text]


def _check_size(options: VectorOptions, blob: bytes) -> None:
    expected = options.dimension * {b"FLOAT64": 8, b"FLOAT16": 2, b"BFLOAT16": 2}.get(options.data_type, 4)
    if len(blob) != expected:
        raise InvalidValue(f"Could not add vector with blob size {len(blob)} (expected size {expected})")


def json_path(text: bytes) -> Path | None:
    """None: it is none."""
    try:
        return compile_path(text.decode())
    except (PathSyntaxError, UnicodeDecodeError):
        return None


NOT_OF: Final = {
    dict: "Invalid JSON type: Object type can represent only GEOMETRY fields",
    bool: "Invalid JSON type: Boolean type can be represent only TAG field",
    int: "Invalid JSON type: Numeric type can represent only NUMERIC field",
    float: "Invalid JSON type: Numeric type can represent only NUMERIC field",
    str: "Invalid JSON type: String type can represent only TEXT, TAG, GEO or GEOMETRY field",
}
"""What is said of a value of a kind that a field cannot be."""
FITS: Final[dict[bytes, tuple[type, ...]]] = {
    b"TEXT": (str,),
    b"TAG": (str, bool),
    b"NUMERIC": (int, float),
    b"GEO": (str,),
    b"VECTOR": (),
    b"GEOSHAPE": (str,),
}


def json_content(field: Field, values: Sequence[Any]) -> Content:
    """What a path found in a document, which is something.  Raises InvalidValue."""
    if field.type == b"VECTOR":
        return _json_vectors(field, values)
    if is_single(list(values)):
        value = values[0]
        if value is None:
            return None
        kind = dict if isinstance(value, dict) else type(value)
        if kind not in FITS[field.type]:
            raise InvalidValue(NOT_OF[kind])
        values = [value]
    else:
        if len(values) == 1:
            values = values[0]
            if not values and field.sortable:
                raise InvalidValue("N/A")
        kinds = (int, float) if field.type == b"NUMERIC" else (str,)
        if any(value is not None and type(value) not in kinds for value in values):
            what = (
                "NUMERIC fields can only contain numeric"
                if field.type == b"NUMERIC"
                else ("TEXT/TAG fields can only contain strings")
            )
            raise InvalidValue(f"{what} or nulls")
        values = [value for value in values if value is not None]
    if field.type == b"NUMERIC":
        return tuple(map(float, values))
    texts = [_text(value) for value in values]
    if field.type in (b"TEXT", b"GEOSHAPE"):
        return texts
    if field.type == b"GEO":
        return list(map(point, texts))
    return [tag for text in texts for tag in split(text, field.separator, field.case_sensitive, field.index_empty)]


def _text(value: str | bool) -> bytes:
    if type(value) is bool:
        return b"true" if value else b"false"
    return str(value).encode("utf-8", "surrogatepass")


def _json_vectors(field: Field, values: Sequence[Any]) -> Content:
    assert field.vector is not None
    if len(values) == 1:
        value = values[0]
        if value is None:
            return None
        kind = dict if isinstance(value, dict) else type(value)
        if kind is not list:
            raise InvalidValue(NOT_OF[kind])
        if not value:
            raise InvalidValue("Empty array for vector field on JSON document")
        if type(value[0]) is not list:
            return [_json_vector(field.vector, value)]
        raise InvalidValue("N/A")
    return [_json_vector(field.vector, value) for value in values if value is not None]


def _json_vector(options: VectorOptions, numbers: Any) -> bytes:
    if type(numbers) is not list or not numbers or type(numbers[0]) not in (int, float):
        raise InvalidValue("N/A")
    if len(numbers) != options.dimension:
        raise InvalidValue(f"Invalid vector length. Expected {options.dimension}, got {len(numbers)}")
    for i, number in enumerate(numbers):
        if type(number) not in (int, float):
            raise InvalidValue(f"Invalid vector element at index {i}")
    return blob_of(numbers, options.data_type)


class Loaded:
    """A key whose fields are asked for."""

    __slots__ = ("_hidden", "_value", "dialect")

    def __init__(self, value: Hash | JsonDocument, dialect: int = 1, hidden: tuple[bytes, ...] = ()) -> None:
        self._value = value
        self._hidden = hidden
        """Fields of a hash that nobody sees."""
        self.dialect = dialect
        """From 3 on all values of a path are shown, before the first."""

    @property
    def is_hash(self) -> bool:
        return isinstance(self._value, Hash)

    def get(self, path: bytes, default: Any = None) -> Any:
        """A field of the hash, or what a path finds in the document: bytes or a float; None: a null; `default`: nothing."""
        value = self._value
        if isinstance(value, Hash):
            return value.get(path) if path in value and path not in self._hidden else default
        found = self.found(path)
        if not found or (self.dialect >= 3 and found == [[]]):
            return default
        return Found.of(found) if self.dialect >= 3 else shown(found[0])

    def found(self, path: bytes) -> list[Any]:
        """The JSON values that a path finds."""
        compiled = json_path(path)
        if isinstance(self._value, Hash) or compiled is None:
            return []
        return compiled.values(self._value.root)

    def texts(self, field: Field) -> list[bytes]:
        """What a TEXT field was indexed as."""
        if self.is_hash:
            text = self.get(field.path)
            return [] if text is None else [text]
        found = self.found(field.path)
        return (json_content(field, found) or []) if found else []

    def all(self) -> Iterator[tuple[bytes, Any]]:
        """The fields of a hash, or the document as a whole."""
        value = self._value
        if isinstance(value, Hash):
            yield from ((field, text) for field, text in value.items() if field not in self._hidden)
        else:
            yield b"$", Found.of([value.root]) if self.dialect >= 3 else _json_text(value.root)


class Found(bytes):
    """All that a path finds in a document, as text; that is what is shown from dialect 3 on."""

    found: list[Any]

    @classmethod
    def of(cls, found: list[Any]) -> Found:
        made = cls(_json_text(found))
        made.found = found
        return made

    @property
    def first(self) -> bytes | float | None:
        """With which queries sort and compute: of an array its first item."""
        if not self.found:
            return None
        value = self.found[0]
        return shown(value[0] if type(value) is list and value else value)


def _json_text(value: Any) -> bytes:
    return text_of(value).encode("utf-8", "surrogatepass")


def shown(value: Any) -> bytes | float | None:
    """A JSON value as a query loads it."""
    if value is None:
        return None
    if type(value) is str:
        return value.encode("utf-8", "surrogatepass")
    return float(value) if type(value) in (bool, int, float) else _json_text(value)


def is_single(found: list[Any]) -> bool:
    """Whether a path has found one value, and no array."""
    return len(found) == 1 and type(found[0]) is not list
