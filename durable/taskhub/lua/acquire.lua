-- Takes a partition from the owner that the caller saw, or gives it back.
-- KEYS[1] the partition's prefix
-- ARGV[1] owner seen ("" for none), ARGV[2] epoch seen, ARGV[3] new owner ("" gives it back)
-- Returns the epoch that now holds, or -1 when the owner is not the one seen. The epoch grows each time, also when the partition is given
-- back, so that whoever had it before is refused by the epoch alone.
local key = KEYS[1] .. 'owner'
local cur = redis.call('HMGET', key, 'host', 'epoch')
local host, epoch = cur[1] or '', tonumber(cur[2] or '0')
if host ~= ARGV[1] or epoch ~= tonumber(ARGV[2]) then return -1 end
epoch = epoch + 1
redis.call('HSET', key, 'host', ARGV[3], 'epoch', epoch)
return epoch
