-- Commits what an episode decided about one instance: all of it, or nothing.
-- KEYS[1] the partition's prefix
-- ARGV[1] epoch: must be the partition's (fencing)
-- ARGV[2] instance id, ARGV[3] execution, ARGV[4] what the instance must be at:
--   its revision; "0": there must be none; "": the instance is not looked at; "c" and "C": a start; the execution must not be there, nor,
--   with "c", any instance that has not finished
-- ARGV[5..] operations: a letter, how many values follow, the values
--   f field, value, ...          sets fields of the instance, the next revision among them
--   F field, ...                 deletes fields
--   s status                     sets the status; the indexes follow
--   h event, ...                 appends to the history; H drops the history before
--   R                            drops the instance that is there
--   i creation time, function    a new instance: adds it to the indexes, with the status of s, which follows
--   c message id, ...            removes messages from the inbox
--   e seq, event, ...            adds pending events;  E seq, ... removes some
--   t time in ms, member, ...    adds timers;  T member, ... removes some
--   a key, value, ...            adds outstanding activities;  q key, ... leaves them for any host;  A key, ... removes some
--   k key, ...                   removes claims on activities
--   m partition, message, ...    sends messages; "" is the own partition
--   y 1 or 0                     the instance's next episode is due though no message says so, or is not
--   n channel, status            publishes the status
--   x message, reason, ...       sets messages aside
-- Returns 0, or {0, revision, outbox id, partition, seq, ...} after a start (the new revision; else "") and when messages went to the
-- outbox; -1 when fenced; -2 when the instance is not at execution and revision; {-3, status} when a start is refused because an instance
-- has the id; -4 when this very start has been there.
local K, A, call = KEYS[1], ARGV, redis.call
if call('HGET', K .. 'owner', 'epoch') ~= A[1] then return -1 end
local id, must = A[2], A[4]
local I = K .. 'i:' .. id
local replaced = false
if must == 'c' or must == 'C' then
  local cur = call('HMGET', I, 'x', 's', 'rev', 'n')
  if cur[1] then
    if cur[1] == A[3] then return -4 end
    local s = cur[2]
    if must == 'c' and (s == '0' or s == '2' or s == '6' or s == '7') then return {-3, s} end
    replaced = cur
  end
elseif must ~= '' then
  local cur = call('HMGET', I, 'rev', 'x')
  if must == '0' then
    if cur[1] then return -2 end
  elseif cur[1] ~= must or cur[2] ~= A[3] then
    return -2
  end
end

-- Calls cmd key with the values from..to, in pieces that fit Lua's stack and keep pairs together.
local function many(cmd, key, from, to)
  while to - from >= 1000 do
    call(cmd, key, unpack(A, from, from + 999))
    from = from + 1000
  end
  if from <= to then call(cmd, key, unpack(A, from, to)) end
end
local function drop(s, n)
  call('ZREM', K .. 'x:s:' .. s, id)
  call('ZREM', K .. 'x:f:' .. string.lower(n), id)
  call('DEL', I, K .. 'h:' .. id, K .. 'e:' .. id)
end

local revision, out = 0, nil
if replaced then
  drop(replaced[2], replaced[4])
  call('SREM', K .. 'ready', id)
  revision = tonumber(replaced[3])
end
local created
local p, last = 5, #A
while p <= last do
  local op, n = A[p], tonumber(A[p + 1])
  local from, to = p + 2, p + 1 + n
  p = to + 1
  if op == 'f' then
    call('HSET', I, unpack(A, from, to))
  elseif op == 'h' then
    many('RPUSH', K .. 'h:' .. id, from, to)
  elseif op == 'a' then
    many('HSET', K .. 'act', from, to)
  elseif op == 'A' then
    many('HDEL', K .. 'act', from, to)
  elseif op == 's' then
    local s = A[from]
    if created then
      call('ZADD', K .. 'x:s:' .. s, created, id)
    else
      local cur = call('HMGET', I, 's', 'c')
      if cur[1] ~= s then
        call('ZREM', K .. 'x:s:' .. cur[1], id)
        call('ZADD', K .. 'x:s:' .. s, cur[2], id)
      end
    end
    call('HSET', I, 's', s)
  elseif op == 'n' then
    call('PUBLISH', A[from], A[from + 1] .. ' ' .. id)
  elseif op == 'i' then
    created = A[from]
    call('ZADD', K .. 'x:all', created, id)
    call('ZADD', K .. 'x:id', 0, id)
    call('ZADD', K .. 'x:f:' .. string.lower(A[from + 1]), created, id)
    if revision > 0 then call('HSET', I, 'rev', revision + 1) end
  elseif op == 'c' then
    many('XDEL', K .. 'in', from, to)
  elseif op == 'e' then
    many('HSET', K .. 'e:' .. id, from, to)
  elseif op == 'E' then
    many('HDEL', K .. 'e:' .. id, from, to)
  elseif op == 't' then
    many('ZADD', K .. 'timers', from, to)
  elseif op == 'T' then
    many('ZREM', K .. 'timers', from, to)
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
  elseif op == 'y' then
    call(A[from] == '1' and 'SADD' or 'SREM', K .. 'ready', id)
  elseif op == 'F' then
    call('HDEL', I, unpack(A, from, to))
  elseif op == 'H' then
    call('DEL', K .. 'h:' .. id)
    many('RPUSH', K .. 'h:' .. id, from, to)
  elseif op == 'R' then
    local cur = call('HMGET', I, 's', 'n')
    if cur[1] then drop(cur[1], cur[2]) end
  elseif op == 'k' then
    many('HDEL', K .. 'claim', from, to)
  elseif op == 'q' then
    many('RPUSH', K .. 'actq', from, to)
  elseif op == 'x' then
    for j = from, to, 2 do call('XADD', K .. 'aside', '*', 'm', A[j], 'reason', A[j + 1]) end
  end
end
if must == 'c' or must == 'C' then
  out = out or {0, ''}
  out[2] = tostring(revision + 1)
end
return out or 0
