package taskhub

import (
	"hash/fnv"
	"strconv"
)

// The keys of a hub. All keys of a partition share the hash tag {hub:partition}, so that each script touches one slot of a Redis
// Cluster; scripts get the partition's prefix as KEYS[1] and add the names below. docs/redis-schema.md describes each.
const (
	keyOwner    = "owner"    // HASH host, epoch
	keyInbox    = "in"       // STREAM m = message
	keyOutbox   = "out"      // STREAM to, seq, m
	keyTimers   = "timers"   // ZSET execution|timer id|instance id -> fire time in ms
	keyActs     = "act"      // HASH key -> outstanding activity
	keyActQueue = "actq"     // LIST keys of activities left for any host
	keyReady    = "ready"    // SET instance ids
	keyOutSeq   = "outseq"   // HASH partition -> last number sent to it
	keyReceived = "received" // HASH partition -> last number received from it
	keyAside    = "aside"    // STREAM m = message, reason
	keyClaims   = "claim"    // HASH activity key -> host|end in ms, or "done"
)

// hubKey is a key of the hub as a whole.
func hubKey(hub, name string) string { return "{" + hub + "}:" + name }

// partitionPrefix is the start of all keys of a partition.
func partitionPrefix(hub string, p int) string { return "{" + hub + ":" + strconv.Itoa(p) + "}:" }

// partitionOf spreads instances over partitions. It must never change: hubs live longer than hosts.
func partitionOf(instanceID string, partitions int) int {
	h := fnv.New32a()
	_, _ = h.Write([]byte(instanceID)) // never fails
	sum := h.Sum32()
	// FNV-1a mixes its last byte poorly into the low bits; spread it before the modulus.
	sum ^= sum >> 16
	sum *= 0x7feb352d
	sum ^= sum >> 15
	return int(sum % uint32(partitions))
}
