-- Puts messages of another partition into this one's inbox, each once and in order.
-- KEYS[1] the receiving partition's prefix; ARGV[1] the sending partition; ARGV[2..] seq, message, ...
-- Returns the last number that has been received from the sender.
local K, from = KEYS[1], ARGV[1]
local last = tonumber(redis.call('HGET', K .. 'received', from) or '0')
for j = 2, #ARGV, 2 do
  local seq = tonumber(ARGV[j])
  if seq > last then
    redis.call('XADD', K .. 'in', '*', 'm', ARGV[j + 1])
    last = seq
  end
end
redis.call('HSET', K .. 'received', from, last)
return last
