"""The machine itself: how scenario files are read, which differences it sees and which it lets pass."""

from __future__ import annotations

import pytest

from .machine.normalise import normalise, same
from .machine.recording import _decode, _encode
from .machine.scenario import Scenario, ScenarioError, Selector, Target, quote, read, split
from .machine.wire import Incomplete, end_of_message, parse, readable, serialise

pytestmark = pytest.mark.fake

REDIS_70 = Target("redis-7.0", "redis", (7, 0, 15))
REDIS_86 = Target("redis-8.6", "redis", (8, 6, 3))
VALKEY_9 = Target("valkey-9", "valkey", (9, 1, 2))
NOW = 1_700_000_000_000


def scenario(text: str) -> Scenario:
    (found,) = read(text, "group")
    return found


def form(directives: str, message: bytes, target: Target = REDIS_86) -> bytes:
    return normalise(message, scenario(f"A name\n{directives}\n> X").steps[0], target, NOW)


@pytest.mark.parametrize(
    ("line", "argv"),
    [
        ("GET k", [b"GET", b"k"]),
        ('  SET k ""  ', [b"SET", b"k", b""]),
        (r'SET "\x00\xff\n\"\\" x', [b"SET", b'\x00\xff\n"\\', b"x"]),
        (r"SET 'a\'b\n' x", [b"SET", rb"a'b\n", b"x"]),
        ("SADD s {1..3} m{-1..0}x", [b"SADD", b"s", b"1", b"2", b"3", b"m-1x", b"m0x"]),
        ('SET k {x*4} "{x*4}" {tag}k', [b"SET", b"k", b"xxxx", b"{x*4}", b"{tag}k"]),
        ("SET k é", [b"SET", b"k", "é".encode()]),
    ],
)
def test_a_command_line_is_split_as_redis_cli_does(line: str, argv: list[bytes]) -> None:
    assert split(line) == argv


@pytest.mark.parametrize("line", ['SET "k', "SET 'k", 'SET "a"b'])
def test_unbalanced_quotes_are_an_error(line: str) -> None:
    with pytest.raises(ValueError, match="unbalanced"):
        split(line)


def test_quote_is_read_back_by_split() -> None:
    for argument in [b"", b"a", b"a b", b'"', b"'", b"\\x", bytes(range(256)), b"{1..3}", b"{x*3}", "é".encode()]:
        assert split(quote(argument)) == [argument]


@pytest.mark.parametrize(
    ("text", "target", "matches"),
    [
        ("redis", REDIS_70, True),
        ("redis", VALKEY_9, False),
        ("redis>=7.0", REDIS_70, True),
        ("redis>7.0", REDIS_70, False),
        ("redis<=7.0", REDIS_70, True),
        ("redis=7", REDIS_70, True),
        ("redis>=7.2<8", REDIS_86, False),
        ("valkey>=9.1", VALKEY_9, True),
    ],
)
def test_selectors_compare_the_parts_that_they_name(text: str, target: Target, matches: bool) -> None:
    selector = Selector.parse(text)
    assert selector is not None
    assert selector.matches(target) is matches


def test_a_directive_under_the_name_is_about_the_scenario_and_elsewhere_about_the_next_step() -> None:
    whole = scenario("Name\n@valkey redis>=8\n> A\n")
    assert [whole.played(target) for target in (REDIS_70, REDIS_86, VALKEY_9)] == [False, True, True]
    both = scenario("Name\n@redis\n@valkey\n> A\n> B\n")
    assert [step.line for step in both.steps_for(REDIS_86, 2)] == ["> B"]
    step = scenario("Name\n> A\n@redis<8 @unordered\n> B\n@resp3\n2<\n@clock +2s\n")
    assert [s.line for s in step.steps_for(REDIS_70, 2)] == ["> A", "> B", "@clock +2s"]
    assert [s.line for s in step.steps_for(REDIS_86, 3)] == ["> A", "2<", "@clock +2s"]
    assert step.steps[2].connection == 2
    assert step.steps[3].milliseconds == 2000


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("> GET k\n", "begins with its name"),
        ("Name\n", "without steps"),
        ("Name\n> A\n@unordered\n", "without a step"),
        ("Name\n@unorderd\n> A\n", "unknown directive"),
        ("Name\n> A\nGET k\n", "neither a step"),
        ("Name\n> A\n\nName\n> A\n", "same name"),
        ('Name\n> "A\n', "unbalanced"),
        ("Name\n@clock 3\n> A\n", "@clock"),
        ("Name\n@time 3\n> A\n", "takes only servers"),
        ("Name\n>\n", "empty command line"),
    ],
)
def test_a_mistake_in_a_scenario_file_names_its_line(text: str, complaint: str) -> None:
    with pytest.raises(ScenarioError, match=rf"scenario:\d+: .*{complaint}"):
        list(read(text, "group"))


MESSAGES = [
    b"+OK\r\n",
    b"$5\r\na\r\nbc\r\n",
    b"$-1\r\n",
    b"*-1\r\n",
    b"_\r\n",
    b"*2\r\n:1\r\n*1\r\n$0\r\n\r\n",
    b"%1\r\n+a\r\n~2\r\n,1.5\r\n#t\r\n",
    b"|1\r\n+a\r\n:1\r\n>1\r\n=5\r\ntxt:x\r\n",
    b"*0\r\n",
]


@pytest.mark.parametrize("message", MESSAGES)
def test_messages_end_where_they_end(message: bytes) -> None:
    assert end_of_message(message + b"+next\r\n") == len(message)
    assert serialise(parse(message)) == message
    for size in range(len(message)):
        with pytest.raises((Incomplete, IndexError)):
            end_of_message(message[:size])


def test_readable_prints_a_message_on_one_line() -> None:
    assert readable(b"*2\r\n$1\r\na\r\n:1\r\n") == "*[$'a' :1]"
    assert readable(b"(blocked)") == "(blocked)"


def test_without_a_directive_every_byte_counts() -> None:
    step = scenario("Name\n> X").steps[0]
    assert not same(b"*2\r\n:1\r\n:2\r\n", b"*2\r\n:2\r\n:1\r\n", step, REDIS_86)
    assert not same(b"$1\r\n1\r\n", b":1\r\n", step, REDIS_86)
    assert not same(b"*-1\r\n", b"$-1\r\n", step, REDIS_86)


def test_unordered_compares_multisets() -> None:
    one, other = b"*3\r\n:1\r\n:2\r\n:2\r\n", b"*3\r\n:2\r\n:1\r\n:2\r\n"
    assert form("@unordered", one) == form("@unordered", other)
    assert form("@unordered", one) != form("@unordered", b"*3\r\n:1\r\n:1\r\n:2\r\n")
    assert form("@unordered redis<8", one) != form("@unordered redis<8", other)
    assert form("@unordered", b"%2\r\n+b\r\n:1\r\n+a\r\n:2\r\n") == b"%2\r\n+a\r\n:2\r\n+b\r\n:1\r\n"


def test_any_keeps_kinds_counts_errors_and_nulls() -> None:
    assert form("@any", b"*3\r\n:7\r\n$2\r\nab\r\n$-1\r\n") == b"*3\r\n:?\r\n$1\r\n?\r\n$-1\r\n"
    assert form("@any 1", b"*2\r\n$1\r\na\r\n:7\r\n") == b"*2\r\n$1\r\na\r\n:?\r\n"
    assert form("@any", b"-ERR no\r\n") == b"-ERR no\r\n"
    assert form("@any", b"(blocked)") == b"(blocked)"
    assert form("@type", b"*3\r\n:7\r\n:7\r\n:7\r\n") == form("@type", b"*0\r\n")


def test_idle_touches_nothing_but_the_times_of_streams() -> None:
    pending = b"*4\r\n$3\r\n1-1\r\n$1\r\nc\r\n:%d\r\n:7\r\n"
    assert form("@idle", pending % 12) == form("@idle", pending % 480) == pending.replace(b"%d", b"0s")
    assert form("@idle", pending % 1_000_004) == pending.replace(b"%d", b"1000s")
    assert form("@idle", pending % (NOW - 2_003)) == pending.replace(b"%d", b"2s")
    consumer = b"%%3\r\n+seen-time\r\n:%d\r\n+active-time\r\n:-1\r\n+pel-count\r\n:4\r\n" % (NOW - 20)
    assert form("@idle", consumer) == consumer.replace(b"%d" % (NOW - 20), b"0s")
    assert form("@idle", b"*2\r\n$15\r\n%d-3\r\n:44\r\n" % NOW) == b"*2\r\n$3\r\nnow\r\n:44\r\n"
    assert form("@idle", b"*3\r\n$1\r\na\r\n:5\r\n:6\r\n") == b"*3\r\n$1\r\na\r\n:5\r\n:6\r\n"


def test_log_keeps_what_is_no_chance_of_an_entry() -> None:
    entry = b"*8\r\n+count\r\n:2\r\n+age-seconds\r\n$%d\r\n%b\r\n+client-info\r\n+id=%d db=3 cmd=get\r\n+timestamp-created\r\n:%d\r\n"
    normal = b"*8\r\n+count\r\n:2\r\n+age-seconds\r\n$3\r\n%b\r\n+client-info\r\n+id db=3 cmd=get\r\n+timestamp-created\r\n:now\r\n"
    assert (
        form("@log", entry % (5, b"0.002", 7, NOW)) == form("@log", entry % (1, b"0", 8, NOW - 99)) == normal % b"0.0"
    )
    assert form("@log", entry % (5, b"3.100", 7, NOW)) == normal % b"3.0"


def test_names_keeps_the_names_of_info_and_client_list() -> None:
    assert form("@names", b"$16\r\nid=3 name= db=0\n\r\n") == b"$10\r\nid name db\r\n"
    assert form("@names", b"$15\r\n# A\r\nx:1\r\ny:2=3\r\n") == b"$7\r\n# A\nx\ny\r\n"
    assert form("@names @unordered", b"=14\r\ntxt:y:1\r\nx:2\r\n\r\n") == b"=7\r\ntxt:x\ny\r\n"


@pytest.mark.parametrize(
    ("recorded", "got", "equal"),
    [
        (b":100000\r\n", b":99997\r\n", True),
        (b":100\r\n", b":99\r\n", True),
        (b":100\r\n", b":90\r\n", False),
        (b":-1\r\n", b":-2\r\n", False),
        (b":0\r\n", b":1\r\n", False),
        (b":%d\r\n" % (NOW + 100_000), b":%d\r\n" % (NOW + 99_990), True),
        (b":%d\r\n" % (NOW // 1000 + 100), b":%d\r\n" % (NOW + 100_000), False),
        (b":100\r\n", b"$3\r\n100\r\n", False),
        (b"*1\r\n:100\r\n", b"*1\r\n:101\r\n", True),
        (b":100\r\n", b"(blocked)", False),
    ],
)
def test_time_lets_a_tick_pass_and_no_more(recorded: bytes, got: bytes, equal: bool) -> None:
    step = scenario("Name\n@time\n> X").steps[0]
    assert same(form("@time", recorded), form("@time", got), step, REDIS_86) is equal


def test_recordings_are_written_once_for_equal_answers_and_read_back() -> None:
    text = "Name\n> A\n> B\n@redis\n> C\n@resp3\n> D\n> E\n@time\n> F"
    targets = {target.name: target for target in (REDIS_70, REDIS_86, VALKEY_9)}
    answers = {
        (name, protocol): [
            ("> A", b"+OK\r\n"),
            ("> B", b"*0\r\n" if protocol == 2 else b"%0\r\n"),
            *([("> C", b"+C\xff\r\n")] if name != "valkey-9" else []),
            *([("> D", b"+D\r\n")] if protocol == 3 else []),
            ("> E", b"+7.0\r\n" if name == "redis-7.0" else b":3\r\n" if protocol == 3 else b":2\r\n"),
            ("> F", b":100\r\n"),
        ]
        for name in targets
        for protocol in (2, 3)
    }
    steps = _encode(scenario(text), answers, targets)
    assert steps == [
        ["> A", "+OK\r\n"],
        ["> B", {"*/2": "*0\r\n", "*/3": "%0\r\n"}],
        ["> C", {"*": "+C\xff\r\n", "valkey-9": None}],
        ["> D", {"*/2": None, "*/3": "+D\r\n"}],
        ["> E", {"*/2": ":2\r\n", "*/3": ":3\r\n", "redis-7.0": "+7.0\r\n"}],
        ["> F", ":100\r\n"],
    ]
    assert _decode(steps, list(targets)) == answers
    answers["redis-8.6", 2][-1] = ("> F", b":99\r\n")
    assert _encode(scenario(text), answers, targets) == steps
