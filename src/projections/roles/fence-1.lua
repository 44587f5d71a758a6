#!lua flags=allow-oom
--[[
After a commit: no catalogue older than `version` may be served any more.

KEYS[1]  the catalogue's entry    ARGV[1]  version
Result   1 fenced, 0 when the entry is already as new
]]
local held = tonumber(redis.call('HGET', KEYS[1], 'v') or '-1') or -1
if held >= tonumber(ARGV[1]) then
  return 0
end
redis.call('HDEL', KEYS[1], 'b')
redis.call('HSET', KEYS[1], 'v', ARGV[1])
return 1
