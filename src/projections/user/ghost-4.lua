--[[
Remembers for a while that an id never existed, so that asking again costs no read of the database. There is a limit to
how many are remembered: nobody fills Redis by guessing ids.

KEYS[1]  the entry    KEYS[2]  inc    KEYS[3]  the entry's lease    KEYS[4]  ghosts (sorted set: id by when it ends, ms)
ARGV[1]  the incarnation that was read before the truth was read    ARGV[2]  user id    ARGV[3]  the reader's lease
ARGV[4]  for how many ms    ARGV[5]  how many at most

Result   'applied' | 'full' | 'older': there is an entry | 'incarnation' | 'lease'
]]
if redis.call('GET', KEYS[2]) ~= ARGV[1] then
  return 'incarnation'
end
if redis.call('GET', KEYS[3]) ~= ARGV[3] then
  return 'lease'
end
redis.call('DEL', KEYS[3])
if redis.call('EXISTS', KEYS[1]) == 1 then
  return 'older'
end
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[4], '-inf', now)
if redis.call('ZCARD', KEYS[4]) >= tonumber(ARGV[5]) then
  return 'full'
end
redis.call('HSET', KEYS[1], 'v', 0, 'b', '', 'p', '')
redis.call('PEXPIRE', KEYS[1], ARGV[4])
redis.call('ZADD', KEYS[4], now + tonumber(ARGV[4]), ARGV[2])
return 'applied'
