// Package taskhub is the Redis task hub: all durable state of a set of orchestrations, under one name.
//
// # Model
//
// A hub has a fixed number of partitions. An instance belongs to partitionOf(id); all that is stored of it lies in that partition, under keys
// that share one hash tag. Each operation that changes something is one Lua script on one partition (lua/*.lua, whose heads document keys,
// arguments and replies), so it happens as a whole or not at all.
//
// # Ownership
//
// A host lives while its lease (ZSET hosts) lasts by Redis's clock. A partition belongs to the host that its owner key names; anybody may
// take it from a host whose lease has ended. Each change of owner raises the partition's fencing epoch, and commit.lua refuses whoever does not
// show the present one. So a host that was paused, or cut off, changes nothing after another has taken over, whatever its clock says.
//
// # Messages
//
// What clients and other partitions want of an instance goes into its partition's inbox, a stream that its owner reads. A message
// stays there until the commit that takes account of it removes it. Messages to other partitions are written into the outbox by the
// committing script and numbered per receiver; the receiver remembers the last number, which makes repeated delivery harmless.
//
// # Unknown outcomes
//
// A lost connection leaves the outcome of a commit unknown. The engine then forgets the partition and reads it anew: the instance's
// revision tells whether the commit took place.
package taskhub
