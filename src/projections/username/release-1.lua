--[[
Deletes a username's hint, but only while it names this user: a late worker must not take away its next holder's.

KEYS[1]  the hint    ARGV[1]  user id
Result   1 deleted, 0 not
]]
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return 0
end
return redis.call('DEL', KEYS[1])
