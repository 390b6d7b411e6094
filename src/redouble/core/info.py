"""INFO: which sections and fields each emulated server prints, in its order, and where their values come from.

    [section] Title  default | all  [since ...] [until ...]
    field  value  [since ...] [until ...]

A value that begins with `*` is a function of this module, and one that begins with `~` is told only by a replica; the
others stand for what a server has that lives in one Python process: no fork, no replica of its own, no allocator, no cluster.
"""

from __future__ import annotations

import functools
import itertools
import os
import platform
import re
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from redouble.core.memory import BASE, code_memory, human, used_memory

if TYPE_CHECKING:
    from redouble.core.server import Server
    from redouble.dialects import Dialect

__all__ = ["info"]

_FIELDS: Final = """\
[server] Server  default
redis_version  *redis_version
dragonfly_version  *release  since dragonfly=1.0.0
server_name  *server_name  since valkey=7.2.0
valkey_version  *version  since valkey=7.2.0
valkey_release_stage  ga  since valkey=8.0.0
redis_git_sha1  00000000
redis_git_dirty  0
redis_build_id  0
redis_mode  standalone  until valkey=8.0.0
server_mode  standalone  since valkey=8.0.0
os  *system
arch_bits  *arch_bits
monotonic_clock  POSIX clock_gettime  since 6.2.0
multiplexing_api  python
atomicvar_api  python  until valkey=8.0.0
gcc_version  0.0.0
process_id  *process_id
process_supervised  no  since 6.2.0
run_id  *run_id
tcp_port  *tcp_port
server_time_usec  *server_time_usec  since 6.2.0
uptime_in_seconds  *uptime_in_seconds
uptime_in_days  *uptime_in_days
hz  *hz
configured_hz  *hz
clients_hz  *hz  since valkey=8.0.0
lru_clock  *lru_clock
executable  *executable
config_file  -
io_threads_active  0
availability_zone  *availability_zone  since valkey=8.0.0
listener0  *listener  since 7.2.0
[tls] TLS  all  since valkey=9.0.0
tls_server_cert_serial  none
tls_server_cert_expires_in_seconds  0
tls_client_cert_serial  none
tls_client_cert_expires_in_seconds  0
tls_ca_cert_serial  none
tls_ca_cert_expires_in_seconds  0
[clients] Clients  default
connected_clients  *connected_clients
cluster_connections  0  since 6.2.0
maxclients  *maxclients  since 6.2.0
client_recent_max_input_buffer  0
client_recent_max_output_buffer  0
blocked_clients  *blocked_clients
tracking_clients  *tracking_clients
pubsub_clients  *pubsub_clients  since 7.4.0 valkey=8.0.0
watching_clients  *watching_clients  since 7.4.0 valkey=8.0.0
clients_in_timeout_table  *clients_with_timeout
total_watched_keys  *watched_keys  since 7.4.0 valkey=8.0.0
total_blocking_keys  *blocking_keys  since 7.2.0
total_blocking_keys_on_nokey  0  since 7.2.0
paused_reason  *paused_reason  since valkey=8.0.0
paused_actions  *paused_actions  since valkey=8.0.0
paused_timeout_milliseconds  *paused_milliseconds  since valkey=8.0.0
[memory] Memory  default
used_memory  *memory
used_memory_human  *memory_human
used_memory_rss  *memory
used_memory_rss_human  *memory_human
used_memory_peak  *peak
used_memory_peak_human  *peak_human
used_memory_peak_time  *now  since 8.6.0
used_memory_peak_perc  *peak_percent
used_memory_overhead  *base_memory
used_memory_startup  *base_memory
used_memory_dataset  *data_memory
used_memory_dataset_perc  *data_percent
allocator_allocated  *memory
allocator_active  *memory
allocator_resident  *memory
allocator_muzzy  0  since 7.4.0 valkey=8.0.0
total_system_memory  *system_memory
total_system_memory_human  *system_memory_human
used_memory_lua  0
used_memory_vm_eval  0  since 7.0.0
used_memory_lua_human  0B
used_memory_scripts_eval  *scripts_memory  since 7.0.0
number_of_cached_scripts  *scripts  since 7.0.0
number_of_functions  *functions  since 7.0.0
number_of_libraries  *libraries  since 7.0.0
used_memory_vm_functions  0  since 7.0.0
used_memory_vm_total  0  since 7.0.0
used_memory_vm_total_human  0B  since 7.0.0
used_memory_functions  *functions_memory  since 7.0.0
used_memory_scripts  *code_memory
used_memory_scripts_human  *code_memory_human
number_of_cached_scripts  *scripts  until 7.0.0
maxmemory  *maxmemory
maxmemory_human  *maxmemory_human
maxmemory_policy  *maxmemory_policy
allocator_frag_ratio  1.00
allocator_frag_bytes  0
allocator_rss_ratio  1.00
allocator_rss_bytes  0
rss_overhead_ratio  1.00
rss_overhead_bytes  0
mem_fragmentation_ratio  1.00
mem_fragmentation_bytes  0
mem_not_counted_for_evict  0
mem_replication_backlog  0
mem_total_replication_buffers  0  since 7.0.0
mem_replica_full_sync_buffer  0  since 8.0.0
mem_replicas_repl_buffer  0  since valkey=9.0.0
mem_clients_slaves  0
mem_clients_normal  0
mem_cluster_slot_migration_output_buffer  0  since 8.6.0
mem_cluster_slot_migration_input_buffer  0  since 8.6.0
mem_cluster_slot_migration_input_buffer_peak  0  since 8.6.0
mem_cluster_links  0  since 7.0.0
mem_cluster_slot_import  0  since valkey=9.0.0
mem_cluster_slot_export  0  since valkey=9.0.0
mem_aof_buffer  0
mem_allocator  python
mem_overhead_db_hashtable_rehashing  0  since 7.4.0 valkey=8.0.0
active_defrag_running  0
lazyfree_pending_objects  0
lazyfreed_objects  0  since 6.2.0
[persistence] Persistence  default
loading  0
async_loading  0  since 7.0.0
current_cow_peak  0  since 7.0.0
current_cow_size  0  since 6.2.0
current_cow_size_age  0  since 6.2.0
current_fork_perc  0.00  since 6.2.0
current_save_keys_processed  0  since 6.2.0
current_save_keys_total  0  since 6.2.0
rdb_changes_since_last_save  *changes
rdb_bgsave_in_progress  *saving
rdb_last_save_time  *last_save
rdb_last_bgsave_status  *save_status
rdb_last_bgsave_time_sec  -1
rdb_current_bgsave_time_sec  -1
rdb_saves  *saves  since 7.0.0
rdb_saves_consecutive_failures  0  since 8.6.0
rdb_last_cow_size  0
rdb_last_load_keys_expired  0  since 7.0.0
rdb_last_load_keys_loaded  0  since 7.0.0
aof_enabled  *aof_enabled
aof_rewrite_in_progress  *rewriting
aof_rewrite_scheduled  0
aof_last_rewrite_time_sec  -1
aof_current_rewrite_time_sec  -1
aof_last_bgrewrite_status  *rewrite_status
aof_rewrites  *rewrites  since 7.0.0
aof_rewrites_consecutive_failures  0  since 7.0.0
aof_last_write_status  *write_status
aof_last_cow_size  0
module_fork_in_progress  0
module_fork_last_cow_size  0
slot_migration_fork_in_progress  0  since valkey=9.0.0
[threads] Threads  default  since 8.0.0
io_thread_0  *io_thread
[stats] Stats  default
total_connections_received  *connections_received
total_commands_processed  *commands_processed
instantaneous_ops_per_sec  0
total_net_input_bytes  *bytes_in
total_net_output_bytes  *bytes_out
total_net_repl_input_bytes  0  since 7.0.0
total_net_repl_output_bytes  0  since 7.0.0
total_net_cluster_slot_import_bytes  0  since valkey=9.0.0
total_net_cluster_slot_export_bytes  0  since valkey=9.0.0
instantaneous_input_kbps  0.00
instantaneous_output_kbps  0.00
instantaneous_input_repl_kbps  0.00  since 7.0.0
instantaneous_output_repl_kbps  0.00  since 7.0.0
rejected_connections  0
sync_full  0
sync_partial_ok  0
sync_partial_err  0
expired_subkeys  0  since 7.4.0
expired_subkeys_active  0  since 8.6.0
expired_keys  *expired_keys
expired_keys_active  0  since 8.6.0
expired_fields  0  since valkey=9.0.0
expired_stale_perc  0.00
expired_keys_with_volatile_items_stale_perc  0.00  since valkey=9.0.0
expired_time_cap_reached_count  0
expire_cycle_cpu_milliseconds  0
evicted_keys  *evicted_keys
evicted_clients  0  since 7.0.0
evicted_scripts  0  since 7.4.0 valkey=8.0.0
total_eviction_exceeded_time  0  since 7.0.0
current_eviction_exceeded_time  0  since 7.0.0
keyspace_hits  *keyspace_hits
keyspace_misses  *keyspace_misses
pubsub_channels  *pubsub_channels
pubsub_patterns  *pubsub_patterns
pubsubshard_channels  *pubsubshard_channels  since 7.0.0
latest_fork_usec  0
total_forks  0  since 6.2.0
migrate_cached_sockets  0
slave_expires_tracked_keys  0
active_defrag_hits  0
active_defrag_misses  0
active_defrag_key_hits  0
active_defrag_key_misses  0
total_active_defrag_time  0  since 7.0.0
current_active_defrag_time  0  since 7.0.0
tracking_total_keys  *tracking_keys
tracking_total_items  *tracking_items
tracking_total_prefixes  *tracking_prefixes
unexpected_error_replies  0
total_error_replies  *error_replies  since 6.2.0
dump_payload_sanitizations  0  since 6.2.0
total_reads_processed  0
total_writes_processed  0
io_threaded_reads_processed  0
io_threaded_writes_processed  0
io_threaded_freed_objects  0  since valkey=8.0.0
io_threaded_accept_processed  0  since valkey=8.0.0
io_threaded_poll_processed  0  since valkey=8.0.0
io_threaded_total_prefetch_batches  0  since 8.6.0 valkey=8.0.0
io_threaded_total_prefetch_entries  0  since 8.6.0 valkey=8.0.0
client_query_buffer_limit_disconnections  0  since 7.4.0 valkey=8.0.0
client_output_buffer_limit_disconnections  0  since 7.4.0 valkey=8.0.0
reply_buffer_shrinks  0  since 7.0.0
reply_buffer_expands  0  since 7.0.0
eventloop_cycles  0  since 7.2.0
eventloop_duration_sum  0  since 7.2.0
eventloop_duration_cmd_sum  0  since 7.2.0
instantaneous_eventloop_cycles_per_sec  0  since 7.2.0
instantaneous_eventloop_duration_usec  0  since 7.2.0
acl_access_denied_auth  *acl_access_denied_auth  since 7.2.0
acl_access_denied_cmd  *acl_access_denied_cmd  since 7.2.0
acl_access_denied_key  *acl_access_denied_key  since 7.2.0
acl_access_denied_channel  *acl_access_denied_channel  since 7.2.0
acl_access_denied_tls_cert  0  since 8.6.0 valkey=9.0.0
acl_access_denied_db  *acl_access_denied_db  since valkey=9.0.0
[replication] Replication  default
role  *role
master_host  ~*master_host
master_port  ~*master_port
master_link_status  ~down
master_last_io_seconds_ago  ~-1
master_sync_in_progress  ~0
slave_read_repl_offset  ~0  since 6.2.0
slave_repl_offset  ~0
replica_full_sync_buffer_size  ~0  since 8.0.0
replica_full_sync_buffer_peak  ~0  since 8.0.0
replicas_repl_buffer_size  ~0  since valkey=8.0.0
replicas_repl_buffer_peak  ~0  since valkey=8.0.0
master_current_sync_attempts  ~1  since 8.6.0
master_total_sync_attempts  ~1  since 8.6.0
master_link_down_since_seconds  ~-1
total_disconnect_time_sec  ~0  since 8.6.0
slave_priority  ~*replica_priority
slave_read_only  ~*replica_read_only
replica_announced  ~*replica_announced  since 6.2.0
connected_slaves  0
replicas_waiting_psync  0  since valkey=8.0.0
master_failover_state  no-failover  since 6.2.0
master_replid  *replication_id
master_replid2  0000000000000000000000000000000000000000
master_repl_offset  0
second_repl_offset  -1
repl_backlog_active  0
repl_backlog_size  *backlog_size
repl_backlog_first_byte_offset  0
repl_backlog_histlen  0
[cpu] CPU  default
used_cpu_sys  *cpu_sys
used_cpu_user  *cpu_user
used_cpu_sys_children  *cpu_sys_children
used_cpu_user_children  *cpu_user_children
used_cpu_sys_main_thread  *cpu_sys  since 6.2.0
used_cpu_user_main_thread  *cpu_user  since 6.2.0
used_active_time_main_thread  *cpu_user  since valkey=9.0.0
[hotkeys] Hotkeys  default  since 8.6.0
hotkeys-tracking-active  *hotkeys
[modules] Modules  default
module  *modules
[commandstats] Commandstats  all
cmdstat_  *command_statistics
[errorstats] Errorstats  default  since 6.2.0
errorstat_  *error_statistics
[latencystats] Latencystats  all  since 7.0.0
latency_percentiles_usec_  *latency_statistics
[cluster] Cluster  default
cluster_enabled  0
[clusterinfo] Cluster Info  all  since valkey=9.0.0
[scriptingengines] Scripting Engines  all  since valkey=9.0.0
engines_count  1
engines_total_used_memory  0
engines_total_memory_overhead  0
engine_0  name=LUA,module=lua,abi_version=4,used_memory=0,memory_overhead=0
[keyspace] Keyspace  default
db  *keyspace
[keysizes] Keysizes  default  since 8.0.0
db  *keysizes
"""


def info(server: Server, names: list[str]) -> str:
    """The sections that are asked for, each once, in the server's own order."""
    asked = {name.lower() for name in names} or {"default"}
    everything = bool(asked & {"all", "everything"})
    texts = []
    for name, title, by_default, fields in _sections(server.dialect):  # type: ignore[arg-type]  # a class is hashable
        if everything or name in asked or (by_default and "default" in asked):
            lines = [line for field, value in fields for line in _lines(server, field, value)]
            texts.append("".join(f"{line}\r\n" for line in (f"# {title}", *lines)))
    return "\r\n".join(texts)


def _lines(server: Server, field: str, value: str) -> list[str]:
    if value.startswith("~"):
        if server.replication.master is None:
            return []
        value = value[1:]
    if not value.startswith("*"):
        return [f"{field}:{'' if value == '-' else value}"]
    computed = _COMPUTED[value[1:]](server)
    return computed if isinstance(computed, list) else [f"{field}:{computed}"]


@functools.cache
def _sections(dialect: type[Dialect]) -> list[tuple[str, str, bool, list[tuple[str, str]]]]:
    sections: list[tuple[str, str, bool, list[tuple[str, str]]]] = []
    present = False
    for line in _FIELDS.splitlines():
        head, value, *rest = line.split("  ")
        since, until = re.fullmatch(r"(?:since (.*?))? ?(?:until (.*))?", " ".join(rest)).groups()  # type: ignore[union-attr]
        has = (not since or dialect.has(since)) and not (until and dialect.has(until))
        if head.startswith("["):
            present = has
            name, _, title = head[1:].partition("] ")
            if present:
                sections.append((name, title, value == "default", []))
        elif present and has:
            sections[-1][3].append((head, value))
    return sections


# Where values come from.  A list is whole lines; anything else stands behind the field's name.

_COMPUTED: dict[str, Callable[[Server], object]] = {}


def _value(compute: Callable[[Server], object]) -> Callable[[Server], object]:
    _COMPUTED[compute.__name__.lstrip("_")] = compute
    return compute


def _denied(reason: str) -> Callable[[Server], object]:
    return lambda server: server.acl.denied.get(reason, 0)


def _fact(name: str, compute: Callable[[Server], object]) -> None:
    _COMPUTED[name] = compute


@functools.cache
def _system_memory() -> int:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):  # not on Windows
        return 0


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))


_fact("redis_version", lambda server: _dotted(server.dialect.redis_version))
_fact("server_name", lambda server: server.dialect.name)
_fact("release", lambda server: server.dialect.release.decode())
_fact("version", lambda server: _dotted(server.dialect.version))
_fact("arch_bits", lambda server: 64 if sys.maxsize > 2**32 else 32)
_fact("process_id", lambda server: os.getpid())
_fact("run_id", lambda server: server.run_id)
_fact("tcp_port", lambda server: server.config.number("port"))
_fact("server_time_usec", lambda server: server.clock.time_ns() // 1000)
_fact("uptime_in_seconds", lambda server: _uptime(server))
_fact("uptime_in_days", lambda server: _uptime(server) // 86400)
_fact("hz", lambda server: server.config.number("hz"))
_fact("lru_clock", lambda server: int(server.clock.time()) & (1 << 24) - 1)
_fact("executable", lambda server: sys.executable)
_fact("availability_zone", lambda server: server.config.text("availability-zone"))
_fact("connected_clients", lambda server: len(server.clients))
_fact("maxclients", lambda server: server.config.number("maxclients"))
_fact("blocked_clients", lambda server: len(server.blocking.clients))
_fact(
    "pubsub_clients",
    lambda server: sum(client.listens for client in server.clients.values()),
)
_fact("tracking_clients", lambda server: len(server.tracking.clients))
_fact("tracking_keys", lambda server: len(server.tracking.table))
_fact("tracking_items", lambda server: server.tracking.items)
_fact("tracking_prefixes", lambda server: len(server.tracking.prefixes))
_fact("watching_clients", lambda server: sum(bool(client.watching) for client in server.clients.values()))
_fact("clients_with_timeout", lambda server: sum(client.deadline is not None for client in server.blocking.clients))
_fact("watched_keys", lambda server: sum(len(db.watched) for db in server.databases.values()))
_fact("blocking_keys", lambda server: sum(len(db.blocked) for db in server.databases.values()))
_fact("paused_reason", lambda server: "client_pause" if server.paused_milliseconds else "none")
_fact("paused_actions", lambda server: server.paused_actions)
_fact("paused_milliseconds", lambda server: server.paused_milliseconds)
_fact("memory", lambda server: used_memory(server))
_fact("base_memory", lambda server: BASE)
_fact("data_memory", lambda server: used_memory(server) - BASE)
_fact("data_percent", lambda server: "100.00%" if used_memory(server) > BASE else "0.00%")
_fact("memory_human", lambda server: human(used_memory(server)))
_fact("peak", lambda server: max(server.peak_memory, used_memory(server)))
_fact("peak_human", lambda server: human(max(server.peak_memory, used_memory(server))))
_fact(
    "peak_percent",
    lambda server: f"{100 * used_memory(server) / max(server.peak_memory, used_memory(server), 1):.2f}%",
)
_fact("now", lambda server: int(server.clock.time()))
_fact("system_memory", lambda server: _system_memory())
_fact("system_memory_human", lambda server: human(_system_memory()))
_fact("scripts", lambda server: len(server.scripting.scripts) if server.scripting else 0)
_fact("scripts_memory", lambda server: server.scripting.size if server.scripting else 0)
_fact("functions", lambda server: server.functions.count if server.functions else 0)
_fact("libraries", lambda server: len(server.functions.libraries) if server.functions else 0)
_fact("functions_memory", lambda server: server.functions.size if server.functions else 0)
_fact("code_memory", lambda server: code_memory(server))
_fact("code_memory_human", lambda server: human(code_memory(server)))
_fact("maxmemory", lambda server: server.config.number("maxmemory"))
_fact("maxmemory_human", lambda server: human(server.config.number("maxmemory")))
_fact("maxmemory_policy", lambda server: server.config.text("maxmemory-policy"))
_fact("changes", lambda server: server.dirty - server.dirty_when_saved)
_fact("last_save", lambda server: server.last_save)
_fact("saves", lambda server: server.saves)


def _of_files(fact: Callable[[Any], object], otherwise: object) -> Callable[[Server], object]:
    return lambda server: otherwise if server.files is None else fact(server.files)


def _status(failed: object) -> str:
    return "err" if failed else "ok"


_fact("saving", _of_files(lambda files: int(files.saving), 0))
_fact("save_status", _of_files(lambda files: _status(files.last_save_failed), "ok"))
_fact("rewriting", _of_files(lambda files: int(files.rewriting), 0))
_fact("rewrite_status", _of_files(lambda files: _status(files.last_rewrite_failed), "ok"))
_fact("rewrites", _of_files(lambda files: files.rewrites, 0))
_fact("write_status", _of_files(lambda files: _status(files.write_error), "ok"))
_fact("aof_enabled", lambda server: int(server.config.flag("appendonly")))
_fact("io_thread", lambda server: f"clients={len(server.clients)},reads=0,writes=0")
_fact("connections_received", lambda server: server.connections_received)
_fact("commands_processed", lambda server: sum(command.calls for command in server.called_commands()))
_fact("bytes_in", lambda server: sum(client.bytes_in for client in server.clients.values()))
_fact("bytes_out", lambda server: sum(client.bytes_out for client in server.clients.values()))
_fact("acl_access_denied_auth", _denied("auth"))
_fact("acl_access_denied_cmd", _denied("command"))
_fact("acl_access_denied_key", _denied("key"))
_fact("acl_access_denied_channel", _denied("channel"))
_fact("acl_access_denied_db", _denied("database"))
_fact("expired_keys", lambda server: server.expired_keys)
_fact("evicted_keys", lambda server: server.eviction.evicted_keys)
_fact("keyspace_hits", lambda server: sum(db.hits for db in server.databases.values()))
_fact("keyspace_misses", lambda server: sum(db.misses for db in server.databases.values()))
_fact("pubsub_channels", lambda server: len(server.pubsub.channels))
_fact("pubsub_patterns", lambda server: len(server.pubsub.patterns))
_fact("pubsubshard_channels", lambda server: len(server.pubsub.shard_channels))
_fact("error_replies", lambda server: sum(server.error_counts.values()))
_fact("role", lambda server: "master" if server.replication.master is None else "slave")
_fact("master_host", lambda server: server.replication.master_host)
_fact("master_port", lambda server: server.replication.master_port)
_fact("replica_priority", lambda server: server.config.number("replica-priority"))
_fact("replica_read_only", lambda server: int(server.config.flag("replica-read-only")))
_fact("replica_announced", lambda server: int(server.config.flag("replica-announced")))
_fact("replication_id", lambda server: server.replication_id)
_fact("backlog_size", lambda server: server.config.number("repl-backlog-size"))
_fact("cpu_user", lambda server: f"{os.times().user:.6f}")
_fact("cpu_sys", lambda server: f"{os.times().system:.6f}")
_fact("cpu_user_children", lambda server: f"{os.times().children_user:.6f}")
_fact("cpu_sys_children", lambda server: f"{os.times().children_system:.6f}")


def _uptime(server: Server) -> int:
    return (server.clock.time_ns() // 1_000_000 - server.started_ms) // 1000


@_value
def _system(server: Server) -> str:
    return f"{platform.system()} {platform.release()} {platform.machine()}"


@_value
def _listener(server: Server) -> str:
    addresses = [f"bind={address}" for address in server.config.text("bind").split()]
    return ",".join(["name=tcp", *addresses, f"port={server.config.number('port')}"])


@_value
def _modules(server: Server) -> list[str]:
    return [
        f"module:name={module.name.decode()},ver={module.version},api=1,filters=0,usedby=[],using=[],"
        f"options=[{module.options}]"
        for module in server.modules
    ]


@_value
def _command_statistics(server: Server) -> list[str]:
    server.stopwatch.asked(server)
    counters: dict[str, list[int]] = {}
    for command in server.called_commands():
        if command.calls or command.rejected:
            name = command.name if server.dialect.acl.knows_subcommands else command.name.partition("|")[0]
            of_it = counters.setdefault(name, [0, 0, 0, 0])
            for at, counter in enumerate((command.calls, command.microseconds, command.rejected, command.failed)):
                of_it[at] += counter
    failures = ",rejected_calls={},failed_calls={}" if server.dialect.logs.counts_failures else ""
    return [
        f"cmdstat_{name}:calls={calls},usec={usec},usec_per_call={usec / max(calls, 1):.2f}{failures.format(*failed)}"
        for name, (calls, usec, *failed) in counters.items()
    ]


@_value
def _latency_statistics(server: Server) -> list[str]:
    if not server.config.flag("latency-tracking"):
        return []
    percentiles = server.config.text("latency-tracking-info-percentiles").split()
    return [
        f"latency_percentiles_usec_{name}:"
        + ",".join(f"p{percent}={histogram.percentile(float(percent)):.3f}" for percent in percentiles)
        for name, histogram in server.stopwatch.histograms(server).items()
    ]


@_value
def _hotkeys(server: Server) -> list[str]:
    hotkeys = server.stopwatch.hotkeys
    return [f"hotkeys-tracking-active:{int(hotkeys.active)}", "hotkeys-cmd-cpu-time:0"] if hotkeys is not None else []


@_value
def _error_statistics(server: Server) -> list[str]:
    return [f"errorstat_{code}:count={count}" for code, count in sorted(server.error_counts.items())]


@_value
def _keyspace(server: Server) -> list[str]:
    lines = []
    for index in sorted(server.databases):
        db = server.databases[index]
        keys = len(db)
        if keys:
            moments = list(itertools.islice(db.expires.values(), 1000))
            average = sum(moments) // len(moments) - server.now_ms() if moments else 0
            lines.append(
                f"db{index}:keys={keys},expires={len(db.expires)},avg_ttl={max(average, 0)}"
                + server.dialect.keyspace_fields.format(db.volatile_hashes)
            )
    return lines


_SIZES = {b"string": "strings_sizes", b"list": "lists_items", b"set": "sets_items", b"zset": "zsets_items"}
_SIZES[b"hash"] = "hashes_items"


@_value
def _keysizes(server: Server) -> list[str]:
    """How many values of each type have 1, 2, 4, 8 ... elements (or bytes) at the least."""
    lines = []
    for index in sorted(server.databases):
        counts: dict[bytes, dict[int, int]] = {}
        for kind, size in server.databases[index].sizes():
            bins = counts.setdefault(kind, {})
            least = 1 << size.bit_length() - 1 if size else 0
            bins[least] = bins.get(least, 0) + 1
        for kind, name in _SIZES.items():
            if kind in counts:
                shown = ",".join(f"{_short(least)}={count}" for least, count in sorted(counts[kind].items()))
                lines.append(f"db{index}_distrib_{name}:{shown}")
    return lines


def _short(number: int) -> str:
    for unit in ("", "K", "M"):
        if number < 1024:
            return f"{number}{unit}"
        number //= 1024
    return f"{number}G"
