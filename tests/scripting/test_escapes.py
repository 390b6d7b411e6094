"""A hundred attempts to get out of a script, and bombs that try to take the server with them.

An attempt has failed if it ends with one of Lua's own errors or gives a value of Lua's that tells nothing of Python.
"""

from __future__ import annotations

import time

import pytest

import redouble.commands
from redouble.core.client import Client
from redouble.core.server import Server
from redouble.resp.reply import CommandError, Push, Reply
from redouble.scripting import memory

assert redouble.commands  # fills the command table

PYTHON = (
    b"Traceback", b".py", b"__class__", b"__globals__", b"__builtins__", b"object at", b"<function", b"<class", b"python",
    b"NoneType", b"AttributeError", b"TypeError", b"KeyError", b"IndexError", b"ValueError", b"OverflowError",
    b"RecursionError", b"MemoryError", b"UnicodeDecodeError", b"AssertionError", b"redouble", b"root:", b"generator",
)  # fmt: skip
"""What no answer may contain."""


class Caller(Client):
    def deliver(self, reply: Reply) -> None:
        """Nothing waits."""

    def push(self, message: Push) -> None:
        """Nobody listens."""


def server() -> tuple[Server, Client]:
    made = Server(server_type="redis", version=(8, 6))
    return made, Caller(made)


def evaluate(source: str, *arguments: bytes) -> Reply:
    made, client = server()
    with made.lock:
        reply = made.call(client, [b"EVAL", source.encode("latin-1"), b"0", *arguments])
        assert made.call(client, [b"EVAL", b"return 'alive'", b"0"]) == b"alive"
    return reply


def texts(reply: Reply) -> bytes:
    pending: list[Reply] = [reply]
    found: list[bytes] = []
    while pending:
        value = pending.pop()
        if isinstance(value, (list, set, tuple)):
            pending += value
        elif isinstance(value, dict):
            pending += [*value.keys(), *value.values()]
        elif isinstance(value, CommandError):
            found.append(value.message.encode("utf-8", "surrogateescape"))
        else:
            assert value is None or isinstance(value, (bytes, int, float, bool)), value
            found.append(value if isinstance(value, bytes) else b"%a" % value)
    return b" ".join(found)


# What comes back is looked at for traces of Python; `show` puts what is in a value into a string.
SHOW = """
local seen = {}
local function show(v)
  if type(v) ~= 'table' then return type(v) == 'function' and 'function' or tostring(v) end
  if seen[v] then return 'again' end
  seen[v] = true
  local r = {}
  for k, w in pairs(v) do r[#r + 1] = show(k) .. '=' .. show(w) end
  return '{' .. table.concat(r, ' ') .. '}'
end
"""

ATTRIBUTES = [
    f"local ok, v = pcall(function() return ({value}){access} end) return show({{ok, v}})"
    for value in (
        "redis.call", "string.gmatch('a', '.')", "coroutine.create(function() end)", "cjson.null", "KEYS",
        "getmetatable('')", "_G", "coroutine.wrap(function() end)", "newproxy or error", "cjson.new()",
    )
    for access in ("['__class__']", "['__globals__']", "['func_code']", ":mro()", ".gi_frame")
]  # fmt: skip
ATTEMPTS = [
    # Everything there is, from the global table down.
    "return show(_G)", "return show(getmetatable(_G))", "return show(getmetatable(string))", "return show(redis)",
    "return show(getmetatable(redis))", "return show(getmetatable(KEYS))", "return show({pcall(pcall)})",
    # Names of the compiled code and of Python.
    *(f"return show({{pcall(loadstring('return {name}'))}})" for name in (
        "__name__", "G_KEYS", "F_redis_call", "CHUNKS.x", "tail", "every", "concat", "adjust", "SLOW", "sys", "eval",
        "exec", "getattr", "globals()", "vars()", "type(1).mro", "self", "runtime", "_1", "None", "True", "lambda",
    )),
    # Names and strings that could break out of the source that is compiled.
    "local a = \"'+__import__('os')+'\" return a .. 1", "local t = {['\\n import os']=1} return show(t)",
    "return show({pcall(function() local t = {} return t['\\\\\\'x\\0{}%s{0.__class__}'].y end)})",
    "return show({pcall(function() local x = nil; return x['{a.__class__}'].b end)})",
    "return string.format('%s{0}%%s', 'x')", "local None, True, self, def, class = 1, 2, 3, 4, 5 return None + class",
    "local x_1, _2, va, main = 1, 2, 3, 4 return x_1 + _2 + va + main",
    "local import, lambda, async, await, nonlocal, yield, raise = 1 return tostring(import)",
    # Code from elsewhere.
    "return show({pcall(loadstring, '\\27LuaQ\\0\\1\\4\\4\\4\\8\\0')})", "return show({pcall(string.dump, function() end)})",
    "return show({pcall(string.dump, redis.call)})",     "return show({pcall(loadstring, 'return 1', {})})", "return show({pcall(require, 'os')})",
    "return show({loadstring('return ...', '@/etc/passwd')('x')})", "return show({loadstring('x x', '=/etc/passwd')})",
    "return show({pcall(dofile)})", "return show({pcall(function() return io.open('/etc/passwd') end)})",
    "return show({pcall(function() return os.getenv('PATH') end)})", "return show({pcall(os and os.execute, 'id')})",
    "return show({pcall(function() return debug.getinfo(1) end)})", "return show({pcall(module, 'x')})",
    "return show({pcall(function() return package.loaded end)})", "return show({pcall(getfenv, 1)})",
    # Things that must not be changed.
    "return show({pcall(function() string.rep = nil end)})", "return show({pcall(rawset, string, 'x', 1)})",
    "return show({pcall(rawset, _G, 'x', 1)})", "return show({pcall(setmetatable, _G, {})})",
    "return show({pcall(setmetatable, string, {})})", "return show({pcall(setmetatable, getmetatable(''), {})})",
    "getmetatable('').__index = function() return 'owned' end", "return show({pcall(table.insert, redis, 1)})",
    "return show({pcall(table.sort, _G)})", "return show({pcall(table.remove, math, 1)})", "_G.x = 1",
    "return show({pcall(setmetatable, 'x', {})})", "return show({pcall(rawset, getmetatable(_G), '__index', 1)})",
    "return show({pcall(setfenv, 1, {})})", "KEYS = 1", "function string.evil() end", "redis.call = nil",
    # Errors, handlers and coroutines that see more than they should.
    "return show({xpcall(function() error() end, function(...) return select('#', ...) end)})",
    "return show({pcall(error, setmetatable({}, {__tostring = function() error('x') end}))})",
    "error(setmetatable({}, {__index = function() error('x') end}))", "error(function() end)", "error(cjson.null)",
    "error(coroutine.create(function() end))", "return show({pcall(error, redis.call)})",
    "return show({coroutine.resume(coroutine.create(redis.call), 'NOPE')})", "return show({coroutine.running()})",
    "local c c = coroutine.wrap(function() return c() end) return show({pcall(c)})",
    "local c c = coroutine.create(function() return coroutine.resume(c) end) return show({coroutine.resume(c)})",
    "return show({pcall(coroutine.yield, 1)})", "coroutine.yield(1)", "return show({pcall(coroutine.wrap(error), {})})",
    "return show({pcall(table.sort, {3, 2, 1}, coroutine.yield)})", "return coroutine.wrap(coroutine.yield)(1)",
    "return show({pcall(string.gsub, 'abc', '.', coroutine.wrap(function(a) while true do coroutine.yield(a) end end))})",
    "return show({pcall(setmetatable({}, {__call = coroutine.wrap(function() return 1 end)}))})",
    # Values where Python would expect others.
    "return show({pcall(string.rep, 'x', 0/0)})", "return show({pcall(string.rep, 'x', -1/0)})",
    "return show({pcall(string.char, 0/0)})", "return show({pcall(string.char, 1/0)})", "return 0/0", "return 1/0",
    "return show({pcall(string.format, '%d', 0/0)})", "return show({pcall(string.format, '%c', 1/0)})",
    "return show({pcall(string.format, '%99.99f', 1e308)})", "return show({pcall(struct.pack, 'L', 0/0)})",
    "return show({pcall(struct.pack, 'I32', 1/0)})", "return show({pcall(struct.unpack, 'I32', ('x'):rep(32))})",
    "return show({pcall(math.random, 0/0)})", "return show({pcall(math.randomseed, 1/0)})", "return show({math.modf(1/0)})",
    "return show({pcall(math.ldexp, 1, 1/0)})", "return show({pcall(bit.tohex, 1, 1/0)})", "return show({math.frexp(0/0)})",
    "return show({pcall(select, 0/0, 1)})", "return show({pcall(select, -1/0, 1)})", "return show({pcall(unpack, {}, 0/0)})",
    "return show({pcall(table.concat, {}, 'x', 1, 1/0)})", "return show({pcall(table.insert, {}, 0/0, 1)})",
    "return show({pcall(tonumber, '1', 0/0)})", "return show({pcall(tonumber, '1_0')})", "return show({tonumber('\\217\\163')})",
    "return show({pcall(cjson.encode, {[1e300] = 1})})", "return show({pcall(cjson.encode, {[2^53] = 1})})",
    "return show({pcall(cjson.decode, '[NaN,Infinity,-Infinity]')})", "return show({pcall(cjson.decode, '\"\\\\ud800\"')})",
    "return show({pcall(cjson.decode, '1' .. ('0'):rep(5000))})", "return show({pcall(cjson.decode, '\\255\\254')})",
    "return show({pcall(cmsgpack.unpack, '\\193')})", "return show({pcall(cmsgpack.unpack, '\\223\\255\\255\\255\\255')})",
    "return show({pcall(cmsgpack.unpack, '\\129\\192\\1')})", "return show({pcall(cmsgpack.unpack, '\\199\\1\\1x')})",
    "return show({pcall(cmsgpack.pack, redis.call)})", "return show({pcall(redis.call, 'SET', 'k', 0/0)})",
    "return show({pcall(redis.sha1hex, {})})", "return show({pcall(redis.log, 0/0, 'x')})",
    "return show({pcall(redis.setresp, 0/0)})", "return show({pcall(redis.set_repl, 1/0)})",
    "return show({pcall(redis.acl_check_cmd, {})})", "return show({pcall(redis.call, 'EVAL', 'return 1', 0)})",
    "return {double = 0/0}", "return {big_number = 'x'}", "return {map = {[{}] = 1}}", "return {set = {[{}] = true}}",
    "return {err = {}}", "return {ok = 1}", "return {verbatim_string = {format = 1, string = 2}}", "return {err = 1/0}",
    "local t = {} t[1] = t return t", "local t = {} for i = 1, 100000 do t = {t} end return #t",
    # Addresses.
    "return show({tostring({}), tostring(redis.call), tostring(coroutine.create(show)), tostring(cjson.null)})",
]  # fmt: skip


@pytest.mark.parametrize("source", ATTRIBUTES + ATTEMPTS)
def test_a_script_does_not_get_out(source: str) -> None:
    found = texts(evaluate(SHOW + source))
    for trace in PYTHON:
        # A message may quote what the script itself said.
        assert trace not in found or trace in source.encode("latin-1", "replace"), found


def test_addresses_tell_nothing_of_the_process() -> None:
    made, client = server()
    with made.lock:
        shown = made.call(client, [b"EVAL", b"return tostring(redis.call)", b"0"])
    assert isinstance(shown, bytes)
    found = int(shown.rpartition(b"0x")[2], 16)
    known = [id(value) for value in made.scripting.engine.runtime.names.values()]  # type: ignore[attr-defined]
    assert found not in known


BOMBS = [
    "while true do end", "repeat until false", "load(function() return '\\27Lua' end)", "local function f() return f() end f()", "for i = 1, 1/0 do end",
    "pcall(function() while true do end end)", "while true do pcall(error) end", "coroutine.wrap(function() while true do end end)()",
    "while true do coroutine.resume(coroutine.create(function() end)) end", "for _ in function() return 1 end do end",
    "local t = setmetatable({}, {__index = function() while true do end end}) return t.x", "table.insert({}, -2^31, 1)",
    "table.sort({3, 2, 1}, function() while true do end end)", "string.gsub('x', 'x', function() while true do end end)",
    "xpcall(function() error('x') end, function() while true do end end)", "string.rep('x', 1/0)", "string.rep('x', 2^40)",
    "local s = 'x' while true do s = s .. s end", "local t = {} while true do t[#t + 1] = string.rep('x', 2^20) end",
    "local t = {} for i = 1, 1/0 do t[i] = i end", "local t = {} while true do t = {t, t} end",
    "string.format(string.rep('%99d', 2^20), unpack({}, 1, 7000))", "return unpack({}, 0, 2147483647)",
    "return unpack({}, -2^31, 2^31)", "return table.concat({}, 'x', 1, 2^31)", "return string.byte(string.rep('x', 2^24), 1, -1)",
    "return string.gsub(string.rep('x', 2^20), 'x', string.rep('y', 2^12))", "return string.gsub(string.rep('x', 2^24), '', 'yyyy')",
    "local s = string.rep('x', 2^20) local t = {} for i = 1, 2^12 do t[i] = s end return table.concat(t)",
    "local t = {} for i = 1, 4000 do t[i] = string.rep('x', 2^18) end return cjson.encode(t)",
    "local t = {} for i = 1, 4000 do t[i] = string.rep('x', 2^18) end return cmsgpack.pack(t)",
    "local t = {} t[1] = t return cjson.encode(t)", "local t = {} t[1] = t while true do cmsgpack.pack(t) end",
    "return cjson.decode(string.rep('[', 2^20))", "return cjson.decode(string.rep('{\"a\":', 2^18))",
    "return cmsgpack.unpack(string.rep('\\145', 2^20))", "return cmsgpack.unpack('\\221\\255\\255\\255\\255')",
    "return struct.pack(string.rep('I32', 2^22))", "return struct.pack('c2000000000', 'x')", "return struct.unpack('c0', 'x')",
    "return loadstring(string.rep('(', 2^20))", "return loadstring('return ' .. string.rep('-', 2^16) .. '1')()",
    "local s = 'return 1' while true do s = 'return loadstring([==[' .. s .. ']==])()' loadstring(s)() end",
    "while true do loadstring('return ' .. math.random())() end", "return string.find(string.rep('a', 2^17), string.rep('a?', 2^17) .. 'b')",
    "return string.find(string.rep('a', 2^14), '.-.-.-.-.-b')", "return string.match(string.rep('(', 2^15), '%b()%b()')",
    "return string.gsub(string.rep('a', 2^15), '.-b', '')", "return string.find(string.rep('x', 2^16), '(.-)%1y')",
    "local function f() return 1 + f() end return f()", "local function f() return pcall(f) end while true do f() end",
    "local t = setmetatable({}, {}) getmetatable(t).__index = function(a, b) return t[b] end return t.x",
    "local t = setmetatable({}, {__tostring = function(t) return tostring(t) end}) return tostring(t)",
    "local t = setmetatable({}, {__concat = function(a, b) return a .. b end}) return t .. t",
    "local t = setmetatable({}, {}) getmetatable(t).__call = t return t()", "while true do redis.call('PING') end",
    "local function f() coroutine.wrap(f)() end f()", "while true do redis.pcall('NOPE') end", "while true do error_ = pcall(error) end",
    # Growth.
    "return string.format('%99999d', 1)", "while true do string.format('%99.99f', 1e308) end", "local t = {} while true do t[#t + 1] = #t .. '' end",
    "while true do string.format('%s', string.rep('x', 2^20)) end", "local s = string.rep('x', 2^16) while true do s = s:gsub('x', 'xx') end",
    "local t = {} for i = 1, 1e9 do t[i * 0.5] = true end", "local s = string.rep('x', 2^24) while true do s:upper() end",
    "local s = string.rep('x', 2^24) while true do local u = s .. 'y' end", "local s = string.rep('x', 2^24) while true do s:find('y', 1, true) end",
    "return string.rep('x', 2^25):byte(1, -1)", "return tonumber(string.rep('9', 2^20))", "local t = {} while true do t[#t + 1] = coroutine.wrap(error) end",
    # Tables.
    "local t = {} for i = 1, 1e5 do t[i] = i end while true do table.insert(t, 1, 0) end", "local t = {} for i = 1, 1e5 do t[i] = i end while true do table.remove(t, 1) end",
    "local t = {} for i = 1, 1e5 do t[i] = i end while true do table.sort(t) end", "local t = {} for i = 1, 1e5 do t[i] = i end while true do table.maxn(t) end",
    "local t = {} for i = 1, 1e5 do t[i] = i % 7 end table.sort(t, function() return true end)", "local t = {} while true do unpack(t, 1, 7000) end",
    "local t = {} for i = 1, 1e5 do t['k' .. i] = i end while true do next(t, (next(t))) end", "return select(-2147483648, 1)",
    # Nesting.
    "local function f(n) if n == 0 then return 0 end return 1 + f(n - 1) end return f(16000)", "local function f(n) return pcall(f, n + 1) end return f(0)",
    "local function f(n) if n > 0 then return f(n - 1) end end return f(1000000)", "local function f() local ok, e = xpcall(f, f) return e end return f()",
    "local t = {} t.__index = t setmetatable(t, t) return t.x", "local t = setmetatable({}, {__unm = function(a) return -a end}) return -t",
    "local t = setmetatable({}, {}) getmetatable(t).__newindex = t t.x = 1", "local a = {} for i = 1, 200 do a = setmetatable({}, {__index = a}) end return a.x",
    "local t = {} for i = 1, 5000 do t = {t} end return cjson.encode(t)", "local t = {} for i = 1, 5000 do t = {t} end return cmsgpack.pack(t)",
    "return cjson.decode('[' .. string.rep('1,', 2^20) .. '1]')", "local s = '[' .. string.rep('1,', 2^15) .. '1]' while true do cjson.decode(s) end",
    # Patterns that are long, many or costly.
    "return string.find('x', string.rep('a', 600000))", "return string.find('x', string.rep('[^a]', 150000))", "return string.find('x', string.rep('%a', 300000))",
    "for i = 1, 1e9 do string.find('x', i .. string.rep('[^a]', 60)) end", "return string.find('x', '[' .. string.rep('a-z', 2^20) .. ']')",
    "return string.find(string.rep('a', 2^16), string.rep('.-', 40) .. 'b')", "while true do string.find(string.rep('a', 500), '.-.-b') end",
    # Chunks that are long, many or costly.
    "return loadstring('local a = 1 return a' .. string.rep(' + a', 2^15))()", "return loadstring(string.rep('-- x\\n', 2^19) .. 'return 1')()",
    "return loadstring('return \"' .. string.rep('\\\\n', 2^20) .. '\"')", "return loadstring('return ' .. string.rep('\\n', 2^22) .. '1')()",
    "return loadstring('return {' .. string.rep('1,', 2^15) .. '}')()", "for i = 1, 1e9 do loadstring('return ' .. i .. string.rep(' + 1', 1000))() end",
    "return loadstring('local t = {} ' .. string.rep('t.a = function(x) return x end ', 2^17))()", "return loadstring(string.rep('for i = 1, 1 do ', 190))",
]  # fmt: skip


@pytest.mark.parametrize("source", BOMBS)
def test_a_bomb_ends_and_the_server_lives(source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("redouble.scripting.watch.LONGEST_RUN", 0.2)
    monkeypatch.setattr(memory, "LIMIT", 256 * 1024 * 1024)
    began = time.monotonic()
    found = texts(evaluate(source))
    assert time.monotonic() - began < 20
    for trace in PYTHON:
        assert trace not in found.removeprefix(b"ERR Script killed by redouble"), found[:500]
