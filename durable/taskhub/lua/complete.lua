-- Sends the outcome of an activity to its instance, if nobody has before.
-- KEYS[1] the partition's prefix; ARGV[1] key, ARGV[2] message
-- Returns 1 when sent, 0 when the activity is not outstanding or its outcome is on its way already.
local K, key = KEYS[1], ARGV[1]
if redis.call('HEXISTS', K .. 'act', key) == 0 then return 0 end
if redis.call('HGET', K .. 'claim', key) == 'done' then return 0 end
redis.call('HSET', K .. 'claim', key, 'done')
redis.call('XADD', K .. 'in', '*', 'm', ARGV[2])
return 1
