--[[
Says that a process which uses this schema lives, by the server's clock.

KEYS[1]  schemas (hash: schema → when it was last seen, s)
ARGV[1]  the schema
ARGV[2]  'known': only if it is registered | 'register': in any case
Result   {now, schema, seen, schema, seen, …}, as it was before; a schema that is not among them had been forgotten
]]
local now = redis.call('TIME')[1]
local before = redis.call('HGETALL', KEYS[1])
if ARGV[2] == 'register' or redis.call('HEXISTS', KEYS[1], ARGV[1]) == 1 then
  redis.call('HSET', KEYS[1], ARGV[1], now)
end
table.insert(before, 1, now)
return before
