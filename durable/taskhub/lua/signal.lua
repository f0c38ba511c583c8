-- Sends a message to an entity, whether it exists or not.
-- KEYS[1] the partition's prefix; ARGV[1] the message
-- Returns 0.
redis.call('XADD', KEYS[1] .. 'in', '*', 'm', ARGV[1])
return 0
