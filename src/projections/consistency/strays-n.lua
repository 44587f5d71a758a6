--[[
Which of some entries show a user whom the list of all ids does not have.

KEYS[1]  ids    KEYS[2…] entries
ARGV     their user ids, in the same order

Result   the user ids of those
]]
local strays = {}
for i = 2, #KEYS do
  local shows = redis.call('HSTRLEN', KEYS[i], 'b') > 0 or redis.call('HSTRLEN', KEYS[i], 'p') > 0
  if shows and not redis.call('ZSCORE', KEYS[1], ARGV[i - 1]) then
    table.insert(strays, ARGV[i - 1])
  end
end
return strays
