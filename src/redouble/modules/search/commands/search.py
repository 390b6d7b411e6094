"""FT.SEARCH: documents with their scores, their sort keys and their fields."""

from __future__ import annotations

import dataclasses
import functools
import heapq
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any, Final

from redouble.core.client import Client
from redouble.core.clock import real_monotonic
from redouble.core.command import Argv
from redouble.core.errors import CommandError, text
from redouble.modules.arguments import double
from redouble.modules.search.aggregate.values import compare
from redouble.modules.search.arguments import (
    NOT_CONVERTED,
    Arguments,
    bad_arguments,
    ft_command,
)
from redouble.modules.search.evaluate import Limits, Matches, evaluate
from redouble.modules.search.highlight import Marks, fragments, highlighted, matches, read_marks, summarized
from redouble.modules.search.index.documents import Document
from redouble.modules.search.index.index import Index
from redouble.modules.search.index.points import UNITS
from redouble.modules.search.index.values import Loaded, is_single, shown
from redouble.modules.search.plans import Record
from redouble.modules.search.query import tree
from redouble.modules.search.query.check import check
from redouble.modules.search.query.expand import expand
from redouble.modules.search.query.parser import parse
from redouble.modules.search.ranking import best
from redouble.modules.search.registry import existing_index, registry
from redouble.modules.search.results import Row, Shape, resp2_rows, resp3_rows, sort_key
from redouble.modules.search.schema import Field
from redouble.modules.search.scoring import DEFAULT_SCORER, SCORERS
from redouble.modules.search.settings import Settings
from redouble.modules.search.text.stems import LANGUAGES
from redouble.resp.reply import Reply

__all__: list[str] = []

MOST_DIALECT: Final = 4
FIRST_WITH_ALL_VALUES: Final = 3
"""The dialect from which on all values of a path are shown."""
SCORED: Final = (
    *(tree.Term, tree.Prefix, tree.Suffix, tree.Infix, tree.Wildcard, tree.Fuzzy, tree.LexRange, tree.Exact),
)
TIMED_OUT: Final = "Timeout limit was reached"
BAD_DIALECT: Final = f"DIALECT requires a non negative integer >=1 and <= {MOST_DIALECT}"


@dataclass
class NumericFilter:
    """FILTER field low high."""

    field: bytes
    low: float
    high: float
    includes_low: bool
    includes_high: bool


@dataclass
class GeoFilter:
    """GEOFILTER field longitude latitude radius unit."""

    field: bytes
    longitude: float
    latitude: float
    radius: float
    unit: bytes


@dataclass
class Options:
    """Everything behind the query."""

    shape: Shape = field(default_factory=Shape)
    returned: list[tuple[bytes, bytes]] | None = None
    """RETURN: what is loaded, and the name under which it is shown; None: everything."""
    first: int = 0
    count: int = 10
    has_dialect: bool = False
    """Whether DIALECT said which."""
    sort_by: bytes | None = None
    is_descending: bool = False
    counts_all: bool | None = None
    """WITHCOUNT or WITHOUTCOUNT; None: dialect 4 does not."""
    dialect: int = 1
    parameters: dict[bytes, bytes] | None = None
    keys: list[bytes] | None = None
    fields: list[bytes] | None = None
    slop: int | None = None
    in_order: bool = False
    is_verbatim: bool = False
    no_stop_words: bool = False
    language: bytes = b""
    expander: bytes = b"DEFAULT"
    scorer: bytes = DEFAULT_SCORER
    payload: bytes = b""
    numeric_filters: list[NumericFilter] = field(default_factory=list)
    geo_filters: list[GeoFilter] = field(default_factory=list)
    format: bytes = b"STRING"
    marks: Marks | None = None
    """HIGHLIGHT and SUMMARIZE."""
    timeout_ms: int = 0
    """What the query itself says; 0: nothing."""
    began: float = field(default_factory=lambda: real_monotonic())


def parse_options(
    words: Arguments, settings: Settings, resp: int, readers: Mapping[bytes, Any] | None = None
) -> Options:
    """The options, in any order.  Raises CommandError."""
    readers = READERS if readers is None else readers
    options = Options(dialect=settings[b"DEFAULT_DIALECT"])
    start = words.at - 1
    while words:
        word = words.next()
        reader = readers.get(word.upper())
        if word.upper() == b"GROUPBY":
            raise CommandError("option `GROUPBY` is mutually exclusive with simple (i.e. search) options")
        if reader is None:
            raise CommandError(f"Unknown argument `{text(word)}` at position {words.at - 1 - start} for <main>")
        reader(words, options, settings)
    if options.shape.explanations and not options.shape.scores:
        raise CommandError("EXPLAINSCORE must be accompanied with WITHSCORES")
    check_format(options, resp)
    return options


def check_format(options: Options, resp: int) -> None:
    """Raises CommandError."""
    if options.format == b"EXPAND":
        if options.has_dialect and options.dialect < FIRST_WITH_ALL_VALUES:
            raise CommandError("EXPAND format requires dialect 3 or greater")
        if resp < 3:
            raise CommandError("EXPAND format is only supported with RESP3")


def check_index_format(options: Options, index: Index) -> None:
    """Raises CommandError."""
    if options.format == b"EXPAND":
        if index.definition.key_type == b"HASH":
            raise CommandError("EXPAND format is only supported with JSON")
        if options.dialect < FIRST_WITH_ALL_VALUES:
            raise CommandError("EXPAND format requires dialect 3 or greater")


def _no_content(words: Arguments, options: Options, settings: Settings) -> None:
    options.shape.content = False


def _set(name: str) -> Any:
    def read(words: Arguments, options: Options, settings: Settings) -> None:
        setattr(options, name, True)

    return read


def _show(name: str) -> Any:
    def read(words: Arguments, options: Options, settings: Settings) -> None:
        setattr(options.shape, name, True)

    return read


def _return(words: Arguments, options: Options, settings: Settings) -> None:
    given = Arguments(words.slice("RETURN"), 0)
    options.returned = []
    while given:
        path = name = given.next()
        if given.has(b"AS"):
            if not given:
                raise CommandError("RETURN path AS name - must be accompanied with NAME")
            name = given.next()
        options.returned.append((path, name))


def _limit(words: Arguments, options: Options, settings: Settings) -> None:
    if len(words) < 2:
        raise CommandError("LIMIT requires two arguments")
    numbers = [words.number_of(words.next()) for _ in range(2)]
    if any(number is None or number < 0 or not number.is_integer() for number in numbers):
        raise CommandError("LIMIT needs two numeric arguments")
    first, count = (int(number) for number in numbers if number is not None)
    most = settings[b"MAXSEARCHRESULTS"]
    if 0 <= most < count:
        raise CommandError(f"LIMIT exceeds maximum of {most}")
    if 0 <= most < first:
        raise CommandError(f"OFFSET exceeds maximum of {most}")
    options.first, options.count = first, count


def _sort_by(words: Arguments, options: Options, settings: Settings) -> None:
    if options.sort_by is not None:
        raise CommandError("Multiple SORTBY steps are not allowed")
    if not words:
        raise CommandError("Bad SORTBY arguments")
    options.sort_by = words.next()
    if words.has(b"DESC"):
        options.is_descending = True
    else:
        words.has(b"ASC")


def _params(words: Arguments, options: Options, settings: Settings) -> None:
    if options.parameters is not None:
        raise CommandError("Multiple PARAMS are not allowed. Parameters can be defined only once")
    given = words.slice("PARAMS")
    if not given or len(given) % 2:
        raise CommandError("Parameters must be specified in PARAM VALUE pairs")
    options.parameters = {}
    for name, value in zip(given[::2], given[1::2]):
        if name in options.parameters:
            raise CommandError(f"Duplicate parameter `{text(name)}`")
        options.parameters[name] = value


def _dialect(words: Arguments, options: Options, settings: Settings) -> None:
    if not words:
        raise CommandError("Need an argument for DIALECT")
    number = words.number_of(words.next())
    if number is None or not number.is_integer() or not 1 <= number <= MOST_DIALECT:
        raise CommandError(BAD_DIALECT)
    options.dialect = int(number)
    options.has_dialect = True


def _timeout(words: Arguments, options: Options, settings: Settings) -> None:
    if not words:
        raise CommandError("Need argument for TIMEOUT")
    number = words.number_of(words.next())
    if number is None or not number.is_integer() or number < 0:
        raise CommandError("TIMEOUT requires a non negative integer")
    options.timeout_ms = int(number)


def _format(words: Arguments, options: Options, settings: Settings) -> None:
    if not words:
        raise CommandError("Need an argument for FORMAT")
    word = words.next()
    if word.upper() not in (b"STRING", b"EXPAND"):
        raise CommandError(f"FORMAT {text(word)} is not supported")
    options.format = word.upper()


def _in_keys(words: Arguments, options: Options, settings: Settings) -> None:
    options.keys = words.slice("INKEYS")


def _in_fields(words: Arguments, options: Options, settings: Settings) -> None:
    options.fields = words.slice("INFIELDS") or None


def _slop(words: Arguments, options: Options, settings: Settings) -> None:
    word = words.text("SLOP")
    number = words.number_of(word)
    if number is None:
        raise bad_arguments("SLOP", NOT_CONVERTED)
    options.slop = int(number)


def _language(words: Arguments, options: Options, settings: Settings) -> None:
    options.language = words.text("LANGUAGE").lower()
    if options.language not in LANGUAGES:
        raise CommandError("No such language")


def _expander(words: Arguments, options: Options, settings: Settings) -> None:
    options.expander = words.text("EXPANDER")


def _scorer(words: Arguments, options: Options, settings: Settings) -> None:
    options.scorer = words.text("SCORER")
    if options.scorer not in SCORERS:
        raise CommandError(f"No such scorer {text(options.scorer)}")


def _payload(words: Arguments, options: Options, settings: Settings) -> None:
    options.payload = words.text("PAYLOAD")


def _without_count(words: Arguments, options: Options, settings: Settings) -> None:
    options.counts_all = False


def _with_count(words: Arguments, options: Options, settings: Settings) -> None:
    options.counts_all = True


def _filter(words: Arguments, options: Options, settings: Settings) -> None:
    if len(words) < 3:
        raise CommandError("FILTER requires 3 arguments")
    name = words.next()
    low, includes_low = _bound(words.next(), "lower")
    high, includes_high = _bound(words.next(), "upper")
    options.numeric_filters.append(NumericFilter(name, low, high, includes_low, includes_high))


def _bound(word: bytes, which: str) -> tuple[float, bool]:
    is_included = not word.startswith(b"(")
    number = double(word if is_included else word[1:])
    if number is None:
        raise CommandError(f"Bad {which} range: {text(word)}")
    return number, is_included


def _geo_filter(words: Arguments, options: Options, settings: Settings) -> None:
    if len(words) < 5:
        raise CommandError("GEOFILTER requires 5 arguments")
    name = words.next()
    longitude, latitude, radius = (words.double(f"<{part}>") for part in ("lon", "lat", "radius"))
    unit = words.next()
    if unit.lower() not in UNITS:
        raise CommandError(f"Unknown distance unit {text(unit)}")
    if radius <= 0:
        raise CommandError("Invalid GeoFilter radius")
    if abs(longitude) > 180 or abs(latitude) > 85.05112878:
        raise CommandError("Invalid GeoFilter lat/lon")
    options.geo_filters.append(GeoFilter(name, longitude, latitude, radius, unit.lower()))


def _marks(name: str) -> Any:
    def read(words: Arguments, options: Options, settings: Settings) -> None:
        options.marks = options.marks or Marks()
        if not read_marks(words, options.marks, name == "HIGHLIGHT"):
            raise CommandError(f"Bad arguments for {name}")

    return read


READERS: Final[dict[bytes, Any]] = {
    b"NOCONTENT": _no_content,
    b"RETURN": _return,
    b"LIMIT": _limit,
    b"SORTBY": _sort_by,
    b"WITHCOUNT": _with_count,
    b"WITHOUTCOUNT": _without_count,
    b"TIMEOUT": _timeout,
    b"PARAMS": _params,
    b"DIALECT": _dialect,
    b"FORMAT": _format,
    b"INKEYS": _in_keys,
    b"INFIELDS": _in_fields,
    b"SLOP": _slop,
    b"INORDER": _set("in_order"),
    b"LANGUAGE": _language,
    b"EXPANDER": _expander,
    b"SCORER": _scorer,
    b"PAYLOAD": _payload,
    b"NOSTOPWORDS": _set("no_stop_words"),
    b"VERBATIM": _set("is_verbatim"),
    b"EXPLAINSCORE": _show("explanations"),
    b"WITHSCORES": _show("scores"),
    b"WITHSORTKEYS": _show("sort_keys"),
    b"WITHPAYLOADS": _show("payloads"),
    b"WITHRAWIDS": _show("raw_ids"),
    b"FILTER": _filter,
    b"GEOFILTER": _geo_filter,
    b"HIGHLIGHT": _marks("HIGHLIGHT"),
    b"SUMMARIZE": _marks("SUMMARIZE"),
}


# From the query to rows.


def query_tree(query: bytes, index: Index, options: Options) -> tree.Node:
    """The tree of a query with all conditions, expanded.  Raises CommandError."""
    stop_words = frozenset[bytes]() if options.no_stop_words else None
    node = parse(query, index.schema, options.dialect, options.parameters, stop_words=stop_words)
    if not options.is_verbatim:
        node = expand(node, index.schema, options.language or index.definition.language, options.expander)
    others: list[tree.Node] = []
    for number in options.numeric_filters:
        found = index.schema.find(number.field, b"NUMERIC") or Field(number.field, number.field, b"")
        others.append(tree.Numeric(found, number.low, number.high, number.includes_low, number.includes_high))
    for circle in options.geo_filters:
        found = index.schema.find(circle.field, b"GEO") or Field(circle.field, circle.field, b"")
        others.append(tree.GeoRadius(found, circle.longitude, circle.latitude, circle.radius, circle.unit))
    if options.keys is not None:
        others.append(tree.Ids(options.keys))
    node = _together(node, others)
    check(node, index.schema)
    if options.fields is not None:
        _restrict(node, tuple(options.fields), index)
    if options.slop is not None or options.in_order:
        _be_near(node, options)
    return node


def _together(node: tree.Node, others: list[tree.Node]) -> tree.Node:
    if not others:
        return node
    if isinstance(node, tree.Vector) and node.k is not None:
        filtered, *others = others if node.child is None else [node.child, *others]
        return dataclasses.replace(node, child=_together(filtered, others))
    for other in others:
        if isinstance(node, (tree.Intersection, tree.Exact)):
            node.children.insert(0, other)
        else:
            node = tree.Intersection([other, node])
    return node


def _restrict(node: tree.Node, names: tuple[bytes, ...], index: Index) -> None:
    allowed = tuple(name for name in names if name in index.bits)
    node.fields = allowed if node.fields is None else tuple(name for name in node.fields if name in allowed)
    for child in tree.children(node):
        _restrict(child, names, index)


def _be_near(node: tree.Node, options: Options) -> None:
    if isinstance(node, tree.Intersection):
        if node.attributes.slop is None and options.slop is not None:
            node.attributes.slop = options.slop
        if node.attributes.in_order is None:
            node.attributes.in_order = options.in_order
    for child in tree.children(node):
        _be_near(child, options)


def _is_scored(node: tree.Node) -> bool:
    """Whether words are looked for: otherwise dialect 4 takes documents as they come, and counts one."""
    if isinstance(node, SCORED) or (isinstance(node, tree.Vector) and node.k is not None):
        return True
    return not isinstance(node, tree.Tag) and any(map(_is_scored, tree.children(node)))


def lateness(options: Options, settings: Settings) -> str:
    """What is said of a query that took longer, in real time, than it allowed.  Raises CommandError if that is an error."""
    if not options.timeout_ms or real_monotonic() - options.began <= options.timeout_ms / 1000:
        return ""
    if settings.fails_late():
        raise CommandError(TIMED_OUT)
    return TIMED_OUT


def limits_of(settings: Settings) -> Limits:
    return Limits(settings[b"MINPREFIX"], settings[b"MAXEXPANSIONS"])


@ft_command(
    "FT.SEARCH key query [NOCONTENT] [VERBATIM] [NOSTOPWORDS] [WITHSCORES] [WITHPAYLOADS] [WITHSORTKEYS]"
    " [FILTER numeric_field min max] [GEOFILTER geo_field lon lat radius <m | km | mi | ft>] [INKEYS count key [key ...]]"
    " [INFIELDS count field [field ...]] [RETURN count identifier [identifier ...]] [SLOP slop] [TIMEOUT timeout] [INORDER]"
    " [LANGUAGE language] [EXPANDER expander] [SCORER scorer] [EXPLAINSCORE] [PAYLOAD payload] [SORTBY sortby [ASC | DESC]]"
    " [LIMIT offset num] [PARAMS nargs name value [name value ...]] [DIALECT dialect]",
    flags="readonly",
    keys="RW",
    arity=-2,
)
def ft_search(client: Client, argv: Argv) -> Reply:
    """The documents that a query finds."""
    if len(argv) < 3:
        raise CommandError("No query string provided")
    settings = registry(client.server).settings
    options = parse_options(Arguments(argv, 3), settings, client.resp)
    index = existing_index(client, argv[1])
    check_index_format(options, index)
    index.dialects.add(options.dialect)
    if options.marks is not None and b"NOHL" in index.flags:
        raise CommandError("Cannot use highlight/summarize because NOOFSETS was specified at index level")
    node = query_tree(argv[2], index, options)
    matches = evaluate(node, index, limits_of(settings))
    rows = _Rows(client, index, options, matches)
    if options.counts_all is False or (options.counts_all is None and options.dialect == MOST_DIALECT):
        rows.hurry(node)
    shape = options.shape
    shape.content = shape.content and options.returned != []
    chosen = rows.chosen()
    total = min(len(matches.ids), len(chosen) if rows.most is None else rows.most)
    warning = lateness(options, settings)
    if client.resp == 3:
        return resp3_rows(total, chosen, shape, options.format, warning)
    return resp2_rows(total, chosen, shape)


class _Rows:
    """The rows of one search."""

    def __init__(self, client: Client, index: Index, options: Options, matches: Matches) -> None:
        self.client = client
        self.index = index
        self.options = options
        self.matches = matches
        self.most: int | None = len(matches.ids)
        """How many documents are counted at most; None: those that are shown."""
        self.is_unsorted = self.hurries = False
        self.scorer = SCORERS[options.scorer](index, options.payload)
        self.scores: dict[int, float] = {}
        """Of the documents that were scored."""
        self.minimums: dict[int, float] = {}
        """What they had to reach."""

    def hurry(self, node: tree.Node) -> None:
        """Do no more than is needed: without words to be scored nor a number to sort by, documents are taken as they come.
        Those without that number do not count.
        """
        options = self.options
        field = None if options.sort_by is None else self.index.schema.find(options.sort_by)
        if field is not None and field.type == b"NUMERIC":
            name = field.name
            ids = self.matches.ids
            self.matches.ids = [id for id in ids if self.sort_value(self.index.documents[id], name) is not None]
            self.most = None
        elif options.scorer == b"BM25STD" or not _is_scored(node):
            options.sort_by = None
            self.is_unsorted, self.most = True, 1
        elif isinstance(node, tree.Vector) and node.k is not None:
            self.most = None
        self.hurries = True
        if not options.count:
            self.most = 0

    def chosen(self) -> list[Row]:
        """Those that LIMIT lets through, in their order."""
        options = self.options
        if not options.count:
            if not self.hurries:
                self._check_sort_field()
            return []
        documents = self.index.documents
        first, behind = options.first, options.first + options.count
        if options.sort_by is not None:
            ordered = self._by_field(options.sort_by)
            if options.shape.scores:
                self._score_while_sorting(ordered, behind)
            return self._load(ordered[first:behind])
        if self.is_unsorted:
            return self._load([documents[id] for id in self.matches.ids[first:behind]])
        return self._load(self._by_score(behind)[first:])

    def _by_score(self, count: int) -> list[Document]:
        """The first `count` of those that score best."""
        documents, score = self.index.documents, self.scorer.score
        scored = []
        for id, record in self.matches.records():
            document = documents[id]
            scored.append((score(record, document), -id))
        if any(math.isnan(one) for one, _ in scored):
            found = best(scored, count, _compare_scores)
        else:
            found = heapq.nlargest(count, scored)
        self.scores = {-id: one for one, id in found}
        return [documents[id] for id in self.scores]

    def _score_while_sorting(self, ordered: list[Document], behind: int) -> None:
        """Score documents that are sorted by a field.  They are compared with the last of those that are shown so far, as if they were
        sorted by score."""
        documents, score = self.index.documents, self.scorer.score
        ranks = {document.id: rank for rank, document in enumerate(ordered)}
        kept: list[tuple[int, float]] = []
        """The last one comes first."""
        minimum = 0.0
        for id, record in self.matches.records():
            self.minimums[id] = minimum
            self.scores[id] = scored = score(record, documents[id], minimum)
            one = -ranks[id], scored
            if len(kept) < behind:
                heapq.heappush(kept, one)
                minimum = min(minimum, scored)
            else:
                minimum = max(minimum, kept[0][1])
                if one > kept[0]:
                    heapq.heapreplace(kept, one)

    def _check_sort_field(self) -> None:
        name = self.options.sort_by
        if name is not None and self.index.schema.find(name) is None and name not in self.matches.distances:
            raise CommandError(f"Property `{text(name)}` not loaded nor in schema")

    def _by_field(self, name: bytes) -> list[Document]:
        """All documents that were found, by the value of a field; those without one come last."""
        self._check_sort_field()
        documents = self.index.documents
        with_value: list[tuple[Any, Document]] = []
        without: list[Document] = []
        for id in self.matches.ids:
            document = documents[id]
            value = self.sort_value(document, name)
            if value is None:
                without.append(document)
            else:
                with_value.append((value, document))
        if self.options.is_descending:  # of equals the last comes first
            with_value.reverse()
            without.reverse()
        order: Callable[[tuple[Any, Document]], Any] = itemgetter(0)
        if len({type(value) for value, _ in with_value}) > 1:
            order = functools.cmp_to_key(lambda one, other: compare(one[0], other[0]))
        with_value.sort(key=order, reverse=self.options.is_descending)
        return [document for _, document in with_value] + without

    def sort_value(self, document: Document, name: bytes) -> Any:
        distances = self.matches.distances.get(name)
        if distances is not None:
            return distances.get(document.id)
        field = self.index.schema.find(name)
        if field is not None and field.sortable:
            return document.sort_values.get(name)
        loaded = self.index.load(self.client.db, document, min(self.options.dialect, 2))
        if loaded is None or field is None:
            return None
        found = [] if loaded.is_hash else loaded.found(field.path)
        if self.options.dialect > 2 and len(found) == 1 and type(found[0]) is list and found[0]:
            return shown(found[0][0])
        value = self.value(document, loaded, name)
        return None if value is ABSENT else value

    def sort_key(self, document: Document, name: bytes) -> bytes | None:
        """What WITHSORTKEYS shows: the field as it is where everything was loaded, but for one that is SORTABLE."""
        value = self.sort_value(document, name)
        field = self.index.schema.find(name)
        if isinstance(value, float) and field is not None and not field.sortable and self.options.shape.content:
            loaded = self._open(document)
            if self.options.returned is None and loaded is not None and loaded.is_hash:
                value = loaded.get(field.path)
        return sort_key(value)

    def _open(self, document: Document) -> Loaded | None:
        return self.index.load(self.client.db, document, self.options.dialect)

    def _load(self, chosen: list[Document]) -> list[Row]:
        """The rows of documents, with what is shown of each."""
        shape = self.options.shape
        explained = shape.explanations or (shape.scores and not self.scores)
        found = self.matches.records_of({document.id for document in chosen}) if explained else {}
        names: dict[bytes, None] = {}
        if self.options.sort_by is not None:
            names[self.options.sort_by] = None
        for name in self.matches.distances:
            names[name] = None
        records = self._records_to_mark(chosen, names)
        rows = []
        for document in chosen:
            row = Row(document.key)
            if shape.scores:
                row.score = self._score(document, found)
                if shape.explanations:
                    minimum = self.minimums.get(document.id, 0.0)
                    row.explanation = self.scorer.explain(found[document.id], document, minimum)
            row.payload = document.payload
            row.raw_id = document.id
            if shape.sort_keys and self.options.sort_by is not None:
                row.sort_key = self.sort_key(document, self.options.sort_by)
            if shape.content:
                row.values = self._values(document, names)
                if document.id in records and row.values is not None:
                    sort_by = self.options.sort_by or b""
                    before = row.values.get(sort_by)
                    self._mark(document, row.values, records[document.id])
                    marked = row.values.get(sort_by)
                    if row.sort_key is not None and marked != before and not self._is_sortable():
                        row.sort_key = sort_key(marked)
            rows.append(row)
        return rows

    def _score(self, document: Document, found: Mapping[int, Record]) -> float:
        known = self.scores.get(document.id)
        return self.scorer.score(found[document.id], document) if known is None else known

    def _is_sortable(self) -> bool:
        """Whether what is sorted by is SORTABLE."""
        field = self.index.schema.find(self.options.sort_by or b"")
        return field is not None and field.sortable

    def _records_to_mark(self, chosen: list[Document], names: dict[bytes, None]) -> dict[int, Record]:
        """What was found in documents of which words are to be marked; the fields that are named are shown first."""
        marks = self.options.marks
        if marks is None or not self.options.shape.content:
            return {}
        find = self.index.schema.find
        if self.options.returned is None:
            for name in marks.named:
                field = find(name)
                is_known = name == self.options.sort_by or self.index.definition.key_type == b"HASH"
                if field is None or not (is_known or field.sortable):
                    raise CommandError(f"No such property `{text(name)}`")
                names[name] = None
        else:
            for path, name in (*self.options.returned, *((name, name) for name in marks.named)):
                if find(path) is None:
                    raise CommandError(f"Property `{text(name)}` is not in schema")
        return self.matches.records_of({document.id for document in chosen})

    def _mark(self, document: Document, values: dict[bytes, Any], record: Record) -> None:
        loaded, marks = self._open(document), self.options.marks
        assert loaded is not None
        assert marks is not None
        for name, value in values.items():
            style = marks.of(name)
            if style is None or not isinstance(value, bytes) or not self._may_mark(document, loaded, name, value):
                continue
            made = fragments(value, self.index.places(loaded, name), matches(record))
            if style.summarizes and (made or style.tags is None):
                values[name] = summarized(value, made, style)
            elif made and style.tags is not None:
                values[name] = highlighted(value, made, style.tags)

    def _may_mark(self, document: Document, loaded: Loaded, name: bytes, value: bytes) -> bool:
        """From dialect 3 on a path stands for all that it finds, which is no text."""
        field = self.index.schema.find(name)
        if loaded.is_hash or field is None:
            return True
        if is_single(loaded.found(field.path)):
            return field.sortable or loaded.dialect < 3
        return loaded.dialect < 3 and not (field.sortable and value == document.sort_values.get(name))

    def _values(self, document: Document, names: dict[bytes, None]) -> dict[bytes, Any] | None:
        """What is shown of a document; the names of all rows come in the order in which they came first."""
        distances = {name: found[document.id] for name, found in self.matches.distances.items() if document.id in found}
        loaded = self._open(document)
        if loaded is None:
            return None
        values: dict[bytes, Any] = dict(distances)
        sort_by = self.options.sort_by
        if self.options.returned is not None:
            for path, name in self.options.returned:
                value = values[path] if path in values else self.value(document, loaded, path)
                if value is not ABSENT:
                    values[name] = value
            wanted = [name for _, name in self.options.returned]
            first = [*distances, sort_by]  # what there was before the others were loaded
            wanted = [name for name in first if name in wanted] + wanted
            return {name: values[name] for name in wanted if name in values}
        if not loaded.is_hash:  # what there was before the document was loaded
            before = [sort_by, *(self.options.marks.named if self.options.marks is not None else ())]
            for name in before:
                if name is None or name in values:
                    continue
                field = self.index.schema.find(name)
                is_one = field is not None and (loaded.dialect < 3 or is_single(loaded.found(field.path)))
                if field is not None and field.sortable and is_one:
                    value = document.sort_values.get(name, ABSENT)
                else:
                    value = self.value(document, loaded, name)
                if value is not ABSENT:
                    values[name] = value
        values.update(loaded.all())
        for name in values:
            names.setdefault(name)
        return {name: values[name] for name in names if name in values}

    def value(self, document: Document, loaded: Loaded, name: bytes) -> Any:
        """A field by its name in the schema, or by its path; ABSENT if it is not there."""
        if name == b"__key":
            return document.key
        field = self.index.schema.find(name)
        if field is None:
            return loaded.get(name, ABSENT)
        if field.sortable and not loaded.is_hash and loaded.dialect >= 3 and is_single(loaded.found(field.path)):
            return document.sort_values.get(name, ABSENT)
        value = loaded.get(field.path, ABSENT)
        if field.type == b"NUMERIC" and isinstance(value, bytes) and loaded.is_hash:
            number = double(value)
            return value if number is None else number
        return value


ABSENT: Final = object()
"""The value of a field that is not there."""


def _compare_scores(one: tuple[float, int], other: tuple[float, int]) -> int:
    """Of equals the older document comes first; what is no number is equal to everything."""
    if one[0] > other[0]:
        return 1
    if one[0] < other[0]:
        return -1
    return 1 if one[1] > other[1] else -1
