--[[
Reads versions and bodies of many users: one command for all requests of one turn of the event loop, because the
client's cost of a command is what a hot read costs most.

KEYS[1…] the users' entries
Result   version, body, version, body, …: false where there is none
]]
local read = {}
for i = 1, #KEYS do
  local held = redis.call('HMGET', KEYS[i], 'v', 'b')
  read[2 * i - 1], read[2 * i] = held[1], held[2]
end
return read
