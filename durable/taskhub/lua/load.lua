-- Reads one instance.
-- KEYS[1] the partition's prefix; ARGV[1] id; ARGV[2] letters: h with history, e with pending events
-- Returns {fields, history, pending events}, each a flat array. A last field '~', which is stored nowhere, holds the latest history event.
local K, id, what = KEYS[1], ARGV[1], ARGV[2]
local history, pending = {}, {}
if string.find(what, 'h', 1, true) then history = redis.call('LRANGE', K .. 'h:' .. id, 0, -1) end
if string.find(what, 'e', 1, true) then pending = redis.call('HGETALL', K .. 'e:' .. id) end
local fields = redis.call('HGETALL', K .. 'i:' .. id)
local latest = history[#history] or redis.call('LINDEX', K .. 'h:' .. id, -1)
if latest and #fields > 0 then
  fields[#fields + 1] = '~'
  fields[#fields + 1] = latest
end
return {fields, history, pending}
