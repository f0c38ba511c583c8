-- Reads one stretch of the index of entities, with the fields of those in it.
-- KEYS[1] the partition's prefix; ARGV[1] from, ARGV[2] to (lexicographic bounds), ARGV[3] at most so many
-- Returns {id, fields, id, fields, ...} and last "1" when there may be more, else "0".
local K = KEYS[1]
local ids = redis.call('ZRANGEBYLEX', K .. 'x:n', ARGV[1], ARGV[2], 'LIMIT', 0, ARGV[3])
local out = {}
for _, id in ipairs(ids) do
  out[#out + 1] = id
  out[#out + 1] = redis.call('HGETALL', K .. 'i:' .. id)
end
return {out, #ids == tonumber(ARGV[3]) and '1' or '0'}
