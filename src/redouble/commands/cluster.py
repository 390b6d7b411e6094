"""CLUSTER and what belongs to it, as a server answers that is not part of a cluster: nearly all of it is disabled."""

from __future__ import annotations

from binascii import crc_hqx
from collections.abc import Mapping
from typing import Final

from redouble.core.client import Client
from redouble.core.command import Argv, command, container
from redouble.core.errors import CLUSTER_DISABLED, CommandError
from redouble.resp.reply import OK, Reply


def disabled(client: Client, argv: Argv) -> Reply:
    raise CommandError(CLUSTER_DISABLED)


def for_clusters(
    usage: str,
    summary: str,
    *,
    flags: str = "stale",
    since: str = "3.0.0",
    until: str = "",
    since_option: Mapping[str, str] | None = None,
    arity: int = 0,
    acl: str = "",
    group: str = "",
) -> None:
    """Declare a command that only a member of a cluster would run."""

    def run(client: Client, argv: Argv) -> Reply:
        return disabled(client, argv)

    run.__doc__ = summary
    command(usage, flags=flags, since=since, until=until, since_option=since_option, arity=arity, acl=acl, group=group)(
        run
    )


container("CLUSTER", since="3.0.0", first=disabled)
for_clusters("CLUSTER HELP", "Print this help.", flags="loading stale", since="5.0.0")

# What anybody may ask.

TOLD: Final = "stale loading@valkey=8.0.0"

for_clusters("CLUSTER INFO", "How the cluster is, as this node sees it.", flags=TOLD)
for_clusters("CLUSTER MYID", "The id of this node.", flags=TOLD)
for_clusters("CLUSTER MYSHARDID", "The id of this node's shard.", flags=TOLD, since="7.2.0")
for_clusters("CLUSTER NODES", "The nodes of the cluster, as this node sees them.", flags=TOLD)
for_clusters("CLUSTER SLOTS", "Which nodes serve which slots.", flags="stale loading@7.2.0")
for_clusters("CLUSTER SHARDS", "The shards, with their slots and nodes.", flags="stale loading@7.2.0", since="7.0.0")
for_clusters("CLUSTER LINKS", "The connections between this node and the others.", since="7.0.0")
for_clusters("CLUSTER COUNTKEYSINSLOT slot", "How many keys a slot has.")
for_clusters("CLUSTER GETKEYSINSLOT slot count", "Some keys of a slot.")
for_clusters(
    "CLUSTER SLOT-STATS <SLOTSRANGE start-slot end-slot | ORDERBY metric [LIMIT limit] [ASC | DESC]>",
    "How much slots are used.",
    flags="loading stale",
    since="8.2.0 valkey=8.0.0",
)


@command("CLUSTER KEYSLOT key", flags="stale", since="3.0.0")
def cluster_keyslot(client: Client, argv: Argv) -> Reply:
    """The slot that a key belongs to."""
    if client.server.dialect.keyslot_needs_cluster:
        raise CommandError(CLUSTER_DISABLED)
    return slot_of(argv[2])


def slot_of(key: bytes) -> int:
    """The slot of `key`, by what stands between its first braces if that is anything (keyHashSlot)."""
    _, _, rest = key.partition(b"{")
    tag, brace, _ = rest.partition(b"}")
    return crc_hqx(tag if brace and tag else key, 0) % 16384


# What administrators do.

ADMIN: Final = "admin stale"
CHANGES: Final = "admin stale no_async_loading"

for_clusters("CLUSTER ADDSLOTS slot [slot ...]", "Serve these slots.", flags=CHANGES)
for_clusters(
    "CLUSTER ADDSLOTSRANGE start-slot end-slot [start-slot end-slot ...]",
    "Serve these ranges of slots.",
    flags=CHANGES,
    since="7.0.0",
)
for_clusters("CLUSTER BUMPEPOCH", "Raise the epoch of the configuration.", flags=CHANGES)
for_clusters("CLUSTER COUNT-FAILURE-REPORTS node-id", "How many nodes say that a node fails.", flags=ADMIN)
for_clusters("CLUSTER DELSLOTS slot [slot ...]", "Serve these slots no longer.", flags=CHANGES)
for_clusters(
    "CLUSTER DELSLOTSRANGE start-slot end-slot [start-slot end-slot ...]",
    "Serve these ranges of slots no longer.",
    flags=CHANGES,
    since="7.0.0",
)
for_clusters("CLUSTER FAILOVER [FORCE | TAKEOVER]", "Make this replica the master.", flags=CHANGES)
for_clusters("CLUSTER FLUSHSLOTS", "Serve no slots any longer.", flags=CHANGES)
for_clusters(
    "CLUSTER FLUSHSLOT slot [ASYNC | SYNC]",
    "Remove the keys of a slot.",
    flags="write admin no_async_loading",
    since="valkey=9.0.0",
    acl="keyspace",
)
for_clusters("CLUSTER FORGET node-id", "Take a node out of the cluster.", flags=CHANGES)
for_clusters("CLUSTER MEET ip port [cluster-bus-port]", "Join the cluster of another node.", flags=CHANGES)
for_clusters("CLUSTER REPLICAS node-id", "The replicas of a node.", flags=ADMIN, since="5.0.0")
for_clusters("CLUSTER SLAVES node-id", "The replicas of a node.", flags=ADMIN)
for_clusters("CLUSTER REPLICATE <node-id | NO ONE>", "Follow another node, or none.", flags=CHANGES)
# Later declarations win.
for_clusters("CLUSTER REPLICATE node-id", "Follow another node.", flags=CHANGES, until="valkey=9.0.0")
for_clusters("CLUSTER RESET [HARD | SOFT]", "Leave the cluster.", flags="admin stale noscript@7.0.0")
for_clusters("CLUSTER SAVECONFIG", "Write the configuration of the cluster to its file.", flags=CHANGES)
for_clusters("CLUSTER SET-CONFIG-EPOCH config-epoch", "Set the epoch of a new node.", flags=CHANGES)
for_clusters(
    "CLUSTER SETSLOT slot <IMPORTING importing | MIGRATING migrating | NODE node | STABLE> [TIMEOUT timeout]",
    "Say who serves a slot, or that it moves.",
    flags=CHANGES,
    since_option={"TIMEOUT": "valkey=8.0.0"},
)

# Slots that move as a whole.

for_clusters(
    "CLUSTER MIGRATION <IMPORT start-slot end-slot [start-slot end-slot ...] | CANCEL <ID task-id | ALL>"
    " | STATUS <[ID task-id] | [ALL]>>",
    "Bring slots here, or tell how that goes.",
    flags=CHANGES,
    since="8.4.0",
    arity=-4,
)
for_clusters(
    "CLUSTER SYNCSLOTS <SYNC task-id start-slot end-slot [start-slot end-slot ...] | RDBCHANNEL task-id | SNAPSHOT-EOF"
    " | STREAM-EOF | ACK state offset | FAIL error | CONF option [option ...] value [value ...]>",
    "What nodes say to each other while slots move.",
    flags=CHANGES,
    since="8.4.0",
)
for_clusters(
    "CLUSTER SYNCSLOTS",
    "What nodes say to each other while slots move.",
    flags=CHANGES,
    since="valkey=9.0.0",
    arity=-3,
)
for_clusters("CLUSTER CANCELSLOTMIGRATIONS", "Let no slot move any longer.", flags=CHANGES, since="valkey=9.0.0")
for_clusters("CLUSTER GETSLOTMIGRATIONS", "The slots that move or have moved.", flags=CHANGES, since="valkey=9.0.0")
for_clusters(
    "CLUSTER MIGRATESLOTS SLOTSRANGE start-slot end-slot [start-slot end-slot ...] NODE node-id"
    " [SLOTSRANGE start-slot end-slot [start-slot end-slot ...] NODE node-id ...]",
    "Move slots to other nodes.",
    flags=CHANGES,
    since="valkey=9.0.0",
    arity=-4,
)

# Commands of their own.

for_clusters(
    "CLUSTERSCAN cursor [MATCH match-pattern] [COUNT count] [TYPE type] [SLOT slot]",
    "Some of the keys of the cluster, and where to go on.",
    flags="readonly",
    since="valkey=9.1.0",
    acl="keyspace",
)
for_clusters(
    "TRIMSLOTS <RANGES numranges startslot endslot [startslot endslot ...]>",
    "Remove the keys of slots that are served elsewhere.",
    flags="write",
    since="8.4.0",
    acl="keyspace dangerous",
    group="server",
)


@command("ASKING", flags="fast", since="3.0.0", acl="connection")
def asking(client: Client, argv: Argv) -> Reply:
    """Let the next command use a slot that is on its way here."""
    return disabled(client, argv)


@command("READONLY", flags="fast loading@7.0.0 stale@7.0.0", since="3.0.0", acl="connection")
def readonly(client: Client, argv: Argv) -> Reply:
    """Let this connection read from a replica."""
    return disabled(client, argv) if client.server.dialect.readonly_needs_cluster else OK


@command("READWRITE", flags="fast loading@7.0.0 stale@7.0.0", since="3.0.0", acl="connection")
def readwrite(client: Client, argv: Argv) -> Reply:
    """The opposite of READONLY."""
    return disabled(client, argv) if client.server.dialect.readwrite_needs_cluster else OK
