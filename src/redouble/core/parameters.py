"""The configuration parameters of every emulated server, as CONFIG GET * and refused CONFIG SETs show them.

    name [alias]  kind[:limits]  default  [immutable | protected] [since ...] [until ...]

Columns stand two spaces apart; a default of `-` is the empty text.  `since` and `until` are spelt as `@command`'s.  Of
several lines for one name the last that a dialect has is right.  The kinds are in `config.py`.
"""

from __future__ import annotations

from typing import Final

__all__ = ["PARAMETERS"]

PARAMETERS: Final = """\
acl-pubsub-default  enum:allchannels|resetchannels  allchannels  since 6.2.0
acl-pubsub-default  enum:allchannels|resetchannels  resetchannels  since 7.0.0
aclfile  text  -  immutable
acllog-max-len  int:0..long  128
active-defrag-cycle-max  int:1..99  25
active-defrag-cycle-min  int:1..99  1
active-defrag-cycle-us  int:0..100000  500  since valkey=8.0.0
active-defrag-ignore-bytes  memory:1..long  104857600
active-defrag-max-scan-fields  int:1..long  1000
active-defrag-threshold-lower  int:0..1000  10
active-defrag-threshold-upper  int:0..1000  100
active-expire-effort  int:1..10  1
activedefrag  bool  no
activerehashing  bool  yes
always-show-logo  bool  no  immutable
aof-disable-auto-gc  bool  no  since 7.0.0 until 7.2.0
aof-load-corrupt-tail-max-size  int:0..long  0  since 8.6.0
aof-load-truncated  bool  yes
aof-rewrite-incremental-fsync  bool  yes
aof-timestamp-enabled  bool  no  since 7.0.0
aof-use-rdb-preamble  bool  yes
aof_rewrite_cpulist  text  -  immutable
aof_rewrite_cpulist aof-rewrite-cpulist  text  -  immutable since 7.4.0 valkey=8.0.0
appenddirname  text  appendonlydir  immutable since 7.0.0
appendfilename  text  appendonly.aof  immutable
appendfsync  enum:everysec|always|no  everysec
appendonly  bool  no
auto-aof-rewrite-min-size  memory:0..long  67108864
auto-aof-rewrite-percentage  int:0..int  100
availability-zone  text  -  since valkey=8.0.0
bgsave_cpulist  text  -  immutable
bgsave_cpulist bgsave-cpulist  text  -  immutable since 7.4.0 valkey=8.0.0
bind  text  * -::*
bind-source-addr  text  -  since 7.0.0
bio_cpulist  text  -  immutable
bio_cpulist bio-cpulist  text  -  immutable since 7.4.0 valkey=8.0.0
busy-reply-threshold lua-time-limit  int:0..long  5000  since 7.0.0
lua-time-limit  int:0..long  5000  until 7.0.0
client-output-buffer-limit  buffers  normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60
client-query-buffer-limit  memory:1048576..long  1073741824
cluster-allow-pubsubshard-when-down  bool  yes  since 7.0.0
cluster-allow-reads-when-down  bool  no
cluster-allow-replica-migration  bool  yes  since 6.2.0
cluster-announce-bus-port  int:0..65535  0
cluster-announce-client-ipv4  ipv4  -  since valkey=8.0.0
cluster-announce-client-ipv6  ipv6  -  since valkey=8.0.0
cluster-announce-client-port  int:0..65535  0  since valkey=9.0.0
cluster-announce-client-tls-port  int:0..65535  0  since valkey=9.0.0
cluster-announce-hostname  text  -  since 7.0.0
cluster-announce-human-nodename  text  -  since 7.2.0
cluster-announce-ip  text  -
cluster-announce-ip  ip  -  since 8.6.0
cluster-announce-port  int:0..65535  0
cluster-announce-tls-port  int:0..65535  0  since 6.2.0
cluster-blacklist-ttl  int:-long..long  60  since valkey=8.0.0
cluster-compatibility-sample-ratio  int:0..100  0  since 8.0.0
cluster-config-file  text  nodes.conf  immutable since 7.0.0
cluster-config-save-behavior  enum:sync|best-effort  sync  since valkey=9.0.0
cluster-databases  int:-1..int  1  immutable since valkey=9.0.0
cluster-enabled  bool  no  immutable
cluster-link-sendbuf-limit  memory:0..ulong  0  since 7.0.0
cluster-manual-failover-timeout  int:1..int  5000  since valkey=8.0.0
cluster-migration-barrier  int:0..int  1
cluster-node-timeout  int:0..long  15000
cluster-port  int:-1..int  0  immutable since 7.0.0
cluster-preferred-endpoint-type  enum:ip|hostname|unknown-endpoint  ip  since 7.0.0
cluster-replica-no-failover cluster-slave-no-failover  bool  no
cluster-replica-validity-factor cluster-slave-validity-factor  int:0..int  10
cluster-require-full-coverage  bool  yes
cluster-slot-migration-handoff-max-lag-bytes  memory:0..long  1048576  since 8.6.0
cluster-slot-migration-log-max-len  int:0..long  1000  since valkey=9.0.0
cluster-slot-migration-write-pause-timeout  int:0..long  10000  since 8.6.0
cluster-slot-stats-enabled  words:no|yes|cpu|net|mem  no  since 8.6.0
cluster-slot-stats-enabled  bool  no  since valkey=8.0.0
commandlog-large-reply-max-len  int:0..long  128  since valkey=8.0.0
commandlog-large-request-max-len  int:0..long  128  since valkey=8.0.0
commandlog-reply-larger-than  int:-1..long  1048576  since valkey=8.0.0
commandlog-request-larger-than  int:-1..long  1048576  since valkey=8.0.0
crash-log-enabled  bool  yes  since 6.2.0
crash-memcheck-enabled  bool  yes  since 6.2.0
daemonize  bool  no  immutable
databases  int:1..int  16  immutable
dbfilename  filename  dump.rdb
dbfilename  filename  dump.rdb  protected since 7.0.0
dir  text  .
dir  text  .  protected since 7.0.0
disable-thp  bool  yes  immutable since 6.2.0
dual-channel-replication-enabled  bool  no  since valkey=8.0.0
dynamic-hz  bool  yes  until valkey=8.0.0
enable-debug-command  enum:no|yes|local  no  immutable since 7.0.0
enable-module-command  enum:no|yes|local  no  immutable since 7.0.0
enable-protected-configs  enum:no|yes|local  no  immutable since 7.0.0
extended-redis-compatibility  bool  no  since valkey=8.0.0
hash-max-listpack-entries hash-max-ziplist-entries  int:0..long  512  since 7.0.0
hash-max-ziplist-entries  int:0..long  512  until 7.0.0
hash-max-listpack-value hash-max-ziplist-value  memory:0..long  64  since 7.0.0
hash-max-ziplist-value  memory:0..long  64  until 7.0.0
gopher-enabled  bool  no  until 7.0.0
hash-seed  text  -  immutable since valkey=9.0.0
hide-user-data-from-log  bool  no  since 7.4.0
hide-user-data-from-log  bool  yes  since valkey=8.0.0
hll-sparse-max-bytes  memory:0..long  3000
hz  hz:0..int  10
ignore-warnings  text  ARM64-COW-BUG
ignore-warnings  text  -  since 6.2.0
import-mode  bool  no  since valkey=8.0.0
io-threads  int:-1..int  1  immutable
io-threads  int:1..256  1  since valkey=9.0.0
io-threads-do-reads  bool  no  immutable until 8.0.0 valkey=8.0.0
jemalloc-bg-thread  bool  yes
key-memory-histograms  bool  no  since 8.6.0
key-load-delay  int:-2147483648..int  0  until 7.0.0
latency-monitor-threshold  int:0..long  0
latency-tracking  bool  yes  since 7.0.0
latency-tracking-info-percentiles  percentiles  50 99 99.9  since 7.0.0
lazyfree-lazy-eviction  bool  no
lazyfree-lazy-eviction  bool  yes  since valkey=8.0.0
lazyfree-lazy-expire  bool  no
lazyfree-lazy-expire  bool  yes  since valkey=8.0.0
lazyfree-lazy-server-del  bool  no
lazyfree-lazy-server-del  bool  yes  since valkey=8.0.0
lazyfree-lazy-user-del  bool  no
lazyfree-lazy-user-del  bool  yes  since valkey=8.0.0
lazyfree-lazy-user-flush  bool  no  since 6.2.0
lazyfree-lazy-user-flush  bool  yes  since valkey=8.0.0
lfu-decay-time  int:0..int  1
lfu-log-factor  int:0..int  10
list-compress-depth  int:0..int  0
list-max-listpack-size list-max-ziplist-size  int:-2147483648..int  -2  since 7.0.0
list-max-ziplist-size  int:-2147483648..int  -2  until 7.0.0
locale-collate  locale  -  since 7.2.0
log-format  enum:legacy|logfmt  legacy  since valkey=8.0.0
log-format  enum:legacy|logfmt|json  legacy  since valkey=9.0.0
log-timestamp-format  enum:legacy|iso8601|milliseconds  legacy  since valkey=8.0.0
logfile  text  -  immutable
loglevel  enum:debug|verbose|notice|warning  notice
loglevel  enum:debug|verbose|notice|warning|nothing  notice  since 7.2.0
lookahead  int:1..int  16  since 8.6.0
lua-replicate-commands  bool  yes  until 7.0.0
masterauth  text  -
masterauth primaryauth  text  -  since valkey=8.0.0
masteruser  text  -
masteruser primaryuser  text  -  since valkey=8.0.0
max-new-connections-per-cycle  int:1..1000  10  since 7.4.0 valkey=8.0.0
max-new-tls-connections-per-cycle  int:1..1000  1  since 7.4.0 valkey=8.0.0
maxclients  int:1..4294967295  10000
maxmemory  memory:0..ulong  0
maxmemory-clients  percent  0  since 7.0.0
maxmemory-eviction-tenacity  int:0..100  10  since 6.2.0
maxmemory-policy  enum:volatile-lru|volatile-lfu|volatile-random|volatile-ttl|allkeys-lru|allkeys-lfu|allkeys-random|noeviction  noeviction
maxmemory-policy  enum:volatile-lru|volatile-lfu|volatile-random|volatile-ttl|volatile-lrm|allkeys-lru|allkeys-lfu|allkeys-random|allkeys-lrm|noeviction  noeviction  since 8.6.0
maxmemory-samples  int:1..int  5
maxmemory-samples  int:1..64  5  since 7.4.0 valkey=8.0.0
min-replicas-max-lag min-slaves-max-lag  int:0..int  10
min-replicas-to-write min-slaves-to-write  int:0..int  0
mptcp  bool  no  immutable since valkey=9.0.0
no-appendfsync-on-rewrite  bool  no
notify-keyspace-events  events  -
oom-score-adj  enum:no|yes|relative|absolute  no
oom-score-adj-values  oom  0 200 800
pidfile  text  -  immutable
port  int:0..65535  6379
prefetch-batch-max-size  int:0..128  16  since valkey=8.0.0
proc-title-template  title  {title} {listen-addr} {server-mode}  since 6.2.0
propagation-error-behavior  enum:ignore|panic|panic-on-replicas  ignore  since 7.0.0
protected-mode  bool  yes
proto-max-bulk-len  memory:1048576..long  536870912
rdb-del-sync-files  bool  no
rdb-save-incremental-fsync  bool  yes
rdb-version-check  enum:strict|relaxed  strict  since valkey=8.0.0
rdb-key-save-delay  int:-2147483648..int  0  until 7.0.0
rdbchecksum  bool  yes  immutable
rdbcompression  bool  yes
rdma-bind  none  -  since valkey=8.0.0
rdma-completion-vector  int:-1..int  -1  immutable since valkey=8.0.0
rdma-port  int:0..65535  0  since valkey=8.0.0
rdma-rx-size  int:-1..int  1048576  immutable since valkey=8.0.0
repl-backlog-size  backlog:1..long  1048576
repl-backlog-size  backlog:1..long  10485760  since valkey=8.0.0
repl-backlog-ttl  int:0..long  3600
repl-disable-tcp-nodelay  bool  no
repl-diskless-load  enum:disabled|on-empty-db|swapdb  disabled
repl-diskless-load  enum:disabled|on-empty-db|swapdb|flushdb  disabled  since 8.6.0
repl-diskless-load  enum:disabled|on-empty-db|swapdb|flush-before-load  disabled  since valkey=8.0.0
repl-diskless-sync  bool  no
repl-diskless-sync  bool  yes  since 7.0.0
repl-diskless-sync-delay  int:0..int  5
repl-diskless-sync-max-replicas  int:0..int  0  since 7.0.0
repl-mptcp  bool  no  immutable since valkey=9.0.0
repl-ping-replica-period repl-ping-slave-period  int:1..int  10
repl-timeout  int:1..int  60
replica-announce-ip slave-announce-ip  text  -
replica-announce-port slave-announce-port  int:0..65535  0
replica-announced  bool  yes  since 6.2.0
replica-full-sync-buffer-limit  memory:0..long  0  since 8.0.0
replica-ignore-disk-write-errors  bool  no  since 7.0.0
replica-ignore-maxmemory slave-ignore-maxmemory  bool  yes
replica-lazy-flush slave-lazy-flush  bool  no
replica-lazy-flush slave-lazy-flush  bool  yes  since valkey=8.0.0
replica-priority slave-priority  int:0..int  100
replica-read-only slave-read-only  bool  yes
replica-serve-stale-data slave-serve-stale-data  bool  yes
replicaof slaveof  text  -  immutable since 7.0.0
slaveof  text  -  immutable until 7.0.0
requirepass  text  -
sanitize-dump-payload  enum:no|yes|clients  no  since 6.2.0 until valkey=9.0.0
save  save  3600 1 300 100 60 10000
server_cpulist  text  -  immutable
server_cpulist server-cpulist  text  -  immutable since 7.4.0 valkey=8.0.0
set-max-intset-entries  int:0..long  512
set-max-listpack-entries  int:0..long  128  since 7.2.0
set-max-listpack-value  int:0..long  64  since 7.2.0
set-proc-title  bool  yes  immutable since 6.2.0
shutdown-on-sigint  words:default|save|nosave|now|force  default  since 7.0.0
shutdown-on-sigint  words:default|save|nosave|now|force|safe|failover  default  since valkey=9.0.0
shutdown-on-sigterm  words:default|save|nosave|now|force  default  since 7.0.0
shutdown-on-sigterm  words:default|save|nosave|now|force|safe|failover  default  since valkey=9.0.0
shutdown-timeout  int:0..int  10  since 7.0.0
slot-migration-max-failover-repl-bytes  int:-1..long  0  since valkey=9.0.0
slowlog-log-slower-than  int:-1..long  10000
slowlog-log-slower-than commandlog-execution-slower-than  int:-1..long  10000  since valkey=8.0.0
slowlog-max-len  int:0..long  128
slowlog-max-len commandlog-slow-execution-max-len  int:0..long  128  since valkey=8.0.0
socket-mark-id  int:-1..int  0  immutable since 7.0.0
stop-writes-on-bgsave-error  bool  yes
stream-idmp-duration  int:1..86400  100  since 8.6.0
stream-idmp-maxsize  int:1..10000  100  since 8.6.0
stream-node-max-bytes  memory:0..long  4096
stream-node-max-entries  int:0..long  100
supervised  enum:no|upstart|systemd|auto  no  immutable
syslog-enabled  bool  no  immutable
syslog-facility  enum:user|local0|local1|local2|local3|local4|local5|local6|local7  local0  immutable
syslog-ident  text  redis  immutable
syslog-ident  text  valkey  immutable since valkey=8.0.0
tcp-backlog  int:-1..int  511  immutable
tcp-keepalive  int:0..int  300
timeout  int:0..int  0
tls-auth-clients  enum:no|yes|optional  yes
tls-auth-clients-user  enum:CN|off  off  since 8.6.0
tls-auth-clients-user  enum:CN|URI|off  off  since valkey=9.0.0
tls-auto-reload-interval  int:0..int  0  since valkey=9.0.0
tls-ca-cert-dir  text  -
tls-ca-cert-file  text  -
tls-cert-file  text  -
tls-ciphers  text  -
tls-ciphersuites  text  -
tls-client-cert-file  text  -  since 6.2.0
tls-client-key-file  text  -  since 6.2.0
tls-client-key-file-pass  text  -  since 6.2.0
tls-cluster  bool  no
tls-dh-params-file  text  -
tls-key-file  text  -
tls-key-file-pass  text  -  since 6.2.0
tls-port  int:0..65535  0
tls-prefer-server-ciphers  bool  no
tls-protocols  text  -
tls-replication  bool  no
tls-session-cache-size  int:0..int  20480
tls-session-cache-timeout  int:0..int  300
tls-session-caching  bool  yes
tracking-table-max-keys  int:0..long  1000000
unixsocket  text  -  immutable
unixsocketgroup  text  -  immutable since valkey=8.0.0
unixsocketperm  int:-1..int  0  immutable
use-exit-on-panic  bool  no  since 6.2.0 until 7.0.0
watchdog-period  int:0..int  0  until 7.0.0
vset-force-single-threaded-execution  bool  no  since 8.6.0
zset-max-listpack-entries zset-max-ziplist-entries  int:0..long  128  since 7.0.0
zset-max-ziplist-entries  int:0..long  128  until 7.0.0
zset-max-listpack-value zset-max-ziplist-value  memory:0..long  64  since 7.0.0
zset-max-ziplist-value  memory:0..long  64  until 7.0.0
"""
