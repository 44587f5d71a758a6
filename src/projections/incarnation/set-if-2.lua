--[[
Writes a value about the read models (the mark, `built`), but only under the incarnation that it was found out under.

KEYS[1]  where to write    KEYS[2]  inc
ARGV[1]  the value         ARGV[2]  the incarnation
Result   1 written, 0 not
]]
if redis.call('GET', KEYS[2]) ~= ARGV[2] then
  return 0
end
redis.call('SET', KEYS[1], ARGV[1])
return 1
