--[[
Forgets a schema, unless it has been seen again since somebody looked.

KEYS[1]  schemas (hash: schema → when it was last seen, s)
ARGV[1]  the schema    ARGV[2]  when it had last been seen
Result   1 forgotten, 0 not
]]
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then
  return 0
end
return redis.call('HDEL', KEYS[1], ARGV[1])
