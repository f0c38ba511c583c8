-- Reads the work that a new owner of the partition finds.
-- KEYS[1] the partition's prefix; ARGV[1] host, ARGV[2] epoch
-- Returns {0, timers, activities, claims, outbox, ready} (flat arrays; timers with scores), or {-1} when fenced.
local K = KEYS[1]
local owner = redis.call('HMGET', K .. 'owner', 'host', 'epoch')
if owner[1] ~= ARGV[1] or owner[2] ~= ARGV[2] then return {-1} end
return {0, redis.call('ZRANGE', K .. 'timers', 0, -1, 'WITHSCORES'), redis.call('HGETALL', K .. 'act'), redis.call('HGETALL', K .. 'claim'),
  redis.call('XRANGE', K .. 'out', '-', '+'), redis.call('SMEMBERS', K .. 'ready')}
