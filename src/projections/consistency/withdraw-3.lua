--[[
Takes a member out of an index, but only while the user's terms are those by which it does not belong there: whoever
puts the user in place meanwhile moves the terms in the same script.

KEYS[1]  inc    KEYS[2]  the user's entry    KEYS[3]  the index
ARGV[1]  the incarnation under which that was found    ARGV[2]  the terms    ARGV[3]  the member
Result   1 withdrawn, 0 not
]]
if redis.call('GET', KEYS[1]) ~= ARGV[1] or (redis.call('HGET', KEYS[2], 't') or '') ~= ARGV[2] then
  return 0
end
return redis.call('ZREM', KEYS[3], ARGV[3])
