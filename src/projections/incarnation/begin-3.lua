--[[
Begins a new incarnation: compare and set, so that of several workers one does it. What was built stays built when the
read models were replayed onto it; else nothing counts as built.

KEYS[1]  inc    KEYS[2]  built    KEYS[3]  mark
ARGV[1]  the incarnation to replace, or '' for none    ARGV[2]  the new one
ARGV[3]  'replayed' | 'empty' | 'emptying': nobody believes it until everything has been dropped under it
Result   1 begun, 0 somebody else was first
]]
local held = redis.call('GET', KEYS[1]) or ''
if held ~= ARGV[1] then
  return 0
end
if ARGV[3] == 'replayed' and redis.call('GET', KEYS[2]) == held then
  redis.call('SET', KEYS[2], ARGV[2])
else
  redis.call('DEL', KEYS[2])
end
if ARGV[3] ~= 'replayed' then
  redis.call('DEL', KEYS[3])
end
redis.call('SET', KEYS[1], ARGV[2])
return 1
