#!lua flags=allow-oom
--[[
After a commit: nothing older than `version` may be served any more. Drops the bodies, keeps version and terms (the index
entries can still be taken out), marks the user dirty, so that lists take it from the database, and ends the lease of a
reader who may have read the truth before the commit.

KEYS[1]  the user's entry    KEYS[2]  dirty    KEYS[3]  the entry's lease    KEYS[4]  ghosts
ARGV[1]  user id             ARGV[2]  version
Result   1 fenced, 0 when the entry is already as new
]]
local held = tonumber(redis.call('HGET', KEYS[1], 'v') or '-1') or -1
if held >= tonumber(ARGV[2]) then
  return 0
end
-- Drops before it writes: a Redis at its memory limit gets room first.
redis.call('DEL', KEYS[3])
redis.call('HDEL', KEYS[1], 'b', 'p')
redis.call('HSET', KEYS[1], 'v', ARGV[2])
redis.call('SADD', KEYS[2], ARGV[1])
if held == 0 then
  redis.call('PERSIST', KEYS[1])
  redis.call('ZREM', KEYS[4], ARGV[1])
end
return 1
