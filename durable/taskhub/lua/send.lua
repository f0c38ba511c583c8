-- Sends a message to an existing instance, if its status allows it.
-- KEYS[1] the partition's prefix
-- ARGV id, what the status must be (live | failed | running | suspended), message, channel
-- Returns {0} when sent, {1} when there is no such instance, {2, status} when its status does not allow it.
local K = KEYS[1]
local id, must, message, channel = unpack(ARGV)
local I = K .. 'i:' .. id
local cur = redis.call('HMGET', I, 's', 'c')
local s = cur[1]
if not s then return {1} end
local finished = s == '1' or s == '3' or s == '4' or s == '5'
if must == 'failed' then
  if s ~= '3' then return {2, s} end
  local t = redis.call('TIME')
  redis.call('HSET', I, 's', 6, 'u', t[1] * 1000 + math.floor(t[2] / 1000))
  redis.call('HINCRBY', I, 'rev', 1)
  redis.call('ZREM', K .. 'x:s:3', id)
  redis.call('ZADD', K .. 'x:s:6', cur[2], id)
  redis.call('PUBLISH', channel, '6 ' .. id)
elseif finished then
  return {2, s}
elseif must == 'running' and s == '7' then
  return {2, s}
elseif must == 'suspended' and s ~= '7' then
  return {2, s}
end
redis.call('XADD', K .. 'in', '*', 'm', message)
return {0}
