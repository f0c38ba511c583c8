-- Deletes instances, and tells the owner to forget those that had not finished.
-- KEYS[1] the partition's prefix
-- ARGV[1] statuses that may be deleted, each between commas (",1,3,"), "" for any; ARGV[2] channel; ARGV[3..] ids
-- Returns how many were deleted.
local K, allowed = KEYS[1], ARGV[1]
local n = 0
for j = 3, #ARGV do
  local id = ARGV[j]
  local I = K .. 'i:' .. id
  local cur = redis.call('HMGET', I, 's', 'n', 'x', 'rev', 'lk')
  local s = cur[1]
  if s and (allowed == '' or string.find(allowed, ',' .. s .. ',', 1, true)) then
    redis.call('DEL', I, K .. 'h:' .. id, K .. 'e:' .. id)
    redis.call('ZREM', K .. 'x:all', id)
    redis.call('ZREM', K .. 'x:id', id)
    redis.call('ZREM', K .. 'x:s:' .. cur[1], id)
    redis.call('ZREM', K .. 'x:f:' .. string.lower(cur[2]), id)
    redis.call('SREM', K .. 'ready', id)
    redis.call('PUBLISH', ARGV[2], '- ' .. id)
    if s == '0' or s == '2' or s == '6' or s == '7' then
      local locks = cur[5] and ',"lk":' .. cur[5] or ''
      redis.call('XADD', K .. 'in', '*', 'm', '{"k":"purged","i":' .. cjson.encode(id) .. ',"x":' .. cjson.encode(cur[3]) .. ',"rev":"' .. cur[4] .. '"' .. locks .. '}')
    end
    n = n + 1
  end
end
return n
