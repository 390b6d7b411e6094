"""Search: redis-py's methods, and what hangs on the server's clock."""

from __future__ import annotations

import itertools
import struct
from typing import Any

import pytest
from redis.commands.search.aggregation import AggregateRequest, Asc, Cursor, Desc
from redis.commands.search.field import GeoField, GeoShapeField, NumericField, TagField, TextField, VectorField
from redis.commands.search.index_definition import IndexDefinition, IndexType
from redis.commands.search.query import GeoFilter, NumericFilter, Query
from redis.commands.search.reducers import (
    avg,
    count,
    count_distinct,
    count_distinctish,
    first_value,
    quantile,
    random_sample,
    stddev,
    tolist,
)
from redis.commands.search.reducers import max as max_of
from redis.commands.search.reducers import min as min_of
from redis.commands.search.reducers import sum as sum_of
from redis.commands.search.suggestion import Suggestion
from redis.exceptions import ResponseError

from redouble import FakeRedis, FakeServer, ManualClock
from redouble.modules.search.commands import search as queries

from .conftest import Waiting

BOOKS = {
    "book:1": {"title": "The Left Hand of Darkness", "shelf": "novel,space", "pages": 304, "at": "5.1,52.1"},
    "book:2": {"title": "A Wizard of Earthsea", "shelf": "novel,magic", "pages": 183, "at": "4.9,52.4"},
    "book:3": {"title": "Steering the Craft", "shelf": "writing", "pages": 160, "at": "13.4,52.5"},
    "book:4": {"title": "The Dispossessed", "shelf": "novel,space", "pages": 341},
}


def ids(result: Any) -> list[str]:
    """Of the documents that were found, whatever the protocol makes of them."""
    if isinstance(result, dict):
        return [one["id"] for one in result["results"]]
    return [document.id for document in result.docs]


def total(result: Any) -> int:
    return int(result["total_results"] if isinstance(result, dict) else result.total)


def documents(result: Any) -> list[dict[str, Any]]:
    """What is shown of each."""
    if isinstance(result, dict):
        return [
            {_text(name): _text(value) for name, value in one["extra_attributes"].items()} for one in result["results"]
        ]
    return [{name: value for name, value in vars(one).items() if name not in ("id", "payload")} for one in result.docs]


def rows(result: Any) -> list[dict[str, Any]]:
    """Of an aggregation."""
    if isinstance(result, list):  # with its cursor
        return rows(result[0])
    if isinstance(result, dict):
        return documents(result)
    return [dict(zip(row[::2], row[1::2])) for row in result.rows]


def cursor_of(result: Any) -> int:
    return int(result[1] if isinstance(result, list) else result.cursor.cid)


def _text(value: Any) -> Any:
    return value.decode() if isinstance(value, bytes) else value


@pytest.fixture
def books(client: Any) -> Any:
    """An index over hashes, with some books in it."""
    index = client.ft("books")
    fields = (
        TextField("title", weight=2),
        TagField("shelf", separator=","),
        NumericField("pages", sortable=True),
        GeoField("at"),
    )
    assert index.create_index(fields, definition=IndexDefinition(prefix=["book:"], index_type=IndexType.HASH))
    for key, book in BOOKS.items():
        client.hset(key, mapping=book)
    return index


def test_books_are_found_by_words_tags_numbers_and_places(books: Any) -> None:
    assert ids(books.search("wizards")) == ["book:2"]
    assert ids(books.search("@title:darkness|craft")) == ["book:1", "book:3"]
    assert ids(books.search("@shelf:{novel} @pages:[200 320]")) == ["book:1"]
    assert ids(books.search("@at:[4.9 52.4 20 km]")) == ["book:2"]
    assert ids(books.search("the")) == []
    query = Query("*").add_filter(NumericFilter("pages", 183, NumericFilter.INF, minExclusive=True))
    assert ids(books.search(query.add_filter(GeoFilter("at", 5, 52, 100)))) == ["book:1"]


def test_how_results_are_sorted_cut_and_shown(books: Any) -> None:
    found = books.search(Query("*").sort_by("pages", asc=False).paging(1, 2).return_fields("title", "pages"))
    assert total(found) == 4
    assert documents(found) == [
        {"title": "The Left Hand of Darkness", "pages": "304"},
        {"title": "A Wizard of Earthsea", "pages": "183"},
    ]
    assert ids(books.search(Query("novel").no_content())) == []
    assert ids(books.search(Query("@shelf:{space}").no_content().limit_ids("book:4"))) == ["book:4"]
    found = books.search(Query("dispossessed").with_scores().scorer("TFIDF").verbatim().language("english"))
    score = found["results"][0]["score"] if isinstance(found, dict) else found.docs[0].score
    assert float(score) == 2
    found = books.search(Query("left darkness").limit_fields("title").slop(2).in_order().dialect(2))
    assert ids(found) == ["book:1"]
    assert ids(books.search(Query("darkness left").slop(2).in_order())) == []
    assert ids(books.search(Query("$word").dialect(2), {"word": "craft"})) == ["book:3"]


def test_an_index_is_described_changed_and_dropped(client: Any, books: Any) -> None:
    info = books.info()
    assert info["index_name"] == "books"
    assert int(info["num_docs"]) == 4
    assert books.alter_schema_add(TagField("language"))
    client.hset("book:3", "language", "en")
    assert ids(books.search("@language:{en}")) == ["book:3"]
    assert sorted(books.tagvals("shelf")) == ["magic", "novel", "space", "writing"]
    assert books.aliasadd("library")
    assert ids(client.ft("library").search("craft")) == ["book:3"]
    assert client.ft("books").aliasupdate("library")
    assert books.aliasdel("library")
    with pytest.raises(ResponseError, match="no such index"):
        client.ft("library").search("craft")
    assert "wizard" in books.explain("wizards")
    assert books.dropindex(delete_documents=True)
    assert client.keys("book:*") == []
    with pytest.raises(ResponseError, match=r"(?i)unknown index name"):
        books.info()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_settings(books: Any) -> None:
    assert books.config_set("MINPREFIX", "1")
    assert books.config_get("MINPREFIX") == {"MINPREFIX": "1"}
    assert ids(books.search("w*")) == ["book:2"]


def test_documents_that_are_json(client: Any) -> None:
    index = client.ft("films")
    index.create_index(
        (
            TextField("$.name", as_name="name"),
            TagField("$.tags[*]", as_name="tags"),
            NumericField("$.year", as_name="year"),
        ),
        definition=IndexDefinition(prefix=["film:"], index_type=IndexType.JSON),
    )
    client.json().set("film:1", "$", {"name": "Stalker", "tags": ["slow", "zone"], "year": 1979})
    client.json().set("film:2", "$", {"name": "Alien", "tags": ["space"], "year": 1979})
    assert ids(index.search("@tags:{zone}")) == ["film:1"]
    found = index.search(Query("@year:[1979 1979] alien").return_field("$.name", as_field="called"))
    assert documents(found) == [{"called": "Alien"}]
    client.json().arrappend("film:2", "$.tags", "zone")
    assert sorted(ids(index.search("@tags:{zone}"))) == ["film:1", "film:2"]


def test_the_nearest_vectors(client: Any) -> None:
    index = client.ft("colours")
    settings = {"TYPE": "FLOAT32", "DIM": 3, "DISTANCE_METRIC": "L2"}
    index.create_index((VectorField("rgb", "HNSW", settings), TagField("name")))
    for name, rgb in {"red": (1, 0, 0), "pink": (1, 0.6, 0.7), "navy": (0, 0, 0.5)}.items():
        client.hset(name, mapping={"name": name, "rgb": struct.pack("<3f", *rgb)})
    query = Query("*=>[KNN 2 @rgb $near AS far]").sort_by("far").return_fields("name", "far").dialect(2)
    found = index.search(query, {"near": struct.pack("<3f", 1, 0.5, 0.5)})
    assert [document["name"] for document in documents(found)] == ["pink", "red"]
    request = AggregateRequest("*=>[KNN 2 @rgb $near AS far]").load("@name").dialect(2)
    found = index.aggregate(request, {"near": struct.pack("<3f", 0, 0, 0.25)})
    assert [row["name"] for row in rows(found)] == ["navy", "red"]


def test_shapes(client: Any) -> None:
    index = client.ft("gardens")
    index.create_index((GeoShapeField("plot", GeoShapeField.FLAT),))
    client.hset("g:1", "plot", "POLYGON((1 1, 1 3, 3 3, 3 1, 1 1))")
    found = index.search(Query("@plot:[within $area]").dialect(3), {"area": "POLYGON((0 0, 0 5, 5 5, 5 0, 0 0))"})
    assert ids(found) == ["g:1"]


# Aggregations.


def test_groups_and_what_becomes_of_them(books: Any) -> None:
    request = (
        AggregateRequest("*")
        .load("@shelf", "@title")
        .apply(shelf="split(@shelf)")
        .group_by(
            "@shelf",
            count().alias("books"),
            sum_of("@pages").alias("pages"),
            avg("@pages").alias("mean"),
            min_of("@pages").alias("thinnest"),
            max_of("@pages").alias("thickest"),
            stddev("@pages").alias("spread"),
            quantile("@pages", 0.5).alias("middle"),
            count_distinct("@title").alias("titles"),
            count_distinctish("@title").alias("about"),
            tolist("@pages").alias("all"),
            first_value("@title", Desc("@pages")).alias("thick"),
            random_sample("@title", 10).alias("some"),
        )
        .sort_by(Desc("@books"), Asc("@shelf"))
    )
    novel, space, magic, writing = rows(books.aggregate(request))
    assert [row["shelf"] for row in (novel, space, magic, writing)] == ["novel", "space", "magic", "writing"]
    assert novel["books"] == "3"
    assert novel["pages"] == "828"
    assert novel["mean"] == "276"
    assert (novel["thinnest"], novel["thickest"]) == ("183", "341")
    assert novel["spread"] == "82.6377637645"
    assert novel["middle"] == "304"
    assert novel["titles"] == novel["about"] == "3"
    assert sorted(novel["all"]) == ["183", "304", "341"]
    assert novel["thick"] == "The Dispossessed"
    assert sorted(novel["some"]) == ["A Wizard of Earthsea", "The Dispossessed", "The Left Hand of Darkness"]
    assert writing["spread"] == "0"


def test_expressions_filters_and_limits(books: Any) -> None:
    request = (
        AggregateRequest("@shelf:{novel}")
        .load("@title")
        .apply(short="substr(@title, 0, 5)", even="@pages % 2 == 0", hours="floor(@pages / 40)")
        .filter(["@hours > 4", "exists(@title)"])
        .sort_by("@pages", max=10)
        .limit(0, 2)
    )
    assert rows(books.aggregate(request)) == [
        {"title": "The Left Hand of Darkness", "short": "The L", "even": "1", "hours": "7", "pages": "304"},
        {"title": "The Dispossessed", "short": "The D", "even": "0", "hours": "8", "pages": "341"},
    ]
    found = books.aggregate(AggregateRequest("wizard").add_scores().scorer("TFIDF").verbatim().load("@__key"))
    assert rows(found) == [{"__score": "2", "__key": "book:2"}]
    with pytest.raises(ResponseError, match="Unknown function name 'shout'"):
        books.aggregate(AggregateRequest("*").apply(loud="shout(@title)"))


def test_a_cursor_is_read_to_its_end(books: Any) -> None:
    found = books.aggregate(AggregateRequest("*").load("@pages").cursor(count=3, max_idle=10))
    assert [row["pages"] for row in rows(found)] == ["304", "183", "160"]
    id = cursor_of(found)
    assert id
    found = books.aggregate(Cursor(id))
    assert [row["pages"] for row in rows(found)] == ["341"]
    assert not cursor_of(found)
    with pytest.raises(ResponseError, match="Cursor not found"):
        books.aggregate(Cursor(id))


@pytest.mark.parametrize("command", ["FT.SEARCH", "FT.AGGREGATE"])
def test_a_query_that_takes_longer_than_its_timeout(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = itertools.count()
    monkeypatch.setattr(queries, "real_monotonic", lambda: next(seconds))
    client = FakeRedis(version=(7, 4), protocol=3)
    client.execute_command("FT.CREATE", "i", "SCHEMA", "t", "TEXT")
    late, early = ([command, "i", "*", "TIMEOUT", milliseconds] for milliseconds in (1, 60_000))
    assert client.execute_command(*late)[b"warning"] == [b"Timeout limit was reached"]
    assert client.execute_command(*early)[b"warning"] == []
    client.execute_command("FT.CONFIG", "SET", "ON_TIMEOUT", "fail")
    with pytest.raises(ResponseError, match="Timeout limit was reached"):
        client.execute_command(*late)
    client.execute_command(*early)


def test_a_cursor_that_nobody_reads_is_closed() -> None:
    clock = ManualClock()
    with FakeRedis(server=FakeServer(version="7.4", clock=clock)) as client:
        client.execute_command("FT.CREATE", "i", "SCHEMA", "n", "NUMERIC")
        for number in range(5):
            client.hset(f"k{number}", "n", number)

        def start(*idle: Any) -> int:
            line = ("FT.AGGREGATE", "i", "*", "LOAD", 1, "@n", "WITHCURSOR", "COUNT", 2, *idle)
            return int(client.execute_command(*line)[1])

        for idle, seconds in (((), 300), (("MAXIDLE", 2000), 2), (("MAXIDLE", 10**9), 300)):
            cursor = start(*idle)
            clock.advance(seconds)
            assert client.execute_command("FT.CURSOR", "READ", "i", cursor)[1] == cursor
            clock.advance(seconds + 0.01)
            with pytest.raises(ResponseError, match="Cursor not found"):
                client.execute_command("FT.CURSOR", "READ", "i", cursor)


# Words.


def test_suggestions(client: Any) -> None:
    index = client.ft()
    words = [Suggestion("hello world", 2), Suggestion("help", 3, payload="sos"), Suggestion("helium", 1)]
    assert index.sugadd("words", *words) == 3
    assert index.sugadd("words", Suggestion("helium", 5), increment=True) == 3
    assert [found.string for found in index.sugget("words", "hel")] == ["helium", "help", "hello world"]
    (first,) = index.sugget("words", "help", with_scores=True, with_payloads=True, num=1)
    assert (first.string, first.payload, first.score) == ("help", "sos", 2147483648.0)
    assert [found.string for found in index.sugget("words", "hulp", fuzzy=True)] == ["help"]
    assert index.sugdel("words", "help") == 1
    assert index.suglen("words") == 2


def test_dictionaries_synonyms_and_spelling(books: Any) -> None:
    assert books.dict_add("names", "wizzard", "earthsee") == 2
    assert sorted(books.dict_dump("names")) == ["earthsee", "wizzard"]
    assert books.dict_del("names", "earthsee") == 1
    checked = books.spellcheck("wizart", include="names", distance=2)
    near = checked["results"]["wizart"] if "results" in checked else checked["wizart"]
    shown = [next(iter(one)) if "suggestion" not in one else one["suggestion"] for one in near]
    assert sorted(shown) == ["wizard", "wizzard"]
    assert books.synupdate("magician", False, "wizard", "sorcerer")
    if not isinstance(books, Waiting):  # redis-py forgets to await it
        assert books.syndump() == {"wizard": ["magician"], "sorcerer": ["magician"]}
    assert ids(books.search("sorcerer")) == ["book:2"]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_documents_of_old(client: Any, books: Any) -> None:
    assert books.add_document("book:9", title="Always Coming Home", pages=523)
    assert ids(books.search("home")) == ["book:9"]
    assert books.load_document("book:9").title == "Always Coming Home"
    assert books.get("book:9", "book:8")[1] is None
    assert books.delete_document("book:9")
