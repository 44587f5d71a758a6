--[[
Redis is ahead of the database: what it holds is of a history that the database does not have. Lists are turned off.

KEYS[1]  inc    KEYS[2]  built    KEYS[3]  ahead
ARGV[1]  the incarnation under which that was found
Result   1 raised, 0 when it stood already, or is of another incarnation
]]
if redis.call('GET', KEYS[1]) ~= ARGV[1] or redis.call('GET', KEYS[3]) == ARGV[1] then
  return 0
end
redis.call('SET', KEYS[3], ARGV[1])
redis.call('DEL', KEYS[2])
return 1
