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
    3* <filling>
    2* table.sort(<tab>, <comparison>)
    x = {pcall(table.sort, <tab>, <comparison>)}
    2* x = {xpcall(function() (newline)<block>error(<any>, <small>) end, function(a) return a, tostring(a) end)}
    x = {pcall(function() (newline)<statement>(newline)f(<list>) (newline)end)}
    assert(<condition>, <any>)
    <closures>
    x = {pcall(table.foreach, <tab>, <function>)}
    x = {pcall(table.foreachi, <tab>, <function>)}
    rawset(<table_name>, <key>, <any>)
    x = <json_codec>
filling:
    for i = 1, <size> do t[i] = <plain> end (newline)
    for i = <size>, 1, -1 do t[i] = i end (newline)
    for i = 1, <size> do u['k' .. i] = i end (newline)
    for i = 1, <size>, 2 do u[i] = i / 2 end (newline)
    for i = <small>, <size> do t[i] = nil end (newline)
    for i = #t, <small>, -1 do t[i] = nil end (newline)
    for i = 1, <size> do u['k' .. i * 2] = nil end (newline)
    for a in pairs(u) do if fuel() or <condition> then u[a] = nil end end (newline)
    for a, c in pairs(t) do t[a] = <plain> end (newline)
    for i = 1, <small> do t[2 ^ i] = i end (newline)
    while #t > <small> do fuel() x = table.remove(t, <small>) end (newline)
    for i = 1, <small> do table.insert(t, 1, i) end (newline)
    t = {5, 3, 9, 1, 7, 2, 8} (newline)
    t = {'b', 'a', 'd', 'c', 'b', '', 'B'} (newline)
plain:
    i
    i * <num>
    -i
    i % 3
    tostring(i)
    <number>
    <string>
    i > 2
    nil
    {i}
size:
    3
    4
    5
    7
    8
    9
    16
    17
comparison:
    function(a, c) return a < c end
    function(a, c) return a <= c end
    function(a, c) return a > c end
    function(a, c) return tostring(a) < tostring(c) end
    function(a, c) return true end
    function() return false end
    function() end
    function(a, c) n = n + 1 return n % 3 == 0 end
    function(a, c) n = n + 1 if n > <size> then error('sorting') end return a < c end
    function(a, c) t[#t + 1] = nil return #tostring(a) < #tostring(c) end
    function(a, c) return a end
    function(a, c) fuel() return <condition> end
    function(...) return select('#', ...) == 2 and ... end
    rawequal
    math.max
    <function>
closures:
    f = (function() local c = <num> return function(a) c = c + 1 return c, a end end)()
    for i = 1, 3 do t[i] = function() i = i + 1 return i end end x = {t[1](), t[1](), t[2]()}
    for i = 1, 3 do local c = i t[i] = function(a) c = c .. tostring(a) return c end end x = {t[1](1), t[1](2), t[3]()}
    for a, c in pairs(<tab>) do fuel() local y = c g = function() y = tostring(y) return a, y end end x = {g()}
    local i = 0 repeat local c = i u[i] = function() c = c + 1 return c end i = i + 1 until c >= 2 x = {u[0](), u[0](), u[1]()}
    local i = 0 while i < 3 do i = i + 1 local c = {i} u[i] = function(...) c[#c + 1] = ... return c end end x = {u[1](<list>), u[2](), u[1]()}
    local a, c = (function() local y = 0 return function() y = y + 1 return y end, function() return y end end)() a() a() x = {a(), c()}
    do local a = n f = function() a = a + 1 return a end g = function() return a end end f() x = {f(), g()}
    f = function(a) fuel() if a and n > 0 then n = n - 1 return f(a) end return a, n end
    f = function(...) return arg.n, #arg, arg[1] end
    f = function(a, ...) local y = {...} return function() return #y, a, unpack(y) end end
json_codec:
    (function() local c = cjson.new() return {<json_setting>, pcall(c.encode, <any>)} end)()
    (function() local c = cjson.new() return {<json_setting>, <json_setting>, pcall(c.encode, <tab>)} end)()
    (function() local c = cjson.new() return {<json_setting>, pcall(c.decode, <json>)} end)()
    (function() local c = cjson.new() return {pcall(c.decode, c.encode(<any>))} end)()
json_setting:
    pcall(c.encode_sparse_array, <boolean>, <small>, <small>)
    pcall(c.encode_sparse_array, true)
    pcall(c.encode_max_depth, <small>)
    pcall(c.decode_max_depth, <small>)
    pcall(c.encode_number_precision, <num>)
    pcall(c.encode_invalid_numbers, <boolean>)
    pcall(c.encode_invalid_numbers, 'null')
    pcall(c.decode_invalid_numbers, <boolean>)
    pcall(c.encode_keep_buffer, <boolean>)
    pcall(c.encode_keep_buffer, 'off')
    pcall(c.encode_sparse_array, <list>)
    pcall(c.encode_invalid_numbers, <any>)
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
    (function() local r = {} for a, c in string.gmatch(<str>, <pattern>) do r[#r + 1] = tostring(a) .. tostring(c) end return unpack(r) end)()
    string.gmatch(<str>, <pattern>)()
    string.gsub(<str>, <pattern>, <replacement>, <small>)
    xpcall(<fun>, <fun>)
    pcall(<fun>)
    pcall(assert, <list>)
    pcall(string.format, <format>, <list>)
    pcall(setmetatable, <list>)
    pcall(load, <reader>)
    loadstring('return <numeral>')
    pcall(loadstring('return <numeral>'))
    pcall(loadstring([==[return '<escape><escape>']==]))
    pcall(loadstring([==[return "<escape>x<escape>"]==]))
    pcall(loadstring(<source> .. '\n' .. <source>))
    pcall(loadstring(<source>, <str>))
    cmsgpack.unpack('<byte><byte><byte>')
    cmsgpack.unpack('<byte><byte><byte><byte><byte><byte>')
    cmsgpack.unpack(string.sub(cmsgpack.pack(<list>), <small>, <small>))
    cmsgpack.unpack_limit('<byte><byte><byte><byte>', <small>, <small>)
    struct.unpack(<layout>, '<byte><byte><byte><byte><byte><byte><byte><byte>')
    struct.unpack(<layout>, string.sub(struct.pack(<layout>, <list>), <small>), <num>)
    pcall(struct.pack, <layout>, <num>, <str>, <num>)
    cjson.decode('<json_text>')
    pcall(cjson.decode, '<json_text>')
reader:
    (function() local c = {<source>} return function() return table.remove(c) end end)()
    (function() local c = {' 1', 'return'} return function() return table.remove(c) end end)()
    function() end
    function() error(<any>, <small>) end
    function() return <table> end
    (function() local c = {<any>, <any>} return function() return table.remove(c) end end)()
escape:
    a
    \\n
    \\65
    \\065x
    \\0
    \\255
    \\256
    \\1234
    \\x41
    \\z
    \\
    \n
    \\\\
    \\'
    \\"
    --
    ]]
    \\\n
    \\\r\n
byte:
    \0
    \1
    \5
    a
    \127
    \128
    \129
    \130
    \145
    \146
    \160
    \161
    \162
    \192
    \193
    \194
    \195
    \196
    \199
    \200
    \202
    \203
    \204
    \205
    \206
    \207
    \208
    \211
    \212
    \217
    \218
    \219
    \220
    \221
    \222
    \223
    \224
    \255
json_text:
    <json_value>
    <json_value><json_space>
    <json_value><json_text>
json_value:
    [<json_value>]
    [<json_value>,<json_space><json_value>]
    [<json_value>,]
    {"a":<json_value>}
    {"a":<json_value>,"b"<json_space>:<json_value>}
    {"1":<json_value>,"c":<json_value>,"a":<json_value>}
    {<json_value>:<json_value>}
    {"a"}
    <numeral>
    <numeral>
    "<json_char><json_char>"
    "<json_char>"
    true
    false
    null
    nul
    TRUE
    []
    {}
    [
    }
json_char:
    a
    \\n
    \\u0041
    \\u00e9
    \\ud83d\\ude00
    \\ud83d
    \\ude00\\ud83d
    \\u12
    \\u0000
    \\x
    \\/
    \195\169
    \255
    \1
    \n
    \127
    (nothing)
json_space:
    (nothing)
    \32
    \n\t
    \r
    \v
    \0
    /**/
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
    getmetatable(<table>)
    math.max(<list>)
    <libraries>
    2* <json_codec>
    getmetatable('').__index == string
    <table>[<key>]
    <str>[<key>]
    <table>.<name>.<name>
    <any> .. <any>
    #<any>
    -<any>
    not not <any>
    (function(...) return arg end)(<list>)
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
    2* tonumber('<numeral>')
    tonumber('<numeral>', <size>)
    tonumber(<str>, 36)
    math.<function_of_one>(<num>)
    math.atan2(<num>, <num>)
    math.mod(<num>, <num>)
    math.random(<any>)
    bit.<bits>(<num>, <num>, <num>)
    -(<num>)
    (<literal>)
    <literal> <operator> <literal>
    -<literal> ^ <literal>
    <num> <operator> <num> <operator> <num>
    <num> - -<num>
    u[<key>] + <num>
    t[<small>] * <num>
    <number> and <num> or <num>
operator:
    +
    -
    *
    /
    %
    ^
function_of_one:
    exp
    log
    log10
    sin
    cos
    tan
    asin
    acos
    atan
    sinh
    cosh
    tanh
    rad
    deg
    sqrt
    abs
    ceil
    floor
    frexp
    modf
numeral:
    <digits>
    <digits>.<digits>
    <digits>e<sign><digits>
    <digits>.e<digits>
    .<digits>
    <sign><digits>
    <sign>0x<hexadecimal>
    0X<hexadecimal>.<hexadecimal>
    0x<hexadecimal>p<sign><digits>
    0x
    1e
    1e+
    .
    -
    <sign>inf
    <sign>nan
    infinity
    <space><digits><space>
    <digits> <digits>
    <digits>\0
    <digits>\0x
    <digits>_<digits>
    <digits>f
    <digits>ULL
    1e400
    1e-400
    <sign><space><digits>
    0b11
    1,5
    4.9e-324
    1.7976931348623157e308
digits:
    0
    7
    10
    007
    255
    4294967296
    9007199254740993
    18446744073709551616
    99999999999999999999999999
    123456
hexadecimal:
    0
    F
    ff
    FFFFFFFF
    1p4
    g
    8000000000000000
    fffffffffffffffff
sign:
    (nothing)
    -
    +
    --
space:
    (nothing)
    \32
    \t
    \n
    \v
    \160
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
    1e14
    99999999999999
    123456789012345
    0.1
    1e-5
    5e-324
    2^-1074
    1e21
    -2^31
    2^24 + 1
    255
    256
    -128
    -129
    -32769
    3.0000000000000004
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
    s:<method>
    (<str>):<method>
    <num> .. <num>
    <num> .. ''
    <str> .. <any>
    <str> .. <str> .. <any> .. <str>
    tostring(<literal>)
    string.format('%<flag><flag><width><precision><conversion>', <literal>)
    string.format('%<flag><width><precision>s', <str>)
    cjson.encode(<table>)
    cmsgpack.pack(<literal>)
    cmsgpack.pack(<table>)
method:
    rep(<small>)
    sub(<small>, <small>)
    find(<pattern>)
    match(<pattern>)
    gsub(<pattern>, <replacement>)
    format(<list>)
    byte(<small>)
    upper()
    reverse()
    nope()
    len(<any>)
    gmatch(<pattern>)()
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
    1.5
    -1
    0
    2 ^ 53
    1e300
    '1'
    1 / 0
    m
    s
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
    __index = function(a, c) fuel() return <any> end
    __call = function(a, ...) return select('#', ...), ... end
    __concat = function(a, c) return type(a) .. type(c) end
    __eq = function(a, c) fuel() return <any> end
    __lt = function(a, c) fuel() return <any> end
    __le = function(a, c) return nil end
    __tostring = function() return <any> end
    __unm = function(a, c) return rawequal(a, c) end
    __newindex = function(a, c, z) fuel() error(<string>, <small>) end
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
    function(a, c) error(tostring(a), c) end
    function(a) error(tostring(a), <small>) end
    function(...) return ... end
    function(...) return arg end
    function(a, ...) return (...), a end
    function(a) return tostring(a) .. '!' end
    function() fuel() return f(<list>) end
    function(a) fuel() return (g(a)) end
    function(...) fuel() return pcall(f, ...) end
    function(a) x = a assert(a, <any>) return a end
    function(a) if a then return a, a end end
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
    '()(.)()'
    '(((.)))'
    '%s*$'
    '[%a_][%w_]*'
    '^(%d+)%.?(%d*)$'
    '([^,]*),?'
    '[^%z]'
    '[\1-\127]'
    '[z-a]'
    '[%a-z]'
    '[a%]'
    '[]'
    '[^]'
    '[%]]'
    '[a-%%]'
    '%bxx'
    '%b(('
    '%f[%z]'
    '%f[^%w]'
    '(%f[%a]%a+)'
    '.-(%d)'
    '(.-)%1'
    '%2(a)'
    '(a%1)'
    '\0'
    'a\0b'
    '(()'
    '())'
    'x?y?z?'
    '[%w-]+'
    '-a'
    '*'
    '+a'
    'a**'
    'a$b'
    '^^a'
    '$a'
    '%d%'
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
    '%9'
    '%1%2%1'
    '%0%%%0'
    '\0'
    '%%1'
    5
    0.5
    function() return nil end
    function() return false end
    function() return true end
    function() return {} end
    function(...) return select('#', ...) end
    function(a) error(a) end
    {[1] = 'x', [2] = 5, a = true}
    setmetatable({}, {__index = function(a, c) return <any> end})
    t
    cjson.encode
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
    +-
    +#0
    - +
width:
    (nothing)
    (nothing)
    1
    8
    20
    99
    100
    *
precision:
    (nothing)
    (nothing)
    .0
    .3
    .
    .17
    .99
    .100
    .1
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
    X
    A
    p
    n
    l
    5
    (nothing)
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
    (function() local c = coroutine.create(<body>) local r = {} for i = 1, 4 do r[i] = {coroutine.resume(c, i, <list>)} r[#r + 1] = coroutine.status(c) end return r end)()
    (function() local c c = coroutine.wrap(function() return pcall(c) end) return c() end)()
    (function() local c c = coroutine.create(function(...) return coroutine.resume(c), coroutine.status(c), ... end) return coroutine.resume(c, <list>) end)()
    coroutine.wrap(function(...) return coroutine.wrap(function(...) coroutine.yield(...) return <any> end)(...) end)(<list>)
    coroutine.resume(coroutine.create(function() (newline)error(<any>, <small>) end))
    coroutine.wrap(function() (newline)error(<string>, <small>) end)()
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
    function(...) local t = setmetatable({}, {__index = function(a, c) return coroutine.yield(c) end}) return t.<name>, ... end
    function() for a, c in pairs(<tab>) do coroutine.yield(a, c) end end
    function(...) return select(2, pcall(coroutine.yield, ...)), ... end
    function(a) repeat fuel() a = coroutine.yield(a) until not a return <list> end
    function(a) return xpcall(function() return coroutine.yield(a) end, tostring) end
    function() local a = {coroutine.yield()} return #a, unpack(a) end
    function(...) local function a(...) return coroutine.yield(...) end return a(a(...)) end
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
    redis.call('HSET', <rkey>, <str>, <any>)
    redis.call('SADD', <rkey>, <num>, <literal>)
    redis.call('APPEND', <rkey>, <literal>)
    redis.pcall(<rkey>, <list>)
    redis.call('GET')
    redis.call('PING', <any>)
    redis.call('MGET', unpack(<tab>))
    redis.sha1hex(<any>)
    redis.log(<num>, <str>)
    redis.error_reply(<any>)
    redis.status_reply(<any>)
rkey:
    'k1'
    'k2'
    'k3'
    KEYS[1]
    ARGV[1]
"""
