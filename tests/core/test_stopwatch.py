"""When commands are timed, and by which clock."""

from __future__ import annotations

import pytest

from redouble.core.client import Client
from redouble.core.clock import ManualClock
from redouble.core.latency import Event, Histogram
from redouble.core.server import Server

DEBUG = {"enable-debug-command": "yes"}


def ask(client: Client, line: str) -> object:
    return client.server.call(client, line.encode().split())


@pytest.fixture
def client() -> Client:
    return Client(Server(version="8.6", clock=ManualClock(), config=DEBUG))


def test_nothing_is_timed_with_the_default_parameters(client: Client) -> None:
    ask(client, "GET k")
    ask(client, "SLOWLOG GET")
    ask(client, "INFO")
    assert not client.server.observers


@pytest.mark.parametrize(
    ("begin", "end"),
    [
        ("CONFIG SET slowlog-log-slower-than 0", "CONFIG SET slowlog-log-slower-than 10000"),
        ("CONFIG SET slowlog-log-slower-than 20", "CONFIG SET slowlog-log-slower-than -1"),
        ("CONFIG SET latency-monitor-threshold 1", "CONFIG SET latency-monitor-threshold 0"),
        ("HOTKEYS START METRICS 1 CPU", "HOTKEYS STOP"),
    ],
)
def test_commands_are_timed_while_somebody_wants_to_know(client: Client, begin: str, end: str) -> None:
    ask(client, begin)
    assert client.server.observers
    ask(client, end)
    assert not client.server.observers


@pytest.mark.parametrize("question", ["LATENCY HISTOGRAM", "INFO commandstats", "INFO latencystats", "INFO all"])
def test_commands_are_timed_once_somebody_asked_how_long_they_take(client: Client, question: str) -> None:
    ask(client, "DEBUG SLEEP 0")
    ask(client, question)
    ask(client, "DEBUG SLEEP 0.5")
    statistics = ask(client, "INFO commandstats").decode()  # type: ignore[attr-defined]
    line = next(line for line in statistics.splitlines() if line.startswith("cmdstat_debug:calls=2,usec="))
    assert 500_000 <= int(line.split("usec=")[1].split(",")[0]) < 600_000


def test_a_configuration_file_may_ask_for_the_log() -> None:
    client = Client(Server(config={"slowlog-log-slower-than": "0"}))
    ask(client, "GET k")
    assert ask(client, "SLOWLOG LEN") == 1


def test_sleeping_on_a_clock_that_stands_still_counts(client: Client) -> None:
    ask(client, "DEBUG SLEEP 3")
    [entry] = ask(client, "SLOWLOG GET")  # type: ignore[misc]
    assert 3_000_000 <= entry[2] < 3_100_000


def test_a_slow_script_is_in_the_log_with_the_default_limit() -> None:
    client = Client(Server())
    script = b"local began = os.clock() repeat until os.clock() - began > 0.02"
    client.server.call(client, [b"EVAL", script, b"0"])
    [entry] = ask(client, "SLOWLOG GET")  # type: ignore[misc]
    assert entry[3] == [b"EVAL", script, b"0"]
    assert entry[2] >= 10_000


def test_a_restart_forgets_the_log(client: Client) -> None:
    ask(client, "CONFIG SET slowlog-log-slower-than 0")
    client.server.restart(keep_data=True)
    client = Client(client.server)
    assert ask(client, "SLOWLOG LEN") == 0
    assert not client.server.observers


def test_a_client_that_waits_is_logged_when_it_is_answered(client: Client) -> None:
    class Waiting(Client):
        def deliver(self, reply: object) -> None:
            pass

    ask(client, "CONFIG SET slowlog-log-slower-than 0")
    ask(Waiting(client.server), "BLPOP l 5")
    assert [entry[3][0] for entry in ask(client, "SLOWLOG GET")] == [b"CONFIG"]  # type: ignore[attr-defined]
    client.server.clock.advance(5)
    assert [entry[3][0] for entry in ask(client, "SLOWLOG GET")] == [b"BLPOP", b"SLOWLOG", b"CONFIG"]  # type: ignore[attr-defined]
    assert b"cmdstat_blpop:calls=1," in ask(client, "INFO commandstats")  # type: ignore[operator]


def test_hotkeys_counts_a_part_of_the_commands(client: Client) -> None:
    ask(client, "HOTKEYS START METRICS 1 NET SAMPLE 10")
    for _ in range(1000):
        ask(client, "GET k")
    [session] = ask(client, "HOTKEYS GET")  # type: ignore[misc]
    assert session[b"net-bytes-all-commands-all-slots"] == 1000 * 25
    assert 20 * 25 < session[b"total-net-bytes"] < 200 * 25


# What Redis 8.6.3 drew of these samples, at 1796014096.
SAMPLES = ((83, 10), (84, 37), (85, 20), (86, 15), (87, 54), (88, 5), (90, 40))
GRAPH = """\
command - high 54 ms, low 5 ms (all time high 54 ms)
--------------------------------------------------------------------------------
    #  
 o  | #
 |_ | |
o||#|_|
       
1111986
3210sss
ssss   
"""  # noqa: W291, W293


def test_the_graph_is_that_of_a_real_server() -> None:
    event = Event()
    for second, milliseconds in SAMPLES:
        event.add(1796014000 + second, milliseconds)
    assert event.graph("command", 1796014096) == GRAPH


def test_a_graph_has_80_columns_and_160_samples() -> None:
    event = Event()
    for second in range(200):
        event.add(second, second)
    lines = event.graph("command", 7_200_000).splitlines()
    assert lines[0] == "command - high 199 ms, low 40 ms (all time high 199 ms)"
    assert max(map(len, lines)) == 80
    assert lines.count("") == 1
    assert lines[-3:] == ["8" * 80, "3" * 80, "d" * 80]


def test_of_several_samples_in_a_second_the_longest_stays() -> None:
    event = Event()
    for milliseconds in (3, 9, 4):
        event.add(7, milliseconds)
    assert [tuple(sample) for sample in event.samples] == [(7, 9)]
    assert (event.longest, event.total, event.count) == (9, 16, 3)


def test_a_histogram_is_that_of_a_real_server() -> None:
    """The limits and percentiles of Redis 8.6.3: 3 us is `4` and 3.007, 385 us `528`, 18350 us `33816` and 18350.079."""
    histogram = Histogram()
    for microseconds in (0, 3, 385, 18300):
        histogram.add(microseconds)
    assert histogram.cumulative() == {1: 1, 4: 2, 528: 3, 33816: 4}
    assert [histogram.percentile(percent) for percent in (25, 50, 75, 100)] == [0.001, 3.007, 385.023, 18350.079]
