-- Reads one stretch of an index, with the fields of the instances in it, and as field '~' the latest history event.
-- KEYS[1] the partition's prefix
-- ARGV[1] index (all, id, s:<status>, f:<name>), ARGV[2] from, ARGV[3] to (scores; for id: lexicographic bounds)
-- ARGV[4] skip members up to this one within the first score ("" for none), ARGV[5] at most so many
-- Returns {member, fields, member, fields, ...} and last "1" when there may be more, else "0". A member whose instance is gone is left out.
local K = KEYS[1]
local index, from, to, after, limit = ARGV[1], ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5])
local key = K .. 'x:' .. index
local offset, out, got = 0, {}, 0
-- Whether a is b or before it, byte by byte as in a ZSET. Lua's <= follows the locale that the server was started in.
local function upTo(a, b)
  for j = 1, math.min(#a, #b) do
    local x, y = string.byte(a, j), string.byte(b, j)
    if x ~= y then return x < y end
  end
  return #a <= #b
end
while got < limit do
  local ids
  if index == 'id' then
    ids = redis.call('ZRANGEBYLEX', key, from, to, 'LIMIT', offset, limit)
  else
    ids = redis.call('ZRANGEBYSCORE', key, from, to, 'LIMIT', offset, limit)
  end
  if #ids == 0 then return {out, '0'} end
  offset = offset + #ids
  for _, id in ipairs(ids) do
    local fields = redis.call('HGETALL', K .. 'i:' .. id)
    local skip = #fields == 0
    if not skip and after ~= '' and index ~= 'id' and upTo(id, after) then
      for j = 1, #fields, 2 do
        if fields[j] == 'c' then skip = fields[j + 1] == from end
      end
    end
    if not skip then
      if got == limit then return {out, '1'} end
      local latest = redis.call('LINDEX', K .. 'h:' .. id, -1)
      if latest then
        fields[#fields + 1] = '~'
        fields[#fields + 1] = latest
      end
      out[#out + 1] = id
      out[#out + 1] = fields
      got = got + 1
    end
  end
end
return {out, '1'}
