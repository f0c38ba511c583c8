-- Commits what an episode decided about one instance: all of it, or nothing.
-- KEYS[1] the partition's prefix
-- ARGV, read in this order; <list> is a count followed by so many values:
--   host, epoch             must be the partition's owner (fencing)
--   partition               its number
--   flags                   letters: A no instance is touched; R replace the instance; H reset the history; D the next episode is due;
--                           N publish the status
--   channel                 where N publishes
--   id, execution, revision what the instance must be at; revision 0: there must be none
--   <fields>                name, value, ... to set; an empty value of i, cs, o, p deletes the field
--   <append>                history events
--   <consumed>              ids of inbox messages
--   <pendingAdd>            seq, event, ...
--   <pendingRemove>         seq, ...
--   <timersAdd>             fire time in ms, member, ...
--   <timersRemove>          member, ...
--   <activitiesAdd>         key, value, "" or "s" (leave it for any host), ...
--   claimMs                 how long a claim lasts
--   <activitiesRemove>      key, ...
--   <send>                  partition, message, ...
--   <setAside>              message, reason, ...
-- Returns {0, outbox id, partition, seq, ...}, {-1} when fenced, {-2} when the instance is not at execution and revision.
local K = KEYS[1]
local pos = 0
local function nxt()
  pos = pos + 1
  return ARGV[pos]
end
local function list()
  local n = tonumber(nxt())
  local t = {}
  for j = 1, n do t[j] = ARGV[pos + j] end
  pos = pos + n
  return t
end
-- Calls cmd key v v v ..., in pieces that fit Lua's stack; step keeps pairs together.
local function many(cmd, key, values)
  for from = 1, #values, 1000 do
    redis.call(cmd, key, unpack(values, from, math.min(from + 999, #values)))
  end
end

local host, epoch, partition, flags, channel = nxt(), nxt(), nxt(), nxt(), nxt()
local owner = redis.call('HMGET', K .. 'owner', 'host', 'epoch')
if owner[1] ~= host or owner[2] ~= epoch then return {-1} end

local id, exec, rev = nxt(), nxt(), tonumber(nxt())
local touches = not string.find(flags, 'A', 1, true)
local I, H, E = K .. 'i:' .. id, K .. 'h:' .. id, K .. 'e:' .. id
local cur = {}
if touches then
  cur = redis.call('HMGET', I, 'x', 'rev', 's', 'c', 'n')
  local at = cur[2] and tonumber(cur[2]) or 0
  if at ~= rev or (rev > 0 and cur[1] ~= exec) then return {-2} end
end

local fields, append, consumed = list(), list(), list()
local pendingAdd, pendingRemove = list(), list()
local timersAdd, timersRemove = list(), list()
local activitiesAdd = list()
local claimMs = tonumber(nxt())
local activitiesRemove, send, setAside = list(), list(), list()

if touches then
  if string.find(flags, 'R', 1, true) then
    if cur[2] then
      redis.call('ZREM', K .. 'x:s:' .. cur[3], id)
      redis.call('ZREM', K .. 'x:f:' .. string.lower(cur[5]), id)
    end
    redis.call('DEL', I, H, E)
    cur = {}
  elseif string.find(flags, 'H', 1, true) then
    redis.call('DEL', H)
  end
  local set, status = {}, nil
  for j = 1, #fields, 2 do
    local f, v = fields[j], fields[j + 1]
    if v == '' and (f == 'i' or f == 'cs' or f == 'o' or f == 'p') then
      redis.call('HDEL', I, f)
    else
      set[#set + 1] = f
      set[#set + 1] = v
      if f == 's' then status = v end
    end
  end
  set[#set + 1] = 'rev'
  set[#set + 1] = rev + 1
  redis.call('HSET', I, unpack(set))
  if not cur[4] then
    local made = redis.call('HMGET', I, 'c', 'n')
    redis.call('ZADD', K .. 'x:all', made[1], id)
    redis.call('ZADD', K .. 'x:id', 0, id)
    redis.call('ZADD', K .. 'x:f:' .. string.lower(made[2]), made[1], id)
    redis.call('ZADD', K .. 'x:s:' .. status, made[1], id)
  elseif status and status ~= cur[3] then
    redis.call('ZREM', K .. 'x:s:' .. cur[3], id)
    redis.call('ZADD', K .. 'x:s:' .. status, cur[4], id)
  end
  many('RPUSH', H, append)
  many('HSET', E, pendingAdd)
  many('HDEL', E, pendingRemove)
  if string.find(flags, 'D', 1, true) then
    redis.call('SADD', K .. 'ready', id)
  else
    redis.call('SREM', K .. 'ready', id)
  end
  if string.find(flags, 'N', 1, true) then
    redis.call('PUBLISH', channel, (status or cur[3]) .. ' ' .. id)
  end
end

many('XDEL', K .. 'in', consumed)
many('ZADD', K .. 'timers', timersAdd)
many('ZREM', K .. 'timers', timersRemove)
if #activitiesAdd > 0 then
  local t = redis.call('TIME')
  local claim = host .. '|' .. (t[1] * 1000 + math.floor(t[2] / 1000) + claimMs)
  for j = 1, #activitiesAdd, 3 do
    local key = activitiesAdd[j]
    redis.call('HSET', K .. 'act', key, activitiesAdd[j + 1])
    if activitiesAdd[j + 2] == 's' then
      redis.call('RPUSH', K .. 'actq', key)
    else
      redis.call('HSET', K .. 'claim', key, claim)
    end
  end
end
if #activitiesRemove > 0 then
  many('HDEL', K .. 'act', activitiesRemove)
  many('HDEL', K .. 'claim', activitiesRemove)
end
for j = 1, #setAside, 2 do
  redis.call('XADD', K .. 'aside', '*', 'm', setAside[j], 'reason', setAside[j + 1])
end
local out = {0}
for j = 1, #send, 2 do
  if send[j] == partition then
    redis.call('XADD', K .. 'in', '*', 'm', send[j + 1])
  else
    local seq = redis.call('HINCRBY', K .. 'outseq', send[j], 1)
    out[#out + 1] = redis.call('XADD', K .. 'out', '*', 'to', send[j], 'seq', seq, 'm', send[j + 1])
    out[#out + 1] = send[j]
    out[#out + 1] = seq
  end
end
return out
