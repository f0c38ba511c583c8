-- Sets the schedule and its next occurrence.
-- ARGV[2]  expected next, "" for none
-- ARGV[3]  schedule
-- ARGV[4]  next
if held or (r[2] or '') ~= ARGV[2] then
  return reply(0)
end
redis.call('HSET', KEYS[1], 'schedule', ARGV[3], 'next', ARGV[4], 'updated', ms(now))
return reply(1)
