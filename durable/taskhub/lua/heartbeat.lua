-- Renews a host's lease and tells which hosts live.
-- KEYS[1] the hub's hosts (ZSET host -> end of lease in ms)
-- ARGV[1] host, ARGV[2] lease in ms ("0": leave)
-- Returns {now in ms, "1" when the host's lease still lasted (else "0"), host, host, ...}, sorted by end of lease.
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local ends = redis.call('ZSCORE', KEYS[1], ARGV[1])
local lasted = '0'
if ends and tonumber(ends) > now then lasted = '1' end
if ARGV[2] == '0' then
  redis.call('ZREM', KEYS[1], ARGV[1])
else
  redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1])
end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
local hosts = redis.call('ZRANGE', KEYS[1], 0, -1)
table.insert(hosts, 1, lasted)
table.insert(hosts, 1, tostring(now))
return hosts
