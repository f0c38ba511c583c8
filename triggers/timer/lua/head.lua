-- Common to all scripts of a timer.
-- KEYS[1]  HASH, the record of one timer: last, next, updated, lease (ms), schedule, owner
-- ARGV[1]  the time in ms in place of the server's, "" for the server's
-- Returns  {1 if done else 0, now, last, next, updated, schedule, owner, lease}: the record as it was before
local now = tonumber(ARGV[1])
if not now then
  local t = redis.call('TIME')
  now = tonumber(t[1]) * 1000 + math.floor(tonumber(t[2]) / 1000)
end
local r = redis.call('HMGET', KEYS[1], 'last', 'next', 'updated', 'schedule', 'owner', 'lease')
local function ms(x) return string.format('%.0f', x) end
local function reply(done)
  return {done, ms(now), r[1] or '', r[2] or '', r[3] or '', r[4] or '', r[5] or '', r[6] or ''}
end
local held = (r[5] or '') ~= '' and tonumber(r[6] or '0') > now
