package redisbinding

import (
	"maps"
	"slices"
)

// readCommands change nothing and have a single value as their reply: what an input binding may run.
var readCommands = map[string]bool{
	"BITCOUNT": true, "BITPOS": true, "DBSIZE": true, "DUMP": true, "ECHO": true, "EXISTS": true, "EXPIRETIME": true, "GEODIST": true,
	"GET": true, "GETBIT": true, "GETRANGE": true, "HEXISTS": true, "HGET": true, "HLEN": true, "HSTRLEN": true, "LASTSAVE": true,
	"LCS": true, "LINDEX": true, "LLEN": true, "LPOS": true, "PEXPIRETIME": true, "PFCOUNT": true, "PING": true, "PTTL": true,
	"RANDOMKEY": true, "SCARD": true, "SINTERCARD": true, "SISMEMBER": true, "STRLEN": true, "SUBSTR": true, "TTL": true, "TYPE": true,
	"XLEN": true, "ZCARD": true, "ZCOUNT": true, "ZINTERCARD": true, "ZLEXCOUNT": true, "ZRANK": true, "ZREVRANK": true, "ZSCORE": true,
}

func readCommandNames() []string { return slices.Sorted(maps.Keys(readCommands)) }

// refusedCommands change the state of a connection, which is one of a pool that others use as well, or turn it into a stream of pushes.
var refusedCommands = map[string]bool{
	"ASKING": true, "AUTH": true, "CLIENT": true, "DISCARD": true, "EXEC": true, "HELLO": true, "MONITOR": true, "MULTI": true,
	"PSUBSCRIBE": true, "PSYNC": true, "PUNSUBSCRIBE": true, "QUIT": true, "READONLY": true, "READWRITE": true, "RESET": true,
	"SELECT": true, "SSUBSCRIBE": true, "SUBSCRIBE": true, "SUNSUBSCRIBE": true, "SYNC": true, "UNSUBSCRIBE": true, "UNWATCH": true,
	"WATCH": true,
}
