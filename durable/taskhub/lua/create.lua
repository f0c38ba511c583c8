-- Creates an instance, Pending, and sends it its start.
-- KEYS[1] the partition's prefix
-- ARGV id, execution, name, version, input ("" for none), "1" to replace whatever is there, the start message
-- Returns {0} when done (also when this very execution was created before), {1, status} when a live instance has the id.
local K = KEYS[1]
local id, exec, name, version, input, any, message = unpack(ARGV)
local I = K .. 'i:' .. id
local cur = redis.call('HMGET', I, 'x', 's', 'rev', 'n', 'lk')
local rev = 0
if cur[1] then
  if cur[1] == exec then return {0} end
  local s = cur[2]
  if any ~= '1' and (s == '0' or s == '2' or s == '6' or s == '7') then return {1, s} end
  rev = tonumber(cur[3])
  redis.call('ZREM', K .. 'x:s:' .. s, id)
  redis.call('ZREM', K .. 'x:f:' .. string.lower(cur[4]), id)
  redis.call('DEL', I, K .. 'h:' .. id, K .. 'e:' .. id)
  redis.call('SREM', K .. 'ready', id)
  if cur[5] then
    -- Its locks are to be released, as after a purge.
    redis.call('XADD', K .. 'in', '*', 'm', '{"k":"purged","i":' .. cjson.encode(id) .. ',"x":' .. cjson.encode(cur[1]) .. ',"rev":"' .. cur[3] .. '","lk":' .. cur[5] .. '}')
  end
else
  -- Far from what any instance of this ID had before it was purged: an owner that has not heard of that must not match.
  rev = redis.call('HINCRBY', K .. 'owner', 'starts', 1) * 1048576 - 1
end
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
redis.call('HSET', I, 'n', name, 'x', exec, 's', 6, 'c', now, 'u', now, 'rev', string.format('%.0f', rev + 1))
if version ~= '' then redis.call('HSET', I, 'v', version) end
if input ~= '' then redis.call('HSET', I, 'i', input) end
redis.call('ZADD', K .. 'x:all', now, id)
redis.call('ZADD', K .. 'x:id', 0, id)
redis.call('ZADD', K .. 'x:s:6', now, id)
redis.call('ZADD', K .. 'x:f:' .. string.lower(name), now, id)
redis.call('XADD', K .. 'in', '*', 'm', message)
return {0}
