--[[
A reader who found no body asks to be the one who fills it: one fill a user at a time.

KEYS[1]  the user's entry    KEYS[2]  the entry's lease    KEYS[3]  inc
ARGV[1]  the incarnation that the reader goes by    ARGV[2]  the lease it wants    ARGV[3]  for how many ms
ARGV[4]  the least version that would do

Result   {'leased'} | {'taken'}: somebody else is filling | {'held', version, body}: filled meanwhile
         | {'incarnation'}
]]
if redis.call('GET', KEYS[3]) ~= ARGV[1] then
  return {'incarnation'}
end
local held = redis.call('HMGET', KEYS[1], 'v', 'b')
if held[1] and held[2] and (tonumber(held[1]) or -1) >= tonumber(ARGV[4]) then
  return {'held', held[1], held[2]}
end
-- A lease has an end; what has none is nobody's.
if redis.call('PTTL', KEYS[2]) == -1 then
  redis.call('DEL', KEYS[2])
end
if redis.call('SET', KEYS[2], ARGV[2], 'NX', 'PX', ARGV[3]) then
  return {'leased'}
end
return {'taken'}
