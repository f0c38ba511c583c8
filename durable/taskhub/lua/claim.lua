-- Claims an outstanding activity.
-- KEYS[1] the partition's prefix; ARGV[1] key, ARGV[2] host, ARGV[3] claim in ms, ARGV[4] a host that is dead ("" for none)
-- Returns {1, activity} when claimed, {0, end of the claim} when another host's claim is valid, {-1} when it is not outstanding
-- or its outcome is on its way.
local K, key, host = KEYS[1], ARGV[1], ARGV[2]
local act = redis.call('HGET', K .. 'act', key)
if not act then return {-1} end
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local claim = redis.call('HGET', K .. 'claim', key)
if claim == 'done' then return {-1} end
if claim then
  local by, ends = string.match(claim, '^(.*)|(%d+)$')
  if by ~= host and by ~= ARGV[4] and tonumber(ends) > now then return {0, ends} end
end
redis.call('HSET', K .. 'claim', key, host .. '|' .. (now + ARGV[3]))
return {1, act}
