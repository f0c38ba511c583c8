-- Extends a lease.
-- ARGV[2]  owner
-- ARGV[3]  duration in ms
if (r[5] or '') ~= ARGV[2] then
  return reply(0)
end
redis.call('HSET', KEYS[1], 'lease', ms(now + tonumber(ARGV[3])))
return reply(1)
