--[[
A reader who found no bodies asks to be the one who fills it: one fill a user at a time.

KEYS[1]  the user's entry    KEYS[2]  the entry's lease    KEYS[3]  inc
ARGV[1]  the incarnation that the reader goes by    ARGV[2]  the lease it wants    ARGV[3]  for how many ms
ARGV[4]  the least version that would do

Result   {'leased'} | {'taken'}: somebody else is filling | {'incarnation'}
         | {'held', version, body, body without what is personal}: filled meanwhile
]]
if redis.call('GET', KEYS[3]) ~= ARGV[1] then
  return {'incarnation'}
end
local held = redis.call('HMGET', KEYS[1], 'v', 'b', 'p')
local b, p = held[2], held[3]
-- One body alone, or one that says nobody beside one that does not, is none.
local hasBodies = b and p and (b == '') == (p == '')
if held[1] and hasBodies and (tonumber(held[1]) or -1) >= tonumber(ARGV[4]) then
  return {'held', held[1], b, p}
end
-- A lease has an end; what has none is nobody's.
if redis.call('PTTL', KEYS[2]) == -1 then
  redis.call('DEL', KEYS[2])
end
if redis.call('SET', KEYS[2], ARGV[2], 'NX', 'PX', ARGV[3]) then
  return {'leased'}
end
return {'taken'}
