-- Extends a host's claims, makes those that it does not have yet on outstanding activities that nobody claims, or gives them up.
-- KEYS[1] the partition's prefix; ARGV[1] host, ARGV[2] claim in ms (0 gives up), ARGV[3..] keys
-- Returns how many claims were this host's.
local K, host, ms = KEYS[1], ARGV[1], tonumber(ARGV[2])
local t = redis.call('TIME')
local ends = t[1] * 1000 + math.floor(t[2] / 1000) + ms
local n = 0
for j = 3, #ARGV do
  local claim = redis.call('HGET', K .. 'claim', ARGV[j])
  if not claim and ms > 0 and redis.call('HEXISTS', K .. 'act', ARGV[j]) == 1 then
    n = n + 1
    redis.call('HSET', K .. 'claim', ARGV[j], host .. '|' .. ends)
  elseif claim and string.sub(claim, 1, #host + 1) == host .. '|' then
    n = n + 1
    if ms == 0 then
      redis.call('HDEL', K .. 'claim', ARGV[j])
    else
      redis.call('HSET', K .. 'claim', ARGV[j], host .. '|' .. ends)
    end
  end
end
return n
