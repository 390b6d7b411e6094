"""Times to live of single fields, against two dictionaries."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from redouble.types.hash import Hash
from redouble.types.limits import Limits

FIELDS = st.sampled_from([b"a", b"b", b"c", b"d", b"e"])
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("set"), FIELDS, st.booleans()),
        st.tuples(st.just("update"), FIELDS, FIELDS),
        st.tuples(st.just("expire"), FIELDS, st.integers(1, 20)),
        st.tuples(st.just("persist"), FIELDS, st.none()),
        st.tuples(st.just("delete"), FIELDS, st.none()),
        st.tuples(st.just("copy"), FIELDS, st.none()),
        st.tuples(st.just("time"), FIELDS, st.integers(1, 20)),
    ),
    max_size=40,
)


@given(STEPS, st.booleans(), st.sampled_from([2, 512]))
def test_fields_go_when_their_time_has_come(steps: list[tuple[str, bytes, Any]], small: bool, most: int) -> None:
    fields = Hash(Limits(small_hashes_expire=small, hash_max_listpack_entries=most))
    values: dict[bytes, bytes] = {}
    expires: dict[bytes, int] = {}
    for step, field, value in steps:
        if step == "set":
            assert fields.set(field, b"1", keep_ttl=value) == (field not in values)
            values[field] = b"1"
            if not value:
                expires.pop(field, None)
        elif step == "update":
            assert fields.update([field, b"2", value, b"3"]) == len({field, value} - values.keys())
            values |= {field: b"2"} | {value: b"3"}
            expires.pop(field, None)
            expires.pop(value, None)
        elif step == "expire" and field in values:
            fields.set_expiry(field, value)
            expires[field] = value
        elif step == "persist":
            assert fields.persist(field) == (expires.pop(field, None) is not None)
        elif step == "delete":
            assert fields.delete(field) == (values.pop(field, None) is not None)
            expires.pop(field, None)
        elif step == "copy":
            fields = fields.copy()
        elif step == "time":
            due = [name for name, at in expires.items() if at < value]
            assert fields.remove_due(value) == len(due)
            for name in due:
                del values[name], expires[name]
        fields.check()
        assert dict(fields.items()) == values
        assert {name: fields.expires_at(name) for name in values} == {name: expires.get(name) for name in values}
        if fields.encoding() == b"listpackex":
            times = [expires.get(name, 100) for name in fields]
            assert times == sorted(times)
