--[[
Puts one user at one version in place, with the index entries; nothing older ever overwrites anything newer.

KEYS[1]  the user's entry (hash: v version, b body, p body without what is personal, t terms)
KEYS[2]  inc    KEYS[3]  names    KEYS[4]  ids    KEYS[5]  dirty    KEYS[6]  the entry's lease    KEYS[7]  ghosts
KEYS[8…] rosters to leave, then rosters to join
ARGV[1]  the incarnation that was read before the truth was read
ARGV[2]  user id          ARGV[3]  version
ARGV[4]  body; '' buries the user: a tombstone keeps the version, and every index entry goes
ARGV[5]  body without what is personal; '' where the other one is
ARGV[6]  new terms        ARGV[7]  the terms that the rosters to leave and the old name were taken from
ARGV[8]  old member of names, or ''    ARGV[9]  new member of names, or ''
ARGV[10] how many of KEYS[8…] are rosters to leave
ARGV[11] a reader's lease, or '' for a worker, who needs none

Result   {'applied'} | {'older', version held} | {'moved', terms held}: read the terms again and retry
         | {'incarnation'}: what was read belongs to another life of this Redis
         | {'lease'}: the reader's time is over, or a fence has come since it began
]]
if redis.call('GET', KEYS[2]) ~= ARGV[1] then
  return {'incarnation'}
end
if ARGV[11] ~= '' and redis.call('GET', KEYS[6]) ~= ARGV[11] then
  return {'lease'}
end
local held = redis.call('HMGET', KEYS[1], 'v', 't', 'b', 'p')
-- What is no number was written by nobody here.
local heldVersion, version = tonumber(held[1] or '-1') or -1, tonumber(ARGV[3])
if heldVersion > version then
  -- Whoever fills next need not wait for the end of a lease that has served its purpose.
  if ARGV[11] ~= '' then
    redis.call('DEL', KEYS[6])
  end
  return {'older', held[1]}
end
if (held[2] or '') ~= ARGV[7] then
  return {'moved', held[2] or ''}
end

-- At an equal version with bodies only the index entries are put right again: the bodies are the same truth. One body
-- alone, or one that says nobody beside one that does not, is none.
local b, p = held[3], held[4]
local hasBodies = b and p and (b == '') == (p == '')
if heldVersion < version or not hasBodies then
  redis.call('HSET', KEYS[1], 'v', ARGV[3], 'b', ARGV[4], 'p', ARGV[5], 't', ARGV[6])
end
-- An id that never existed had an end; a user has none.
if heldVersion == 0 and version > 0 then
  redis.call('PERSIST', KEYS[1])
  redis.call('ZREM', KEYS[7], ARGV[2])
end
if ARGV[8] ~= '' and ARGV[8] ~= ARGV[9] then
  redis.call('ZREM', KEYS[3], ARGV[8])
end
local joinFrom = 8 + tonumber(ARGV[10])
for i = 8, joinFrom - 1 do
  redis.call('ZREM', KEYS[i], ARGV[2])
end
for i = joinFrom, #KEYS do
  redis.call('ZADD', KEYS[i], ARGV[2], ARGV[2])
end
if ARGV[4] == '' then
  redis.call('ZREM', KEYS[4], ARGV[2])
else
  redis.call('ZADD', KEYS[4], ARGV[2], ARGV[2])
  redis.call('ZADD', KEYS[3], 0, ARGV[9])
end
redis.call('SREM', KEYS[5], ARGV[2])
redis.call('DEL', KEYS[6])
return {'applied'}
