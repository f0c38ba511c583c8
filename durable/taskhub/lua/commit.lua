-- Commits what episodes decided about instances, each change as a whole or not at all.
-- KEYS[1] the partition's prefix
-- ARGV[1] epoch: must be the partition's (fencing)
-- ARGV[2..] changes, one after the other; each is: how many values it has after this one (with spaces before it), instance id, execution (of a start), what the
-- instance must be at:
--   its revision, which grows by one; "0": there must be none; "": the instance is not looked at; "c" and "C": a start; the execution must not be there, nor,
--   with "c", any instance that has not finished
-- and operations: a letter, how many values follow, the values
--   f field, value, ...          sets fields of the instance, the status among them, and the revision of a new one
--   F field, ...                 deletes fields
--   s old, new, creation time    moves the instance from one status's index to another's
--   h event, ...                 appends to the history; H drops the history before
--   R                            drops the instance that is there, but for its revision
--   N and D, each with one empty value: adds a new entity to the index of entities; drops an entity
--   i creation time, function, status   adds a new instance to the indexes; comes after f
--   c message id, ...            removes messages from the inbox
--   e seq, event, ...            adds pending events;  E seq, ... removes some
--   t time in ms, member, ...    adds timers;  T member, ... removes some
--   a key, value, ...            adds outstanding activities;  q key, ... leaves them for any host;  A key, ... removes some
--   k key, ...                   removes claims on activities
--   m partition, message, ...    sends messages; "" is the own partition
--   y 1 or 0                     the instance's next episode is due though no message says so, or is not
--   n channel, status            publishes the status
--   x message, reason, ...       sets messages aside
-- Returns -1 when fenced, else for each change 0, or {0, revision, outbox id, partition, seq, ...} after a start (the new revision; else "") and when messages went to the
-- outbox; -2 when the instance is not at execution and revision; {-3, status} when a start is refused because an instance
-- has the id; -4 when this very start has been there.
--
-- This is the script that runs most: it makes no closures and as few calls as it can.
local K, A, call, unpack = KEYS[1], ARGV, redis.call, unpack
if call('HGET', K .. 'owner', 'epoch') ~= A[1] then return -1 end

-- Performs the change whose values are those from p to last.
local function change(p, last)
  local id, must = A[p], A[p + 2]
  local I = K .. 'i:' .. id
  local revision, out
  if must == 'c' or must == 'C' then
    local cur = call('HMGET', I, 'x', 's', 'rev', 'n', 'lk')
    if cur[1] then
      if cur[1] == A[p + 1] then return -4 end
      local s = cur[2]
      if must == 'c' and (s == '0' or s == '2' or s == '6' or s == '7') then return {-3, s} end
      call('ZREM', K .. 'x:s:' .. s, id)
      call('ZREM', K .. 'x:f:' .. string.lower(cur[4]), id)
      call('SREM', K .. 'ready', id)
      call('DEL', I, K .. 'h:' .. id, K .. 'e:' .. id)
      if cur[5] then
        -- Its locks are to be released, as after a purge.
        call('XADD', K .. 'in', '*', 'm', '{"k":"purged","i":' .. cjson.encode(id) .. ',"x":' .. cjson.encode(cur[1]) .. ',"rev":"' .. cur[3] .. '","lk":' .. cur[5] .. '}')
      end
      revision = tonumber(cur[3]) + 1
    else
      revision = call('HINCRBY', K .. 'owner', 'starts', 1) * 1048576
    end
    revision = string.format('%.0f', revision)
  elseif must == '0' then
    if call('EXISTS', I) == 1 then return -2 end
  elseif must ~= '' then
    -- No two executions that clients have started under one ID share a revision (create.lua), so that it alone tells what is there.
    local now = call('HINCRBY', I, 'rev', 1)
    if now ~= must + 1 then
      if now == 1 then call('DEL', I) else call('HINCRBY', I, 'rev', -1) end
      return -2
    end
  end

  p = p + 3
  while p <= last do
    local op, from = A[p], p + 2
    local to = p + 1 + A[p + 1]
    p = to + 1
    if op == 'f' then
      call('HSET', I, unpack(A, from, to))
    elseif op == 'h' and to - from < 1000 then
      call('RPUSH', K .. 'h:' .. id, unpack(A, from, to))
    elseif op == 'a' and to - from < 1000 then
      call('HSET', K .. 'act', unpack(A, from, to))
    elseif op == 'A' and to - from < 1000 then
      call('HDEL', K .. 'act', unpack(A, from, to))
    elseif op == 's' then
      call('ZREM', K .. 'x:s:' .. A[from], id)
      call('ZADD', K .. 'x:s:' .. A[from + 1], A[from + 2], id)
    elseif op == 'n' then
      call('PUBLISH', A[from], A[from + 1] .. ' ' .. id)
    elseif op == 'i' then
      local created = A[from]
      call('ZADD', K .. 'x:all', created, id)
      call('ZADD', K .. 'x:id', 0, id)
      call('ZADD', K .. 'x:f:' .. string.lower(A[from + 1]), created, id)
      call('ZADD', K .. 'x:s:' .. A[from + 2], created, id)
      if revision then call('HSET', I, 'rev', revision) end
    elseif op == 'm' then
      for j = from, to, 2 do
        if A[j] == '' then
          call('XADD', K .. 'in', '*', 'm', A[j + 1])
        else
          local seq = call('HINCRBY', K .. 'outseq', A[j], 1)
          out = out or {0, ''}
          out[#out + 1] = call('XADD', K .. 'out', '*', 'to', A[j], 'seq', seq, 'm', A[j + 1])
          out[#out + 1] = A[j]
          out[#out + 1] = seq
        end
      end
    elseif op == 'N' then
      call('ZADD', K .. 'x:n', 0, id)
    elseif op == 'D' then
      call('DEL', I, K .. 'e:' .. id)
      call('ZREM', K .. 'x:n', id)
    elseif op == 'y' then
      call(A[from] == '1' and 'SADD' or 'SREM', K .. 'ready', id)
    elseif op == 'F' then
      call('HDEL', I, unpack(A, from, to))
    elseif op == 'H' then
      call('DEL', K .. 'h:' .. id)
      for j = from, to, 1000 do call('RPUSH', K .. 'h:' .. id, unpack(A, j, math.min(j + 999, to))) end
    elseif op == 'R' then
      local cur = call('HMGET', I, 's', 'n')
      if cur[1] then
        call('ZREM', K .. 'x:s:' .. cur[1], id)
        call('ZREM', K .. 'x:f:' .. string.lower(cur[2]), id)
        call('DEL', I, K .. 'h:' .. id, K .. 'e:' .. id)
        call('HSET', I, 'rev', string.format('%.0f', must + 1))
      end
    elseif op == 'x' then
      for j = from, to, 2 do call('XADD', K .. 'aside', '*', 'm', A[j], 'reason', A[j + 1]) end
    else
      -- One command over all values, in pieces that fit Lua's stack and keep pairs together.
      local cmd, key
      if op == 'h' then cmd, key = 'RPUSH', K .. 'h:' .. id
      elseif op == 'a' then cmd, key = 'HSET', K .. 'act'
      elseif op == 'A' then cmd, key = 'HDEL', K .. 'act'
      elseif op == 'c' then cmd, key = 'XDEL', K .. 'in'
      elseif op == 'e' then cmd, key = 'HSET', K .. 'e:' .. id
      elseif op == 'E' then cmd, key = 'HDEL', K .. 'e:' .. id
      elseif op == 't' then cmd, key = 'ZADD', K .. 'timers'
      elseif op == 'T' then cmd, key = 'ZREM', K .. 'timers'
      elseif op == 'k' then cmd, key = 'HDEL', K .. 'claim'
      elseif op == 'q' then cmd, key = 'RPUSH', K .. 'actq'
      end
      for j = from, to, 1000 do call(cmd, key, unpack(A, j, math.min(j + 999, to))) end
    end
  end
  if revision then
    out = out or {0, ''}
    out[2] = revision
  end
  return out or 0
end

local replies, p = {}, 2
while p <= #A do
  local n = A[p]
  replies[#replies + 1] = change(p + 1, p + n)
  p = p + n + 1
end
return replies
