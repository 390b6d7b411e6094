"""The language alone: round trips, limits, and that nothing of Python's can be reached."""

from __future__ import annotations

import warnings
from types import CodeType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from redouble.scripting import memory
from redouble.scripting.engine import Engine, Features, ScriptFailed
from redouble.scripting.lexer import LuaSyntaxError
from redouble.scripting.table import Table, array
from redouble.scripting.values import FALSE, NULL, TRUE, Killed, Value

ENGINE = Engine(Features(), {})


def run(source: str | bytes, *arguments: Value, engine: Engine = ENGINE) -> Value:
    text = source.encode() if isinstance(source, str) else source
    names = engine.runtime.names
    names["G_KEYS"], names["G_ARGV"] = array([]), array(list(arguments))
    program = engine.program(text, any(word in text for word in (b"coroutine", b"_G", b"load")))
    return engine.run(engine.function(program, b"user_script", b"@user_script"), program)


def same(one: Value, other: Value) -> bool:
    if isinstance(one, Table) and isinstance(other, Table):
        return set(one) == set(other) and all(same(one[key], other[key]) for key in one)
    return bool(one == other)


keys = st.one_of(st.binary(max_size=8), st.floats(allow_nan=False, width=32))
numbers = st.one_of(st.integers(-(2**53), 2**53).map(float), st.floats(allow_nan=False, allow_infinity=False, width=32))
scalars = st.one_of(st.binary(max_size=40), numbers, st.sampled_from([TRUE, FALSE]))
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=5).map(array), st.dictionaries(keys, inner, max_size=5).map(lambda pairs: Table(pairs))
    ),
    max_leaves=12,
)
json_values = st.recursive(
    st.one_of(st.binary(max_size=40), st.integers(-(10**13), 10**13).map(float), st.sampled_from([TRUE, FALSE, NULL])),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=5).map(array),
        st.dictionaries(st.binary(max_size=8), inner, max_size=5).map(lambda pairs: Table(pairs)),
    ),
    max_leaves=12,
)


@given(values)
@settings(max_examples=80, deadline=None)
def test_cmsgpack_reads_what_it_wrote(value: Value) -> None:
    assert same(run("return (cmsgpack.unpack(cmsgpack.pack(ARGV[1])))", value), value)


@given(json_values)
@settings(max_examples=80, deadline=None)
def test_cjson_reads_what_it_wrote(value: Value) -> None:
    assert same(run("return cjson.decode(cjson.encode(ARGV[1]))", value), value)


@given(st.integers(-(2**31), 2**31 - 1), st.binary(max_size=20).filter(lambda data: b"\0" not in data), numbers)
@settings(max_examples=50, deadline=None)
def test_struct_reads_what_it_wrote(integer: int, text: bytes, number: float) -> None:
    source = "local a,b,c = struct.unpack('>i4sd', struct.pack('>i4sd', ARGV[1], ARGV[2], ARGV[3])) return {a,b,c}"
    assert list(run(source, float(integer), text, number).values()) == [integer, text, number]


@pytest.mark.parametrize(
    "source",
    [
        "do " * 190 + "end " * 190 + "return 1",
        "if true then " * 190 + "end " * 190 + "return 1",
        "while true do " * 190 + "break end " * 190 + "return 1",
        "for _ in pairs({}) do " * 40 + "end " * 40 + "return 1",
        "local a=0 return 1+" + "+".join(["a"] * 5000),
        "local a=1 return " + " and ".join(["a"] * 5000),
        "return " + "(" * 150 + "1" + ")" * 150,
        "local x=499 if x==0 then return 0 " + "".join(f"elseif x=={n} then return 1 " for n in range(1, 500)) + "end",
        "local t={} t.x=t local u=t" + ".x" * 2000 + " return 1",
        "local n=0 local function f() n=n+1 if n>99 then return 1 end return f() end return f()",
        "return " + "(function() return " * 60 + "1" + " end)()" * 60,
    ],
    ids=lambda source: source[:30],
)
def test_limits_of_python_do_not_show(source: str) -> None:
    assert run(source) == 1.0


@pytest.mark.parametrize(
    "expression",
    [
        "-math.pi",
        "math.pi * 2",
        "math.pi % 2",
        "(5) % 3",
        "-(1 / 2)",
        "('a' .. 'b')",
        "-('2')",
        "(1 and 2)",
        "#'a'",
        "(1 == 1)",
    ],
)
@pytest.mark.parametrize(
    "form", ["{} == nil", "{} ~= false", "nil == {}", "({}).x", "({})[1]", "({})()", "not {}", "{} and 1"]
)
def test_python_has_nothing_to_warn_of(form: str, expression: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for generators in (False, True):
            ENGINE.program(f"return {form.format(expression)}".encode(), generators)


def test_a_hundred_thousand_tail_calls_take_no_stack() -> None:
    assert run("local function f(n) if n==0 then return 'done' end return f(n-1) end return f(100000)") == b"done"


def failed(source: str) -> bytes:
    with pytest.raises(ScriptFailed) as caught:
        run(source)
    return caught.value.value  # type: ignore[no-any-return]


def test_recursion_ends_with_the_stack_overflow_of_lua() -> None:
    assert failed("local function f() return 1+f() end return f()").endswith(b"stack overflow")
    loaded = "local t=... local function f() t.n=t.n+1 return 1+f() end return f()"
    assert 100 < run(f"local t={{n=0}} pcall(loadstring('{loaded}'), t) return t.n") < 20_000
    assert run("local d=0 local function f() d=d+1 local ok,e=pcall(f) return e end return f()") == b"C stack overflow"
    assert b"stack overflow" in failed("local function f() return coroutine.wrap(f)() end f()")


def test_memory_bombs_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "LIMIT", 64 * 1024 * 1024)
    assert failed("local t={} for i=1,1e9 do t[i]=string.rep('x',1e8) end") == b"not enough memory"
    assert failed("local s='x' while true do s=s..s end") == b"not enough memory"


def test_a_budget_ends_loops_patterns_and_recursion() -> None:
    engine = Engine(Features(), {})
    looks = 0

    def check() -> None:
        nonlocal looks
        looks += 1
        if looks > 3:
            raise Killed(b"enough")

    engine.runtime.check = check
    for source in (
        "while true do end",
        "repeat until false",
        "for i=1,1e15 do end",
        "for i=1,1,0 do end while true do pcall(function() while true do end end) end",
        "local function f() return f() end f()",
        "local function f(n) if n>0 then f(n-1) f(n-1) end end f(60)",
        "coroutine.wrap(function() while true do end end)()",
        "for i=1,1e9 do for j=1,10 do for k=1,10 do end end end",
        "for w in function() return 1 end do end",
        "return string.find(string.rep('a',300000), string.rep('a?',300)..'b')",
        "return string.find(string.rep('a',3000), string.rep('a*',30)..'b')",
        "load(function() return 'x ' end)",
    ):
        looks = 0
        with pytest.raises(Killed):
            run(source, engine=engine)


def test_a_pattern_of_three_hundred_thousand_items_is_refused() -> None:
    assert b"too complex" in failed("return string.find(string.rep('a',300000), string.rep('a?',300000)..'b')")
    assert b"too many results" in failed("return unpack({},0,2147483647)")


def test_deep_nesting_is_refused_as_lua_does() -> None:
    with pytest.raises(LuaSyntaxError, match="too many syntax levels"):
        run("return " + "(" * 300 + "1" + ")" * 300)


ESCAPES = [
    "return ('').__class__", "return (1).__class__", "local f=function() end return f.__globals__",
    "return string.rep.__globals__", "return string.rep.__code__", "return _G.__builtins__", "return __builtins__",
    "return __import__('os')", "return (function() end).__closure__", "return cjson.null.__class__",
    "return coroutine.create(function() end).generator", "return redis.__class__", "return ({}).__class__",
    "return ({}).meta", "return ({}).keys", "return ('x'):format().__class__", "return python",
    "return open('/etc/passwd')", "return io", "return require('os')", "return dofile('/etc/passwd')",
    "return os.execute('id')", "return debug", "return package", "return loadfile('/etc/passwd')",
    "return string.format('%s', ({}).__class__)", "return TICKS", "return CHUNKS", "return index", "return Table",
    "return tuple", "return _1", "local x='__class__' return ('a')[x]", "return (true).__class__",
    "return getmetatable('').__class__", "return string.dump(function() end)",
    "return loadstring(string.char(27)..'Lua')()", "local _ENV={} return TypeError", "return names", "return TRUE",
    "return getmetatable('').__index.__class__", "return ARGV.__class__", "return KEYS.border", "return ({}).layout",
    "return coroutine.running.__self__", "return pcall.__self__", "return select.__defaults__", "return va",
    "return F_string_rep", "return G_redis", "return main", "return refill", "return generator.send",
]  # fmt: skip


@pytest.mark.parametrize("source", ESCAPES)
def test_nothing_of_python_is_reachable(source: str) -> None:
    try:
        value = run(source)
    except ScriptFailed:
        return
    assert value is None


def test_compiled_code_asks_for_no_attribute_but_the_class() -> None:
    source = b"""
    local t = {a=1, ['b']=2, 3} local f = function(...) return ... end
    for i=1,3 do t[i] = f(i) .. 'x' end  for k, v in pairs(t) do t[k] = nil end
    while #t > 0 do t.x.y = -t.a + 1 % 2 ^ 3 end  repeat local z = function() return z end until t:m(1) and not f
    if t.a == 1 or t.b <= 2 then return f(t) elseif t then return {f()} end
    """
    allowed = {"__class__"} | set(ENGINE.runtime.names) | {"main"}
    for generators in (False, True):
        program = ENGINE.program(source, generators)
        pending: list[CodeType] = [program.code]
        while pending:
            code = pending.pop()
            assert set(code.co_names) <= allowed
            pending += [constant for constant in code.co_consts if isinstance(constant, CodeType)]
    assert ENGINE.runtime.names["__builtins__"] == {}
