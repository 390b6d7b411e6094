"""What random programs are made of.

Each has the same variables: `n` and `m` are numbers, `s` and `q` strings, `t` and `u` tables, `f` and `g` functions, `b` a
boolean, and `x` may be anything.  `num`, `str`, `tab` and `fun` are places where a number, a string, a table or a function
belongs, and now and then something else is.  What could run long spends `fuel`; what could grow is cut.  Tables are
never keys, for their order would be chance.
"""

from __future__ import annotations

PRELUDE = """\
local k = 0
local function fuel() k = k + 1 if k > 60 then error('fuel') end end
local function show(v, d)
  local y = type(v)
  if y == 'number' then return string.format('%.17g', v) end
  if y == 'string' then return string.format('%q', v) end
  if y == 'boolean' or y == 'nil' then return tostring(v) end
  if y ~= 'table' then return y end
  if d > 3 then return '...' end
  local r = {}
  for i, w in next, v do
    if type(i) ~= 'table' and type(i) ~= 'function' and type(i) ~= 'thread' then
      r[#r + 1] = '[' .. show(i, d) .. ']=' .. show(w, d + 1)
    end
  end
  return '{' .. table.concat(r, ',') .. '}#' .. #v
end
local function all(...)
  local r = {}
  for i = 1, select('#', ...) do r[i] = show((select(i, ...)), 0) end
  return table.concat(r, ' ')
end
local n, m, s, q, t, u, b, x = 3, -1.5, 'abc 12', '\\0%x', {1, 2, 3}, {a = 1, b = 'y', 7}, true, nil
local f, g = function(...) return ... end, function(a) return a end
"""

RULES = r"""
program:
    3* <block><block><block>return all(pcall(function() <block>return <list> end))
    3* <block><block><block>return all(<list>)
    <block><block>return all(n, m, s, q, t, u, b, x)
    <block><block>return <any>
    <block><block>return {<list>}
    <block><block>return all(<coroutine>) -- coroutine
    return all(<list>)
    return all(<list>) -- coroutine
    <block><block><block>return all(n, m, s, q, t, u, b, x) -- coroutine
block:
    (nothing)
    3* <statement>(newline)<block>
statement:
    3* n = <number>
    2* m = <number>
    3* s = string.sub(<string>, 1, 40)
    2* q = string.sub(<string>, 1, 40)
    3* t = <table>
    2* u = <table>
    f = <function>
    g = <function>
    b = <boolean>
    2* x = <any>
    x, n, s = <list>
    4* <place>[<key>] = <any>
    2* <place>.<name> = <any>
    <place>[<any>] = nil
    t[#t + 1] = <any>
    t[<key>], u[<key>] = <any>, <any>
    table.insert(<tab>, <any>)
    table.insert(<tab>, <small>, <any>)
    x = table.remove(<tab>)
    x = table.remove(<tab>, <num>)
    table.sort(<tab>)
    table.sort(<tab>, function(a, b) return a > b end)
    x = {pcall(table.sort, <list>)}
    t[<key>] = nil
    u.<name> = nil
    do local <name>, n = <list> <block>end
    local <name> = <any>
    2* if <condition> then (newline)<block>end
    if <condition> then <block>elseif <condition> then <block>else <block>end
    2* for i = <number>, <small> do fuel() n = i <block>end
    for i = <num>, <num>, <num> do fuel() if i ~= i or k > 20 then break end <block>end
    2* for a, c in pairs(<tab>) do fuel() <quiet>end
    for a, c in ipairs(<tab>) do fuel() <loop>end
    for a, c in next, <table> do fuel() <quiet>end
    for a, c in string.gmatch(<str>, <pattern>) do fuel() q = a <loop>end
    while <condition> do fuel() <loop>end
    repeat fuel() local c = n <loop>until <condition> or k > 30
    2* x = {pcall(<fun>, <list>)}
    x = {pcall(function() (newline)<block>end)}
    x = {xpcall(function() <block>end, <fun>)}
    setmetatable(<table_name>, <metatable>)
    setmetatable(<tab>, <metatable>)
    setmetatable(<table_name>, nil)
    f(<list>)
    x = g(<list>)
    x = {f(<list>)}
    error(<string>)
    error(<string>, <small>)
    error({err = 'E ' .. <string>})
    assert(<list>)
    x = <coroutine>
    x = {<command>}
    local function <name>(<names>) fuel() <block>return <list> end x = <name>(<list>)
    function u.<name>(a, ...) fuel() <block>return <list> end
    function t:<name>(a) fuel() <block>return <list> end
    n, m = m, n
    t, u = u, t
loop:
    3* <block>
    <block>if <condition> then break end (newline)
    t[#t + 1] = c (newline)
    q = tostring(a) (newline)
quiet:
    n = <number> (newline)
    q = tostring(a) (newline)
    x = c (newline)
    s = string.sub(<string>, 1, 40) if <condition> then break end (newline)
    if a == <key> then <quiet>else x = a end (newline)
    f = function() return a, c end if n > 3 then break end (newline)
names:
    a
    a, c
    ...
    a, ...
list:
    (nothing)nil
    3* <any>
    3* <any>, <any>
    <any>, <any>, <any>
    2* <many>
    2* <any>, <many>
    <many>, <any>
    (<many>)
many:
    f(<list>)
    g(<list>)
    unpack(<tab>)
    unpack(<tab>, <small>, <small>)
    select(<num>, <list>)
    select('#', <list>)
    string.byte(<str>, <num>, <num>)
    string.find(<str>, <pattern>)
    string.find(<str>, <pattern>, <num>)
    string.find(<str>, <str>, <num>, <boolean>)
    string.match(<str>, <pattern>)
    string.match(<str>, <pattern>, <num>)
    string.gsub(<str>, <pattern>, <replacement>)
    string.gsub(<str>, <pattern>, <replacement>, <num>)
    pcall(<fun>, <list>)
    pcall(error, <any>)
    pcall(error, <any>, <small>)
    math.modf(<num>)
    math.frexp(<num>)
    next(<tab>)
    next(<tab>, <key>)
    cmsgpack.unpack(<str>)
    cmsgpack.unpack(cmsgpack.pack(<list>))
    cmsgpack.unpack_one(cmsgpack.pack(<list>))
    cmsgpack.unpack_limit(cmsgpack.pack(<list>), <small>, <small>)
    struct.unpack(<layout>, <str>)
    struct.unpack(<layout>, struct.pack(<layout>, <list>))
    struct.unpack(<layout>, <str>, <num>)
    loadstring(<source>)
    pcall(loadstring(<source>))
    (function(<names>) fuel() <block>return <list> end)(<list>)
    (function(...) return select('#', ...), ... end)(<list>)
    <command>
any:
    6* <number>
    6* <string>
    4* <table>
    2* <boolean>
    nil
    <function>
    x
    <tab>[<key>]
    <tab>.<name>
    <tab>:<name>(<list>)
    <fun>(<list>)
    (<many>)
    <any> and <any>
    <any> or <any>
    <name>
    cjson.decode(<json>)
    cjson.decode(<str>)
    cjson.decode(cjson.encode(<any>))
    cjson.null
    tonumber(<str>)
    tonumber(<any>, <num>)
    rawget(<tab>, <key>)
    getmetatable(<any>)
    math.max(<list>)
    <libraries>
libraries:
    string.<word>
    math.<word>
    redis.<word>
    <word>
    string.len(<list>)
    string.upper(<list>)
    string.rep(<any>, <small>)
    string.char(<list>)
    string.byte(<list>)
    string.sub(<list>)
    math.floor(<list>)
    math.min(<list>)
    math.fmod(<list>)
    math.pow(<list>)
    table.concat(<list>)
    table.getn(<list>)
    table.maxn(<list>)
    tostring(<number>)
    type(<list>)
    rawequal(<list>)
    rawset(<list>)
    setmetatable(<list>)
    tonumber(<list>)
    bit.band(<list>)
    bit.tohex(<list>)
    bit.lshift(<list>)
    struct.size(<list>)
    struct.pack(<list>)
    cjson.encode(<list>)
    cjson.decode(<list>)
    cmsgpack.unpack(<list>)
    redis.sha1hex(<list>)
    redis.status_reply(<list>)
    redis.error_reply(<list>)
word:
    len
    foo
    call
    pi
    huge
num:
    9* <number>
    <any>
number:
    3* n
    m
    3* <literal>
    2* <small>
    #<tab>
    #<str>
    <num> + <num>
    <num> - <num>
    <num> * <num>
    <num> / <num>
    <num> % <num>
    <num> ^ <num>
    -<num>
    (<num> + <num>) * <num>
    math.floor(<num>)
    math.ceil(<num>)
    math.abs(<num>)
    math.max(<num>, <num>)
    math.min(<num>, <num>)
    math.fmod(<num>, <num>)
    math.sqrt(<num>)
    math.ldexp(<num>, <small>)
    math.pow(<num>, <num>)
    math.deg(<num>)
    (function() math.randomseed(<num>) return math.random() end)()
    (function() math.randomseed(<num>) return math.random(<num>) end)()
    (function() math.randomseed(<num>) return math.random(<num>, <num>) end)()
    bit.<bits>(<num>, <num>)
    bit.<bit>(<num>)
    string.len(<str>)
    string.byte(<str>)
    string.byte(<str>, <num>)
    tonumber(<str>)
    tonumber(<str>, <small>)
    tonumber(<str>, 16)
    table.getn(<tab>)
    table.maxn(<tab>)
    select('#', <list>)
    struct.size(<layout>)
    (string.find(<str>, <pattern>))
    <str> + <num>
    math.pi
    math.huge
    t[<small>]
bits:
    band
    bor
    bxor
    lshift
    rshift
    arshift
    rol
    ror
bit:
    bnot
    tobit
    bswap
small:
    1
    0
    2
    3
    5
    -1
    -2
    8
literal:
    10
    0.5
    -0
    1.5
    100
    1e15
    1e16
    123456789012
    2^31
    2^32
    2^53
    -2^63
    2^63
    1e100
    1e308
    1e-7
    0/0
    1/0
    -1/0
    0x10
    0xFFFFFFFF
    3.14159265358979
    .5
    5.
    1e+2
    65535.5
str:
    9* <string>
    <any>
string:
    ''
    3* s
    2* q
    4* <quoted>
    <str> .. <str>
    <str> .. <num> .. <str>
    string.upper(<str>)
    string.lower(<str>)
    string.reverse(<str>)
    string.rep(<str>, <small>)
    string.sub(<str>, <num>)
    string.sub(<str>, <num>, <num>)
    string.char(<small>, 65)
    string.char(<num>)
    string.gsub(<str>, <pattern>, <replacement>)
    (string.gsub(<str>, <pattern>, <replacement>))
    2* string.format(<format>, <list>)
    string.format('%q', <str>)
    string.format('<directive>', <num>)
    string.format('<directive>', <any>)
    table.concat(<tab>)
    table.concat(<tab>, <str>)
    table.concat(<tab>, <str>, <num>, <num>)
    tostring(<number>)
    tostring(<boolean>)
    type(<any>)
    2* cjson.encode(<any>)
    2* cmsgpack.pack(<list>)
    2* struct.pack(<layout>, <list>)
    bit.tohex(<num>)
    bit.tohex(<num>, <num>)
    redis.sha1hex(<str>)
    s:sub(<num>)
    s:upper()
    ('x'):rep(<small>)
    s:len()
    s:<name>()
    (select(2, pcall(<fun>, <list>)))
    (<str>):byte()
    _VERSION
quoted:
    'a'
    'hello world'
    '10'
    '0x1F'
    ' 5 '
    '1e2'
    '-3.7'
    'a,b,,c'
    'key=value'
    '\0\1\255'
    'x\ny'
    '%d'
    '\195\169'
    '"\\/'
    [[long]]
    'nan'
    'inf'
    'AbC dEf'
    'f(a(b)c)d'
    '\127\128'
    'aaaa'
    '12:34:56'
boolean:
    true
    false
    b
    not <any>
    <condition>
condition:
    <num> < <num>
    <num> <= <num>
    <num> > <num>
    <num> >= <num>
    <str> < <str>
    <str> <= <str>
    <any> == <any>
    <any> ~= <any>
    2* <number> == <number>
    <string> == <string>
    <any> == nil
    <any> < <any>
    b
    not <condition>
    <condition> and <condition>
    <condition> or <condition>
    t == u
    <tab> < <tab>
    <any>
    n > <small>
    rawequal(<any>, <any>)
    next(<tab>) == nil
    type(<any>) == 'number'
tab:
    9* <table>
    <any>
table_name:
    t
    u
place:
    4* t
    4* u
    t.<name>
    u[<key>]
    x
    s
table:
    t
    t
    u
    {}
    {<list>}
    {<field>}
    {<field>, <field>}
    {<field>; <field>, <field>, }
    {<field>, <list>}
    {<name> = <any>, <name> = <any>, <name> = <any>}
    {nil, <any>}
    {<any>, nil, <any>}
    {<any>, nil, <any>, nil}
    {n, m, s, q}
    {<command>}
    setmetatable({}, <metatable>)
    setmetatable({<field>}, <metatable>)
field:
    <any>
    <name> = <any>
    [<constant>] = <any>
constant:
    1
    2
    3
    'a'
    0.5
    true
key:
    3* <small>
    2* '<name>'
    <literal>
    true
    <quoted>
    #t
    nil
    n
name:
    a
    b
    c
    x
    key
    name
    z
metatable:
    {<meta>}
    {<meta>, <meta>}
    {<meta>, <meta>, <meta>}
    {}
    u
meta:
    __index = <index>
    2* __index = <index>
    __newindex = <index>
    __newindex = function(a, c, z) rawset(a, c, z) end
    __call = <function>
    __eq = <equality>
    __lt = g
    __lt = <function>
    __le = <function>
    __add = <function>
    __sub = <function>
    __mul = <function>
    __div = <function>
    __mod = <function>
    __pow = <function>
    __unm = <function>
    __concat = <function>
    __len = <function>
    __tostring = <function>
    __metatable = <any>
    __mode = 'k'
equality:
    g
    f
    function(a, c) return true end
index:
    u
    {<field>, <field>}
    <function>
    function(a, c) return c end
    string
fun:
    9* <function>
    <any>
function:
    f
    g
    function(a) return a end
    function(a, c) return a end
    function(a) return a + 1 end
    function(a, c) return a .. c end
    function(...) return <small>, ... end
    function(...) return select('#', ...) end
    function(...) local a, c = ... return c, a end
    3* function(<names>) fuel() <block>return <list> end
    2* function(a) fuel() (newline)<block>return a end
    function() n = n + 1 return n end
    function(a) return a.<name> end
    function(a) return a[<key>] end
    function(a, c) return a < c end
    function() error(<string>) end
    function() error(<string>, 2) end
    function() error({err = 'E x'}) end
    function() return <name> end
    tostring
    type
    tonumber
    string.upper
    math.floor
    cjson.encode
    next
    rawget
    assert
    redis.call
    redis.pcall
    unpack
    string.reverse
    select
pattern:
    '.'
    'a'
    '%a+'
    '%d+'
    '(%w+)'
    '(%w+)=(%w+)'
    '^%s*(.-)%s*$'
    '[^,]*'
    '[a-c]+'
    '[]]'
    '[^]a]'
    '[%d%-]+'
    '%b()'
    '%f[%w]%w+'
    '()'
    '()a()'
    '(a)(b)?'
    '(.)%1'
    '.-'
    'x*'
    '^'
    '$'
    ''
    '%%'
    '%z'
    '.*'
    'a-b'
    '[a'
    '%'
    '(a'
    'a)'
    '%1'
    '%b'
    '%f'
    '[%'
    '^a'
    '(%a)(%d*)'
    ':'
    '%u%l*'
    '%x%x'
    '[%w_]+$'
    '[a-]'
    '[^%s]+'
    '%p'
    '%c'
    '<atom><atom>'
    '<atom>(<atom><atom>)<atom>'
    '^<atom><atom>$'
    '(<atom>)(<atom>)'
    <str>
atom:
    <class>
    <class>+
    <class>*
    <class>-
    <class>?
class:
    .
    a
    %w
    %d
    %S
    [^a]
    [%w ]
    b
replacement:
    ''
    'x'
    '%1'
    '%0%0'
    '<%1>'
    '%2'
    '%%'
    '%'
    '%x'
    u
    {a = 'A', b = 2, ['1'] = false}
    <function>
    string.upper
    function(a, c) return c end
    <any>
format:
    '%d'
    '%s'
    '%5.2f|%-5d|%05d'
    '%g %e'
    '%x %X %o'
    '%c%c'
    '%q'
    '%10s|'
    '%-10s|'
    '%.3s'
    '%%'
    '%i %u'
    '%+d % d'
    '%#x %#o'
    '%.14g'
    '%.20f'
    '%a'
    '%'
    '%y'
    '%123d'
    '%.123f'
    '%s %s %s'
    '<directive> <directive>'
    <str>
directive:
    %<flag><width><precision><conversion>
flag:
    (nothing)
    -
    +
    0
    #
    -0
width:
    (nothing)
    (nothing)
    1
    8
    20
precision:
    (nothing)
    (nothing)
    .0
    .3
    .
    .17
conversion:
    d
    s
    f
    g
    e
    x
    c
    u
    i
    G
    E
    o
    q
layout:
    '<letters>'
    '><letters>'
    '<<letters>'
    '!<letters>'
    '!4<letters>'
    '=<letters>'
    'z'
    ''
    <str>
letters:
    <letter>
    <letter><letter>
    <letter> <letter><letter>
letter:
    b
    B
    h
    H
    l
    L
    i
    I
    i3
    I2
    I8
    i4
    f
    d
    s
    c0
    c2
    Bc0
    x
    T
    i0
    i33
    j
    >
    <
json:
    '[]'
    '{}'
    '[1,2,{"a":null}]'
    '{"a":[1,2.5,-3e2],"b":{"c":true}}'
    '"\\u00e9\\n\\ud83d\\ude00"'
    '[1,2'
    '{"a":}'
    'nul'
    ' [ 1 , "x" ] '
    '[1e400,-0,0x10]'
    '1 2'
    '"\\q"'
    '[01]'
    '{1:2}'
    '[nan,inf]'
    '{"a":1,"a":2}'
    '"\1"'
    '"\\ud800"'
    '[1,]'
    '1.5e'
    '-'
    'true'
    ''
    cjson.encode(<any>)
source:
    'return 1'
    'return 1,2,...'
    'x ='
    'return'
    'local a = 1 return a + nil'
    'error("in")'
    'return zz'
    'zz = 1'
    'return return'
    '"'
    'for'
    '1'
    'return "a\\'
    'goto a'
    'break'
    '\27Lua'
    'return (...)'
    <str>
coroutine:
    (function() local c = coroutine.create(<body>) return {coroutine.resume(c, <list>)}, {coroutine.resume(c, <list>)}, coroutine.status(c) end)()
    (function() local c = coroutine.wrap(<body>) return c(<list>), c(<list>) end)()
    (function() local r = {} for a in coroutine.wrap(function() for i = 1, 3 do coroutine.yield(i) end end) do r[#r + 1] = a end return r end)()
    coroutine.wrap(<body>)(<list>)
    coroutine.resume(coroutine.create(<fun>), <list>)
    coroutine.status(coroutine.create(<fun>))
    type(coroutine.create(<body>))
    coroutine.running()
    coroutine.resume(<any>)
    coroutine.yield(<list>)
    pcall(coroutine.wrap(<body>), <list>)
body:
    function(<names>) fuel() <block>coroutine.yield(<list>) <block>return <list> end
    function(...) local a, c = coroutine.yield(...) return c, a end
    function(...) for i = 1, 2 do fuel() x = {coroutine.yield(i, ...)} <block>end return <list> end
    function(a) coroutine.yield(pcall(coroutine.yield, <list>)) end
    function(a) return coroutine.yield(a) end
    function(a) x = pcall(function() <block>coroutine.yield(<list>) end) coroutine.yield(x) end
    function(a) table.sort({3, 2, 1}, function(y, z) coroutine.yield(y) return y < z end) end
    function(a) f = function(...) return coroutine.yield(...) end local c = f(<list>) return c, f(<list>) end
    function(a) string.gsub('abc', '.', coroutine.yield) end
    function(a) return <coroutine> end
    function(a) return coroutine.status(coroutine.running()) end
    coroutine.yield
    <function>
command:
    redis.call('SET', <rkey>, <str>)
    redis.call('GET', <rkey>)
    redis.pcall('GET', <rkey>)
    redis.call('INCRBY', <rkey>, <num>)
    redis.pcall('INCRBYFLOAT', <rkey>, <num>)
    redis.call('RPUSH', <rkey>, <str>, <str>)
    redis.call('LRANGE', <rkey>, 0, -1)
    redis.call('HSET', <rkey>, <str>, <num>)
    redis.call('HGETALL', <rkey>)
    redis.pcall('ZADD', <rkey>, <num>, <str>)
    redis.call('ZRANGE', <rkey>, 0, -1, 'WITHSCORES')
    redis.pcall(<list>)
    redis.call(<list>)
    redis.pcall('NOPE')
    redis.call('HMGET', <rkey>, <str>, <str>)
    redis.call('TYPE', <rkey>)
    redis.call('EXISTS', <rkey>).<name>
    redis.pcall('SET', <rkey>)
    redis.pcall('LPOP', <rkey>, <num>)
    redis.setresp(<num>)
    redis.status_reply(<str>)
    redis.error_reply(<str>)
    redis.pcall('ECHO', <any>)
rkey:
    'k1'
    'k2'
    'k3'
    KEYS[1]
    ARGV[1]
"""
