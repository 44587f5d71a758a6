--[[
Reads versions and both bodies of many users: one command for all requests of one turn of the event loop, because the
client's cost of a command is what a hot read costs most. The incarnation comes along: what a Redis says that was
emptied or exchanged behind an open connection can be told from what may be believed.

KEYS[1]  inc    KEYS[2…] the users' entries
Result   inc, then three of each user: version, body, body without what is personal; false for what is not there, or where
         something else than an entry stands, for which nobody else's entry fails
]]
local read = {redis.call('GET', KEYS[1])}
for i = 2, #KEYS do
  local held = redis.pcall('HMGET', KEYS[i], 'v', 'b', 'p')
  local at = 3 * i - 4
  read[at], read[at + 1], read[at + 2] = held[1] or false, held[2] or false, held[3] or false
end
return read
