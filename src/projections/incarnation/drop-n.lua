--[[
Drops keys of one partition, but only under the incarnation that is being emptied: a worker that was overtaken must not
take away what has been written since.

KEYS[1]  inc    KEYS[2…] what to drop
ARGV[1]  the incarnation
Result   1 dropped, 0 not
]]
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return 0
end
for i = 2, #KEYS do
  redis.call('UNLINK', KEYS[i])
end
return 1
