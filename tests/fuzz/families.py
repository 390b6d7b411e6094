"""What the fuzzer says: command templates by family, one a line.  `grammar.py` tells how they are written."""

from __future__ import annotations

FAMILIES: dict[str, str] = {
    "string": """
        SET <string> <value>
        SET <string> <value> [NX|XX|IFEQ <value>|IFNE <value>] [GET] [EX <seconds>|PX <milliseconds>|EXAT <at>|PXAT <at_ms>|KEEPTTL]
        GET <string>
        GETSET <string> <value>
        GETDEL <string>
        GETEX <string> [EX <seconds>|PX <milliseconds>|EXAT <at>|PXAT <at_ms>|PERSIST]
        SETNX <string> <value>
        SETEX <string> <seconds> <value>
        PSETEX <string> <milliseconds> <value>
        MGET <string>...
        MSET {<string> <value>}...
        MSETNX {<string> <value>}...
        APPEND <string> <word>
        STRLEN <string>
        GETRANGE <string> <index> <index>
        SUBSTR <string> <index> <index>
        SETRANGE <string> <offset> <word>
        INCR <string>
        DECR <string>
        INCRBY <string> <number>
        DECRBY <string> <number>
        SET <string> <number>
        INCRBYFLOAT <string> <float>
        LCS <string> <string> [LEN|IDX] [MINMATCHLEN <count>] [WITHMATCHLEN]
        DELEX <string> [IFEQ <value>|IFNE <value>]
        DELIFEQ <string> <value>
        STRALGO LCS (KEYS|STRINGS) <string> <string> [LEN|IDX] [MINMATCHLEN <count>] [WITHMATCHLEN]
        DIGEST <string>
        MSETEX 2 <string> <value> <string> <value> [NX|XX] [EX <seconds>|PX <milliseconds>|KEEPTTL]
    """,
    "acl": """
        ACL SETUSER <user> <rule>...
        ACL SETUSER <user> <rule> <rule> <rule>
        ACL SETUSER <user> reset
        ACL GETUSER <user>
        ACL LIST
        ACL USERS
        ACL DELUSER <user>
        ACL DRYRUN <user> GET <string>
        ACL DRYRUN <user> SET <string> <word> [GET]
        ACL DRYRUN <user> MSET {<string> <value>}...
        ACL DRYRUN <user> COPY <string> <list>
        ACL DRYRUN <user> SORT <list> [STORE <string>]
        ACL DRYRUN <user> (CONFIG|CLIENT|OBJECT) (GET|SET|LIST|ENCODING) <string>
        ACL DRYRUN <user> (PUBLISH|SPUBLISH) <word> <word>
        ACL DRYRUN <user> (SUBSCRIBE|PSUBSCRIBE|UNSUBSCRIBE) <word>...
        ACL DRYRUN <user> SELECT <count>
    """,
    "bitmap": """
        SETBIT <string> <offset> <bit>
        GETBIT <string> <offset>
        BITCOUNT <string>
        BITCOUNT <string> <index> <index> [BYTE|BIT]
        BITPOS <string> <bit>
        BITPOS <string> <bit> <index> [<index>]
        BITPOS <string> <bit> <index> <index> (BYTE|BIT)
        BITOP (AND|OR|XOR|DIFF|DIFF1|ANDOR|ONE) <string> <string>...
        BITOP NOT <string> <string>
        BITFIELD <string> {(GET <width> <at_bit>|SET <width> <at_bit> <number>|INCRBY <width> <at_bit> <number>|OVERFLOW (WRAP|SAT|FAIL))}...
        BITFIELD_RO <string> {GET <width> <at_bit>}...
        SET <string> <word>
    """,
    "list": """
        LPUSH <list> <word>...
        RPUSH <list> <word>...
        RPUSH <list> <word> <word> <word>
        RPUSH <list> <long> <word> <long>
        LPUSH <list> <word> <long>
        LINSERT <list> (BEFORE|AFTER) <word> <long>
        LSET <list> <index> <long>
        LPUSHX <list> <word>...
        RPUSHX <list> <word>...
        LPOP <list> [<count>]
        RPOP <list> [<count>]
        LLEN <list>
        LINDEX <list> <index>
        LSET <list> <index> <word>
        LRANGE <list> <index> <index>
        LTRIM <list> <index> <index>
        LREM <list> <signed> <word>
        LINSERT <list> (BEFORE|AFTER) <word> <word>
        LPOS <list> <word> [RANK <signed>] [COUNT <count>] [MAXLEN <count>]
        LMOVE <list> <list> (LEFT|RIGHT) (LEFT|RIGHT)
        RPOPLPUSH <list> <list>
        LMPOP <lists> (LEFT|RIGHT) [COUNT <count>]
    """,
    "hash": """
        HSET <hash> {<word> <value>}...
        HMSET <hash> {<word> <value>}...
        HSETNX <hash> <word> <value>
        HGET <hash> <word>
        HMGET <hash> <word>...
        HGETALL <hash>
        HKEYS <hash>
        HVALS <hash>
        HLEN <hash>
        HEXISTS <hash> <word>
        HSTRLEN <hash> <word>
        HDEL <hash> <word>...
        HINCRBY <hash> <word> <number>
        HINCRBYFLOAT <hash> <word> <float>
        HGETDEL <hash> FIELDS 2 <word> <word>
        HGETDEL <hash> FIELDS <count> <word>...
        HSCAN <hash> 0 [MATCH <pattern>] [COUNT 1000] [NOVALUES]
    """,
    "set": """
        SADD <set> <word>...
        SADD <set> <number>...
        SREM <set> <word>...
        SCARD <set>
        SISMEMBER <set> <word>
        SMISMEMBER <set> <word>...
        SMEMBERS <set>
        SMOVE <set> <set> <word>
        SINTER <set>...
        SUNION <set>...
        SDIFF <set>...
        SINTERSTORE <set> <set>...
        SUNIONSTORE <set> <set>...
        SDIFFSTORE <set> <set>...
        SINTERCARD <sets> [LIMIT <count>]
        SSCAN <set> 0 [MATCH <pattern>] [COUNT 1000]
    """,
    "sorted_set": """
        ZADD <zset> {<score> <word>}...
        ZADD <zset> [NX|XX] [GT|LT] [CH] {<score> <word>}...
        ZADD <zset> [NX|XX|GT|LT] INCR <score> <word>
        ZADD <same_score> {0 <word>}...
        ZREM <same_score> <word>...
        ZINCRBY <zset> <score> <word>
        ZREM <zset> <word>...
        ZCARD <zset>
        ZSCORE <zset> <word>
        ZMSCORE <zset> <word>...
        ZRANK <zset> <word> [WITHSCORE]
        ZREVRANK <zset> <word> [WITHSCORE]
        ZCOUNT <zset> <bound> <bound>
        ZLEXCOUNT <same_score> <lexical> <lexical>
        ZRANGE <zset> <index> <index> [REV] [WITHSCORES]
        ZRANGE <zset> <bound> <bound> BYSCORE [REV] [WITHSCORES] [LIMIT <index> <signed>]
        ZRANGE <same_score> <lexical> <lexical> BYLEX [REV] [LIMIT <index> <signed>]
        ZREVRANGE <zset> <index> <index> [WITHSCORES]
        ZRANGEBYSCORE <zset> <bound> <bound> [WITHSCORES] [LIMIT <index> <signed>]
        ZREVRANGEBYSCORE <zset> <bound> <bound> [WITHSCORES] [LIMIT <index> <signed>]
        ZRANGEBYLEX <same_score> <lexical> <lexical> [LIMIT <index> <signed>]
        ZREVRANGEBYLEX <same_score> <lexical> <lexical> [LIMIT <index> <signed>]
        ZRANGESTORE <zset> <zset> <index> <index> [REV]
        ZRANGESTORE <zset> <zset> <bound> <bound> BYSCORE [LIMIT <count> <signed>]
        ZREMRANGEBYRANK <zset> <index> <index>
        ZREMRANGEBYSCORE <zset> <bound> <bound>
        ZREMRANGEBYLEX <same_score> <lexical> <lexical>
        ZPOPMIN <zset> [<count>]
        ZPOPMAX <zset> [<count>]
        ZMPOP <zsets> (MIN|MAX) [COUNT <count>]
        ZUNION <zsets> [AGGREGATE (SUM|MIN|MAX)] [WITHSCORES]
        ZINTER <zsets> [AGGREGATE (SUM|MIN|MAX)] [WITHSCORES]
        ZUNION 2 <zset> <set> [WEIGHTS <weights>] [WITHSCORES]
        ZINTER 2 <set> <zset> [WEIGHTS <weights>] [WITHSCORES]
        ZDIFF <zsets> [WITHSCORES]
        ZUNIONSTORE <zset> <zsets> [AGGREGATE (SUM|MIN|MAX)]
        ZINTERSTORE <zset> <zsets> [AGGREGATE (SUM|MIN|MAX)]
        ZINTERSTORE <zset> 2 <zset> <zset> [WEIGHTS <weights>]
        ZDIFFSTORE <zset> <zsets>
        ZINTERCARD <zsets> [LIMIT <count>]
        ZSCAN <zset> 0 [MATCH <pattern>] [COUNT 1000]
    """,
    "generic": """
        DEL <key>...
        UNLINK <key>
        EXISTS <key>...
        TOUCH <key>...
        TYPE <key>
        KEYS <pattern>
        RENAME <key> <key>
        RENAMENX <key> <key>
        COPY <key> <key> [DB <database>] [REPLACE]
        DEBUG DIGEST-VALUE <key> <key>
        DEBUG RELOAD
        MOVE <key> 1
        EXPIRE <key> <ttl> [NX|XX]
        EXPIRE <key> <other_ttl> [GT|LT]
        PEXPIRE <key> <milliseconds> [NX|XX]
        PEXPIRE <key> <other_ttl> [GT|LT]
        EXPIREAT <key> <at> [NX|XX|GT|LT]
        PEXPIREAT <key> <at_ms> [NX|XX|GT|LT]
        TTL <key>
        PTTL <key>
        EXPIRETIME <key>
        PEXPIRETIME <key>
        PERSIST <key>
        OBJECT ENCODING <key>
        SCAN 0 COUNT 1000 [MATCH <pattern>] [TYPE (string|list|hash|set|zset|stream|x)]
        SORT <list> ALPHA BY (s*|h*->a|x*) [ASC|DESC] [LIMIT <index> <signed>]
        SORT <list> [ALPHA|BY (s*|h*->a|x*)] [ASC|DESC] [LIMIT <index> <signed>] [GET (s*|#|h*->b)] [STORE <list>]
        SORT <set> ALPHA [DESC] [STORE <list>]
        SORT <zset> [ALPHA] [DESC] [LIMIT <count> <count>]
        SORT <zset> BY nosort [DESC] [LIMIT <count> <count>] [STORE <list>]
        SORT_RO <list> [ALPHA] [DESC]
        SWAPDB 0 1
        CLUSTER KEYSLOT <key>
        MIGRATE 127.0.0.1 1 <key> 0 10 [COPY] [REPLACE] [KEYS <key>...]
    """,
    "stream": """
        XADD <stream> <new_id> <word> <value>
        XADD <stream> <new_id> {<word> <value>}...
        XADD <stream> [NOMKSTREAM] [KEEPREF|DELREF|ACKED] <new_id> {<word> <value>}...
        XADD <stream> MAXLEN [=|~] <count> <new_id> <word> <value>
        XADD <stream> [KEEPREF|DELREF|ACKED] MAXLEN ~ <count> [LIMIT <counter>] <new_id> <word> <value>
        XADD <stream> MINID [=|~] <id> [KEEPREF|DELREF|ACKED] <new_id> <word> <value>
        XLEN <stream>
        XRANGE <stream> <range_id> <range_id> [COUNT <signed>]
        XREVRANGE <stream> <range_id> <range_id> [COUNT <signed>]
        XTRIM <stream> MAXLEN [=|~] <counter> [KEEPREF|DELREF|ACKED]
        XTRIM <stream> MAXLEN ~ <count> [LIMIT <counter>] [KEEPREF|DELREF|ACKED]
        XTRIM <stream> MINID [=|~] <id> [KEEPREF|DELREF|ACKED]
        XDEL <stream> <id>...
        XDELEX <stream> [KEEPREF|DELREF|ACKED] IDS <ids>
        XSETID <stream> <id>
        XSETID <stream> <id> [ENTRIESADDED <counter>] [MAXDELETEDID <id>]
        XREAD [COUNT <count>] STREAMS <behind>
        XREAD [COUNT <count>] STREAMS <behind_or_last>
        XINFO STREAM <stream> [FULL] [COUNT <count>]
        XINFO STREAM <stream> FULL
        XCFGSET <stream> [IDMP-DURATION <seconds>] [IDMP-MAXSIZE <counter>]
        DEL <stream>
    """,
    "group": """
        XADD <stream> 9-* <word> <value>
        XADD <stream> 9-* <word> <value>
        XGROUP CREATE <stream> <group> (0|$|<id>) [MKSTREAM] [ENTRIESREAD <counter>]
        XGROUP CREATE <stream> <group> 0
        XGROUP SETID <stream> <group> (0|$|<id>) [ENTRIESREAD <counter>]
        XGROUP CREATECONSUMER <stream> <group> <consumer>
        XGROUP DELCONSUMER <stream> <group> <consumer>
        XGROUP DESTROY <stream> <group>
        XREADGROUP GROUP <group> <consumer> [COUNT <count>] [NOACK] STREAMS <unseen>
        XREADGROUP GROUP <group> <consumer> COUNT <count> STREAMS <unseen>
        XREADGROUP GROUP <group> <consumer> [COUNT <count>] [NOACK] CLAIM <idle> STREAMS <unseen>
        XACK <stream> <group> <id>...
        XACKDEL <stream> <group> [KEEPREF|DELREF|ACKED] IDS <ids>
        XDELEX <stream> ACKED IDS <ids>
        XDEL <stream> <id>
        XTRIM <stream> MAXLEN <counter> [KEEPREF|DELREF|ACKED]
        XCLAIM <stream> <group> <consumer> <idle> <id> <id> <id> [IDLE <idle_time>] [RETRYCOUNT <count>] [FORCE] [JUSTID] [LASTID <id>]
        XCLAIM <stream> <group> <consumer> <idle> <id> [TIME <at_ms>] [RETRYCOUNT <count>] [FORCE]
        XAUTOCLAIM <stream> <group> <consumer> <idle> (0|<id>) [COUNT <count>] [JUSTID]
        XPENDING <stream> <group>
        XPENDING <stream> <group> <range_id> <range_id> <count> [<consumer>]
        XPENDING <stream> <group> IDLE <idle> - + 10 [<consumer>]
        XINFO GROUPS <stream>
        XINFO CONSUMERS <stream> <group>
        XINFO STREAM <stream> FULL [COUNT <count>]
    """,
    "geo": """
        GEOADD <geo> [NX|XX] [CH] {<longitude> <latitude> <place>}...
        GEOADD <geo> {<longitude> <latitude> <place>}...
        GEOPOS <geo> <place>...
        GEOHASH <geo> <place>...
        GEODIST <geo> <place> <place> [<unit>]
        GEOSEARCH <geo> (FROMMEMBER <place>|FROMLONLAT <longitude> <latitude>) (BYRADIUS <radius> <unit>|BYBOX <radius> <radius> <unit>) [ASC|DESC] [COUNT <count>] [WITHCOORD] [WITHDIST] [WITHHASH]
        GEOSEARCH <geo> (FROMMEMBER <place>|FROMLONLAT <longitude> <latitude>) BYRADIUS <radius> <unit> COUNT <count> ANY [ASC|DESC] [WITHDIST]
        GEOSEARCH <geo> BYPOLYGON <corners> [ASC|DESC] [COUNT <count>] [WITHCOORD] [WITHDIST] [WITHHASH]
        GEOSEARCHSTORE <geo> <geo> (FROMMEMBER <place>|FROMLONLAT <longitude> <latitude>) (BYRADIUS <radius> <unit>|BYBOX <radius> <radius> <unit>) [ASC|DESC] [COUNT <count>] [STOREDIST]
        GEORADIUS <geo> <longitude> <latitude> <radius> <unit> [WITHCOORD] [WITHDIST] [WITHHASH] [COUNT <count>] [ASC|DESC]
        GEORADIUS <geo> <longitude> <latitude> <radius> <unit> [COUNT <count>] [ASC|DESC] [STORE <geo>|STOREDIST <geo>]
        GEORADIUS_RO <geo> <longitude> <latitude> <radius> <unit> [WITHCOORD] [WITHDIST] [COUNT <count>] [ASC|DESC]
        GEORADIUSBYMEMBER <geo> <place> <radius> <unit> [WITHDIST] [COUNT <count>] [ASC|DESC]
        GEORADIUSBYMEMBER <geo> <place> <radius> <unit> [ASC|DESC] [STORE <geo>|STOREDIST <geo>]
        GEORADIUSBYMEMBER_RO <geo> <place> <radius> <unit> [WITHHASH] [COUNT <count>] [ASC|DESC]
        ZREM <geo> <place>
        DEL <geo>
    """,
    "hyperloglog": """
        PFADD <hyperloglog> <value>...
        PFADD <hyperloglog> <many>
        PFADD <hyperloglog>
        PFCOUNT <hyperloglog>
        PFCOUNT <hyperloglog>...
        PFMERGE <hyperloglog> <hyperloglog>...
        PFMERGE <hyperloglog>
        PFDEBUG (ENCODING|DECODE|GETREG) <hyperloglog>
        PFDEBUG TODENSE <hyperloglog>
        GET <hyperloglog>
        STRLEN <hyperloglog>
        SETRANGE <hyperloglog> <offset> <word>
        APPEND <hyperloglog> <word>
        DEL <hyperloglog>
        DEL <hyperloglog>
    """,
    "hash_expiry": """
        HSET <hash> {<word> <value>}...
        HEXPIRE <hash> <ttl> [NX|XX] FIELDS <fields>
        HEXPIRE <hash> <other_ttl> [GT|LT] FIELDS <fields>
        HPEXPIRE <hash> <milliseconds> [NX|XX] FIELDS <fields>
        HPEXPIRE <hash> <other_ttl> [GT|LT] FIELDS <fields>
        HEXPIREAT <hash> <at> [NX|XX|GT|LT] FIELDS <fields>
        HPEXPIREAT <hash> <at_ms> [NX|XX|GT|LT] FIELDS <fields>
        HTTL <hash> FIELDS <fields>
        HPTTL <hash> FIELDS <fields>
        HEXPIRETIME <hash> FIELDS <fields>
        HPEXPIRETIME <hash> FIELDS <fields>
        HPERSIST <hash> FIELDS <fields>
        HGETEX <hash> [EX <seconds>|PX <milliseconds>|EXAT <at>|PXAT <at_ms>|PERSIST] FIELDS <fields>
        HSETEX <hash> [FNX|FXX] [EX <seconds>|PX <milliseconds>|EXAT <at>|PXAT <at_ms>|KEEPTTL] FIELDS 1 <word> <value>
        HSETEX <hash> [NX|XX] [FNX|FXX] [EX <seconds>|PXAT <at_ms>|KEEPTTL] FIELDS 2 <word> <value> <word> <value>
        HGETDEL <hash> FIELDS <fields>
        HINCRBY <hash> <word> <number>
        HDEL <hash> <word>
        OBJECT ENCODING <hash>
    """,
    "pubsub": """
        PUBLISH <channel> <word>
        PUBLISH <channel> <word>
        SPUBLISH <channel> <word>
        PUBSUB CHANNELS [<channels>]
        PUBSUB NUMSUB <channel>...
        PUBSUB NUMPAT
        PUBSUB SHARDCHANNELS [<channels>]
        PUBSUB SHARDNUMSUB <channel>...
    """,
}

LISTENING = """
    SUBSCRIBE <channel>...
    PSUBSCRIBE <channels>...
    SSUBSCRIBE <channel>...
    UNSUBSCRIBE <channel>...
    PUNSUBSCRIBE <channels>
    SUNSUBSCRIBE <channel>
    PING
    PING <word>
    GET <string>
"""
"""Said by the listener of the family `pubsub`, whose messages are compared."""

EVENTS = (b"KEA", b"KEAnm", b"KEAnmoc", b"Eg$lshzt", b"Kghtn")
"""What `notify-keyspace-events` is set to in rounds of the family `events`."""

RANDOM = """
    SMEMBERS <set>; SPOP <set> [<count>]; SCARD <set>; DEL <set>
    SMEMBERS <set>; SRANDMEMBER <set> [<signed>]
    HGETALL <hash>; HRANDFIELD <hash> [<signed> [WITHVALUES]]
    ZRANGE <zset> 0 -1 WITHSCORES; ZRANDMEMBER <zset> [<signed> [WITHSCORES]]
"""
"""First everything, then chance; what was popped by chance is deleted."""

IDEMPOTENT = """
    XADD <automatic> 5000000000000-0 a b; XADD <automatic> IDMP <producer> <word> * {<word> <value>}...
    XADD <automatic> 5000000000000-0 a b; XADD <automatic> IDMPAUTO <producer> * {<word> <value>}...
    XADD <automatic> 5000000000000-0 a b; XADD <automatic> [NOMKSTREAM] [IDMP <producer> <word>] MAXLEN [~] <counter> * <word> <value>
    XADD <automatic> 5000000000000-0 a b; XCFGSET <automatic> [IDMP-DURATION <seconds>] [IDMP-MAXSIZE <count>]; XINFO STREAM <automatic>
    XADD <automatic> 5000000000000-0 a b; XADD <automatic> * <word> <value>; XTRIM <automatic> MAXLEN <count>
    DEL <automatic>
"""

RESTORING = """
    RESTORE <{0}> 0 <dumped> REPLACE
    RESTORE <{0}> 0 <dumped>
    RESTORE <{0}> <milliseconds> <dumped> [REPLACE] [IDLETIME <counter>|FREQ <count>]
    RESTORE <{0}> <at_ms> <dumped> ABSTTL [REPLACE]
"""

DUMPING = """
    DEL <fresh>; SADD <fresh> <word>...; SADD <fresh> <value>...
    DEL <fresh>; SADD <fresh> <number>...; SADD <fresh> <number>...
    DEL <fresh>; HSET <fresh> {<word> <value>}...; HSET <fresh> <word> <long>
    DEL <fresh>; HSET <fresh> {<word> <value>}...; HSET <fresh> <word> <value>
    DEL <fresh>; HSET <fresh> {<word> <value>}...; HPEXPIREAT <fresh> <at_ms> FIELDS <fields>; HPEXPIREAT <fresh> <at_ms> FIELDS <fields>
    DEL <fresh>; ZADD <fresh> {<score> <value>}...; ZADD <fresh> {<score> <long>}
    DEL <fresh>; RPUSH <fresh> <value> <long> <value> <long> <value>...; LPOP <fresh>; LPUSH <fresh> <value>...
    DEL <fresh>; XADD <fresh> 1-* {<word> <value>}...; XADD <fresh> 9-* a b; XDEL <fresh> 1-0; XADD <fresh> MAXLEN ~ 3 9-* <word> <long>
    DEL <fresh>; XADD <fresh> 9-* a b c d; XADD <fresh> 9-* a b; XGROUP CREATE <fresh> <group> 0; XREADGROUP GROUP <group> ann COUNT 2 STREAMS <fresh> >
    DEL <fresh>; PFADD <fresh> <many>; PFCOUNT <fresh>
    DEL <fresh>; SET <fresh> <value>; APPEND <fresh> <long>; APPEND <fresh> <word>
"""
"""Values without a past; they are dumped as they are, byte by byte."""

BLOCKING = """
    BLPOP <list> <list> 0
    BRPOP <list> <list> 0
    BLMOVE <list> <list> (LEFT|RIGHT) (LEFT|RIGHT) 0
    BRPOPLPUSH <list> <list> 0
    BLMPOP 0 <lists> (LEFT|RIGHT) [COUNT <count>]
    BZPOPMIN <zset> <zset> 0
    BZPOPMAX <zset> <zset> 0
    BZMPOP 0 <zsets> (MIN|MAX) [COUNT <count>]
    XREAD [COUNT <count>] BLOCK 0 STREAMS <behind>
    XREADGROUP GROUP <group> <consumer> [COUNT <count>] BLOCK 0 [NOACK] STREAMS <unseen>
"""


SPECIAL_FAMILIES = ("random", "idempotent", "dump", "transactions", "blocking", "events")
NAMES = [*FAMILIES, *SPECIAL_FAMILIES]
