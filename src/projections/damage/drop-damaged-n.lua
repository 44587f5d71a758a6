--[[
Drops keys that hold another type than this service keeps there, and with them what says that the rest may be believed.

KEYS[1]  inc of the partition that they belong to; or the key itself, where it stands alone
KEYS[2…] the keys
ARGV     pairs, one a key: the type that it ought to have, 'alone' or 'all': nothing of the partition may be believed then

Result   how many were dropped
]]
local dropped = 0
for i = 2, #KEYS do
  local held = redis.call('TYPE', KEYS[i]).ok
  if held ~= 'none' and held ~= ARGV[2 * i - 3] then
    redis.call('DEL', KEYS[i])
    if ARGV[2 * i - 2] == 'all' then
      redis.call('DEL', KEYS[1])
    end
    dropped = dropped + 1
  end
end
return dropped
