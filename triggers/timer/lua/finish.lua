-- Ends a run and gives its lease back.
-- ARGV[2]  owner
-- ARGV[3]  next
if (r[5] or '') ~= ARGV[2] then
  return reply(0)
end
redis.call('HSET', KEYS[1], 'owner', '', 'lease', '0', 'next', ARGV[3], 'updated', ms(now))
return reply(1)
