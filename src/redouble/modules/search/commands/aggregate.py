"""FT.AGGREGATE and FT.CURSOR: rows made of the documents that a query finds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from redouble.core.client import Client
from redouble.core.clock import real_monotonic
from redouble.core.command import Argv
from redouble.core.errors import CommandError, text
from redouble.modules.arguments import double, long_long
from redouble.modules.search.aggregate.cursors import Cursors
from redouble.modules.search.aggregate.plan import READERS as STEP_READERS
from redouble.modules.search.aggregate.plan import Names, Plan, Running, Wanted, build, sort_by
from redouble.modules.search.aggregate.rows import Row
from redouble.modules.search.aggregate.values import Value, format_number
from redouble.modules.search.arguments import Arguments, ft_command
from redouble.modules.search.commands.search import READERS as QUERY_READERS
from redouble.modules.search.commands.search import (
    Options,
    check_format,
    check_index_format,
    lateness,
    limits_of,
    query_tree,
)
from redouble.modules.search.evaluate import Matches, evaluate
from redouble.modules.search.index.documents import Document
from redouble.modules.search.index.index import Index
from redouble.modules.search.index.values import Found, Loaded, is_single
from redouble.modules.search.plans import Record
from redouble.modules.search.query import tree
from redouble.modules.search.registry import existing_index, registry
from redouble.modules.search.results import expanded, expanded_number, sort_key
from redouble.modules.search.scoring import SCORERS
from redouble.modules.search.settings import Settings
from redouble.resp.reply import OK, Reply, Status

__all__: list[str] = []

SCORE: Final = b"__score"
KEY: Final = b"__key"
DEFAULT_READ: Final = 1000
"""How many rows of a cursor are read at once if nobody says."""

COMMON: Final = (b"TIMEOUT", b"PARAMS", b"DIALECT", b"FORMAT", b"WITHRAWIDS")
"""Options that may stand anywhere."""
LEADING: Final = (
    *(b"VERBATIM", b"NOSTOPWORDS", b"INORDER", b"SLOP", b"INFIELDS", b"INKEYS", b"LANGUAGE", b"EXPANDER", b"SCORER"),
    *(b"PAYLOAD", b"NOCONTENT", b"WITHSCORES", b"WITHPAYLOADS", b"WITHSORTKEYS", b"EXPLAINSCORE"),
    *(b"WITHCOUNT", b"WITHOUTCOUNT"),
)
"""Options that stand before the first LOAD, APPLY, FILTER or GROUPBY."""
OF_SEARCH: Final = (b"RETURN", b"HIGHLIGHT", b"SUMMARIZE")


class Request(Wanted):
    """What FT.AGGREGATE says behind the query."""

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self.options = Options(dialect=settings[b"DEFAULT_DIALECT"])
        self.adds_scores = False
        self.has_cursor = False
        self.read_count = DEFAULT_READ
        self.most_idle_ms = settings[b"CURSOR_MAX_IDLE"]


def parse_request(words: Arguments, settings: Settings, resp: int) -> Request:
    """Raises CommandError."""
    request = Request(settings)
    options = request.options
    start = words.at - 1
    is_leading = True
    while words:
        word = words.next()
        name = word.upper()
        if name == b"SORTBY":
            sort_by(words, request)
        elif name == b"LIMIT":
            _limit(words, request, settings)
        elif name == b"WITHCURSOR":
            _with_cursor(words, request, settings)
        elif is_leading and name == b"ADDSCORES":
            request.adds_scores = True
        elif name in COMMON or (is_leading and name in LEADING):
            QUERY_READERS[name](words, options, settings)
        elif name in STEP_READERS:
            is_leading = False
            STEP_READERS[name](words, request)
        elif is_leading and name in OF_SEARCH:
            raise CommandError(f"{text(name)} is not supported on FT.AGGREGATE")
        elif name != b"_NUM_SSTRING":
            raise CommandError(f"Unknown argument `{text(word)}` at position {words.at - 1 - start} for <main>")
    if options.shape.explanations and not options.shape.scores:
        raise CommandError("EXPLAINSCORE must be accompanied with WITHSCORES")
    check_format(options, resp)
    return request


def _limit(words: Arguments, request: Request, settings: Settings) -> None:
    if len(words) < 2:
        raise CommandError("LIMIT requires two arguments")
    numbers = [Arguments.number_of(words.next()) for _ in range(2)]
    if any(number is None or number < 0 or not number.is_integer() for number in numbers):
        raise CommandError("LIMIT needs two numeric arguments")
    first, count = (int(number) for number in numbers if number is not None)
    for name, number, most in (
        ("LIMIT", count, settings[b"MAXAGGREGATERESULTS"]),
        ("OFFSET", first, settings[b"MAXSEARCHRESULTS"]),
    ):
        if 0 <= most < number:
            raise CommandError(f"{name} exceeds maximum of {most}")
    arranged = request.arranged()
    arranged.first, arranged.count, arranged.is_limited = first, count, True
    request.only_counts |= not count


def _with_cursor(words: Arguments, request: Request, settings: Settings) -> None:
    request.has_cursor = True
    while words:
        if words.has(b"COUNT"):
            request.read_count = words.integer("COUNT", 1)
        elif words.has(b"MAXIDLE"):
            request.most_idle_ms = min(words.integer("MAXIDLE", 1), settings[b"CURSOR_MAX_IDLE"])
        else:
            break


class Aggregation:
    """One request and the documents that it found."""

    def __init__(self, client: Client, index: Index, request: Request, matches: Matches, node: tree.Node) -> None:
        self.db = client.db
        self.random = client.server.random
        self.index = index
        self.request = request
        self.matches = matches
        self.node = node
        self.scorer = SCORERS[request.options.scorer](index, request.options.payload)
        self.explanations: dict[int, Reply] = {}
        """Of the scores, by document (EXPLAINSCORE)."""

    def start(self) -> Running:
        """Raises CommandError for a name or an expression that means nothing."""
        request = self.request
        given = list(self.matches.distances)
        if request.adds_scores:
            given.append(SCORE)
        is_hash = self.index.definition.key_type == b"HASH"
        plan = build(request, self.index.schema, is_hash, given, self._loader, self.random)
        return plan.start(self.rows(plan))

    def _ids(self) -> list[int]:
        """In the order in which they are read: of the nearest vectors by distance, of others by number."""
        if isinstance(self.node, tree.Vector) and self.node.k is not None and self.matches.ids:
            distances = next(iter(self.matches.distances.values()))
            return sorted(self.matches.ids, key=distances.__getitem__)
        return self.matches.ids

    def rows(self, plan: Plan) -> Iterator[Row]:
        request, documents = self.request, self.index.documents
        has_scores = request.adds_scores or request.options.shape.scores
        records = dict(self.matches.records()) if has_scores or plan.names_terms else {}
        for id in self._ids():
            document = documents.get(id)
            if document is None:  # it went while a cursor was open
                continue
            row = Row(key=document.key, document=id)
            values = row.values
            for name, found in self.matches.distances.items():
                if id in found:
                    values[name] = found[id]
            if records:
                row.terms = _terms(records[id])
                if has_scores:
                    row.score = self._score(records[id], document)
            if request.adds_scores:
                values[SCORE] = row.score
            for name in plan.from_sort_values:
                value = document.sort_values.get(name)
                if value is not None:
                    values[name] = value
            yield row

    def _score(self, record: Record, document: Document) -> float:
        if self.request.options.shape.explanations:
            self.explanations[document.id] = self.scorer.explain(record, document)
        return self.scorer.score(record, document)

    def _open(self, row: Row) -> Loaded | None:
        document = self.index.documents.get(row.document)
        return None if document is None else self.index.load(self.db, document, self.request.options.dialect)

    def _loader(self, wanted: list[tuple[bytes, bytes]] | None, names: Names) -> Callable[[Row], object]:
        if wanted is None:

            def load_everything(row: Row) -> None:
                loaded = self._open(row)
                if loaded is not None:
                    for name, value in loaded.all():
                        if name not in names.computed:
                            names.known.setdefault(name)
                            _keep(row, name, value)

            return load_everything
        fields = [(path, name, self.index.schema.find(path)) for path, name in wanted]
        all_loaded = names.has_all_fields

        def load(row: Row) -> None:
            loaded = self._open(row)
            if loaded is None:
                return
            for path, name, field in fields:
                if all_loaded and name in row.values:
                    continue
                value: Value = row.key if path == KEY else loaded.get(path if field is None else field.path)
                if isinstance(value, Found) and field is not None and field.sortable and is_single(value.found):
                    value = self.index.documents[row.document].sort_values.get(field.name)
                if field is not None and field.type == b"NUMERIC" and isinstance(value, bytes):
                    number = double(value)
                    value = value if number is None else number
                if value is not None:
                    _keep(row, name, value)

        return load

    # Replies.

    def reply(self, running: Running, client: Client, most: int | None = None) -> tuple[Reply, bool]:
        """The next rows, and whether there may be more.  Raises CommandError if the first row cannot be made."""
        total = running.total
        rows: list[Row] = []
        warning = ""
        is_over = False
        seen = None
        while not is_over and (most is None or len(rows) < most):
            try:
                row = next(running.rows)
            except StopIteration:
                is_over = True
                break
            except CommandError as error:
                if not rows:
                    raise
                warning, is_over = str(error), True
                break
            if seen is None:
                seen = total.count
            rows.append(row)
        warning = warning or lateness(self.request.options, registry(client.server).settings)
        count = total.count if seen is None else seen
        total.count = 0
        if self.request.options.counts_all is False:
            count = min(count, len(rows))
        make = self._resp3 if client.resp == 3 else self._resp2
        return make(running.plan, count, rows, warning), not is_over

    def _shown(self, plan: Plan, row: Row) -> dict[bytes, Reply]:
        values, found = row.values, row.found
        if self.request.options.format == b"EXPAND":
            return {
                name: _expanded(found[name] if name in found else values[name]) for name in plan.names if name in values
            }
        return {name: shown(found[name] if name in found else values[name]) for name in plan.names if name in values}

    def _score_shown(self, row: Row) -> Reply:
        if self.request.options.shape.explanations and row.document:
            return [row.score, self.explanations[row.document]]
        return row.score

    def _resp2(self, plan: Plan, count: int, rows: list[Row], warning: str) -> Reply:
        reply: list[Reply] = [count]
        shape = self.request.options.shape
        for row in rows:
            if shape.scores:
                reply.append(self._score_shown(row))
            if shape.raw_ids:
                reply.append(row.document)
            if shape.payloads:
                reply.append(self._payload(row))
            if shape.sort_keys:
                reply.append(sort_key(row.values.get(plan.sort_key)))
            if shape.content:
                reply.append([word for pair in self._shown(plan, row).items() for word in pair])
        return reply

    def _payload(self, row: Row) -> bytes | None:
        document = self.index.documents.get(row.document)
        return None if document is None else document.payload

    def _resp3(self, plan: Plan, count: int, rows: list[Row], warning: str) -> Reply:
        results: list[Reply] = []
        shape = self.request.options.shape
        for row in rows:
            facts: dict[Status, Reply] = {}
            if shape.scores:
                facts[Status(b"score")] = self._score_shown(row)
            if shape.raw_ids:
                facts[Status(b"id")] = row.document
            if shape.payloads:
                facts[Status(b"payload")] = self._payload(row)
            if shape.sort_keys:
                facts[Status(b"sortkey")] = sort_key(row.values.get(plan.sort_key))
            if shape.content:
                facts[Status(b"extra_attributes")] = self._shown(plan, row)
            facts[Status(b"values")] = []
            results.append(facts)
        return {
            Status(b"attributes"): [],
            Status(b"total_results"): count,
            Status(b"format"): Status(self.request.options.format),
            Status(b"results"): results,
            Status(b"warning"): [Status(warning.encode("utf-8", "surrogateescape"))] if warning else [],
        }


def shown(value: Value) -> Reply:
    """A value as it is replied."""
    if isinstance(value, list):
        return [shown(item) for item in value]
    if isinstance(value, float):
        return format_number(value)
    return bytes(value) if type(value) is Found else value


def _expanded(value: Value | Found) -> Reply:
    """A value as FORMAT EXPAND shows it."""
    if isinstance(value, list):
        return [_expanded(item) for item in value]
    return expanded_number(value) if isinstance(value, float) else expanded(value)


def _keep(row: Row, name: bytes, value: Value) -> None:
    """Load a field; of all that a path found the first is its value."""
    if isinstance(value, Found):
        row.found[name] = value
        value = value.first
    row.values[name] = value


def _terms(record: Record) -> list[bytes]:
    if record.children is None:
        return [] if record.term is None else [record.term]
    return [term for child in record.children for term in _terms(child)]


@ft_command(
    "FT.AGGREGATE key query [VERBATIM] [LOAD count field [field ...]] [TIMEOUT timeout] [LOAD_ALL] [GROUPBY nargs property"
    " [property ...] [REDUCE function nargs arg [arg ...] [AS name]]] [SORTBY nargs [property [ASC | DESC]] [MAX num]]"
    " [APPLY expression AS name] [LIMIT offset num] [FILTER filter] [WITHCURSOR [COUNT read_size] [MAXIDLE idle_time]]"
    " [PARAMS nargs name value [name value ...]] [DIALECT dialect]",
    flags="readonly",
    keys="RW",
    arity=-2,
    since="1.1.0",
)
def ft_aggregate(client: Client, argv: Argv) -> Reply:
    """Rows made of the documents that a query finds: grouped, computed, filtered and sorted."""
    if len(argv) < 3:
        raise CommandError("No query string provided")
    settings = registry(client.server).settings
    request = parse_request(Arguments(argv, 3), settings, client.resp)
    index = existing_index(client, argv[1])
    options = request.options
    check_index_format(options, index)
    index.dialects.add(options.dialect)
    node = query_tree(argv[2], index, options)
    aggregation = Aggregation(client, index, request, evaluate(node, index, limits_of(settings)), node)
    running = aggregation.start()
    if not request.has_cursor:
        return aggregation.reply(running, client)[0]
    reply, has_more = aggregation.reply(running, client, request.read_count)
    if not has_more:
        return [reply, 0]
    cursor = cursors(client).open(aggregation, running, request.read_count, request.most_idle_ms)
    cursor.idle_since_ms = client.server.now_ms()
    return [reply, cursor.id]


def cursors(client: Client) -> Cursors:
    """Those of the server."""
    return registry(client.server).cursors


@ft_command(
    "FT.CURSOR subcommand key cursor_id [COUNT read_size]", flags="readonly", keys="RW", arity=-4, since="1.1.0"
)
def ft_cursor(client: Client, argv: Argv) -> Reply:
    """Read more rows of an aggregation, or forget it; any index may be named."""
    _, word, _, id_text, *rest = argv
    subcommand = word.upper()
    id = long_long(id_text)
    if id is None:
        raise CommandError("Bad cursor ID")
    known = cursors(client)
    now = client.server.now_ms()
    if subcommand == b"READ":
        return _read(client, known, id, Arguments(rest, 0))
    if subcommand == b"DEL":
        if not known.close(id):
            raise CommandError("Cursor does not exist")
        return OK
    if subcommand == b"GC":
        known.close_idle(now)
        return -1
    raise CommandError("Unknown subcommand")


def _read(client: Client, known: Cursors, id: int, words: Arguments) -> Reply:
    now = client.server.now_ms()
    count: Any = 0
    if words:
        words.next()  # whatever it is
        count = Arguments.number_of(words.next()) if words else None
        if count is None or not count.is_integer():
            raise CommandError("Bad value for COUNT")
    cursor = known.find(id, now)
    if cursor is None:
        raise CommandError("Cursor not found")
    most = int(count) if count > 0 else cursor.count if not count else None
    cursor.aggregation.request.options.began = real_monotonic()
    reply, has_more = cursor.aggregation.reply(cursor.running, client, most)
    if not has_more:
        known.close(id)
        return [reply, 0]
    cursor.idle_since_ms = client.server.now_ms()
    return [reply, id]
