"""LATENCY: which commands took longer than `latency-monitor-threshold`, and how long each command takes."""

from __future__ import annotations

from redouble.core.client import Client
from redouble.core.command import Argv, command, container
from redouble.core.errors import CommandError, text
from redouble.core.stopwatch import Stopwatch
from redouble.resp.reply import Reply, Verbatim

FLAGS = "admin noscript loading stale"

container("LATENCY", since="2.8.13", help_since="2.8.13", group="server")


@command("LATENCY LATEST", flags=FLAGS, since="2.8.13", group="server")
def latency_latest(client: Client, argv: Argv) -> Reply:
    """Of each event: when it was last, how many milliseconds it took then, and at the most."""
    found: list[Reply] = []
    for name, event in client.server.stopwatch.events.items():
        last = event.samples[-1]
        facts: list[Reply] = [name, last.at, last.milliseconds, event.longest]
        if client.server.dialect.logs.sums_latencies:
            facts += [event.total, event.count]
        found.append(facts)
    return found


@command("LATENCY HISTORY event", flags=FLAGS, since="2.8.13", group="server")
def latency_history(client: Client, argv: Argv) -> Reply:
    """When an event took long, and how many milliseconds."""
    event = client.server.stopwatch.events.get(argv[2])
    return [] if event is None else [[sample.at, sample.milliseconds] for sample in event.samples]


@command("LATENCY RESET [event [event ...]]", flags=FLAGS, since="2.8.13", group="server")
def latency_reset(client: Client, argv: Argv) -> Reply:
    """Forget these events, or all; how many there were."""
    events = client.server.stopwatch.events
    names = argv[2:] or list(events)
    return sum(events.pop(name, None) is not None for name in names)


@command("LATENCY GRAPH event", flags=FLAGS, since="2.8.13", group="server")
def latency_graph(client: Client, argv: Argv) -> Reply:
    """The times of an event as a picture."""
    event = client.server.stopwatch.events.get(argv[2])
    if event is None:
        raise CommandError(f"ERR No samples available for event '{text(argv[2])}'")
    return Verbatim(event.graph(text(argv[2]), int(client.server.clock.time())).encode("utf-8", "surrogateescape"))


@command("LATENCY DOCTOR", flags=FLAGS, since="2.8.13", group="server")
def latency_doctor(client: Client, argv: Argv) -> Reply:
    """What is known of the events, in sentences."""
    return Verbatim("".join(f"{line}\n" for line in _diagnosis(client.server.stopwatch)).encode())


def _diagnosis(stopwatch: Stopwatch) -> list[str]:
    if stopwatch.events:
        return [f"{text(name)}: {event.summary()}." for name, event in stopwatch.events.items()]
    if stopwatch.threshold:
        return [f"No command took {stopwatch.threshold} ms or longer."]
    return ["Nobody looks: CONFIG SET latency-monitor-threshold <milliseconds> begins."]


@command("LATENCY HISTOGRAM [command [command ...]]", flags=FLAGS, since="7.0.0", group="server")
def latency_histogram(client: Client, argv: Argv) -> Reply:
    """Of these commands, or of all: how many calls took up to how many microseconds."""
    server = client.server
    with client.command.uncounted():
        found = server.stopwatch.histograms(server)
    if len(argv) > 2:
        named: dict[str, None] = {}
        for name in argv[2:]:
            prototype = server.prototype(name)
            if prototype is not None:
                each = prototype.subcommands.values() or [prototype]
                named |= dict.fromkeys(one.declaration.wire_name for one in each)
        found = {name: found[name] for name in named if name in found}
    return {
        name.encode(): {b"calls": histogram.count, b"histogram_usec": histogram.cumulative()}
        for name, histogram in found.items()
    }
