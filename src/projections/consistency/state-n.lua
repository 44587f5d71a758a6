--[[
All that one user's entry and the indexes say at one moment, for comparing with the truth.

KEYS[1]  inc    KEYS[2]  built    KEYS[3]  the user's entry    KEYS[4]  ids    KEYS[5]  names    KEYS[6]  dirty
KEYS[7…] the rosters that the user ought to be in
ARGV[1]  user id    ARGV[2]  the member of names that there ought to be, or ''

Result   {inc, built, version, SHA-1 of the body, SHA-1 of the body without what is personal, terms, in ids, in names,
         dirty, in all rosters}; '' for what is not there, 1 or 0 for what is or is not
]]
local function has(found)
  return found and 1 or 0
end
local held = redis.call('HMGET', KEYS[3], 'v', 't', 'b', 'p')
local inRosters = 1
for i = 7, #KEYS do
  if redis.call('ZSCORE', KEYS[i], ARGV[1]) ~= ARGV[1] then
    inRosters = 0
  end
end
return {
  redis.call('GET', KEYS[1]) or '',
  redis.call('GET', KEYS[2]) or '',
  held[1] or '',
  held[3] and redis.sha1hex(held[3]) or '',
  held[4] and redis.sha1hex(held[4]) or '',
  held[2] or '',
  has(redis.call('ZSCORE', KEYS[4], ARGV[1]) == ARGV[1]),
  has(redis.call('ZSCORE', KEYS[5], ARGV[2])),
  redis.call('SISMEMBER', KEYS[6], ARGV[1]),
  inRosters,
}
