-- Starts a run.
-- ARGV[2]  expected next
-- ARGV[3]  owner
-- ARGV[4]  duration of its lease in ms
-- ARGV[5]  next
-- ARGV[6]  "1": even if not due
if held or (r[2] or '') ~= ARGV[2] or (ARGV[6] ~= '1' and tonumber(r[2]) > now) then
  return reply(0)
end
redis.call('HSET', KEYS[1], 'owner', ARGV[3], 'lease', ms(now + tonumber(ARGV[4])), 'last', ms(now), 'next', ARGV[5], 'updated', ms(now))
return reply(1)
