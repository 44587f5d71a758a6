--[[
Puts the role catalogue at one version in place, unless it is already as new.

KEYS[1]  the catalogue's entry (hash: v version, b body)    KEYS[2]  inc
ARGV[1]  the incarnation read before the truth    ARGV[2]  version    ARGV[3]  body
Result   'applied' | 'older' | 'incarnation'
]]
if redis.call('GET', KEYS[2]) ~= ARGV[1] then
  return 'incarnation'
end
local held = redis.call('HMGET', KEYS[1], 'v', 'b')
local heldVersion, version = tonumber(held[1] or '-1') or -1, tonumber(ARGV[2])
if heldVersion > version or (heldVersion == version and held[2]) then
  return 'older'
end
redis.call('HSET', KEYS[1], 'v', ARGV[2], 'b', ARGV[3])
return 'applied'
