--[[
Adds what one process has seen of a route. All in one script, so that all of it is counted or nothing.

KEYS[1]  counts (hash; 'different:<kind>': how many paths of a kind it has)    KEYS[2]  samples (list, newest first)
ARGV[1]  how long both are kept from now on, s    ARGV[2]  most paths of a kind    ARGV[3]  most samples
ARGV[4]  the name under which further paths are counted
ARGV     then triples: 'add' field amount | 'mismatch' path amount | 'noise' path amount | 'sample' '' text, older ones first
Result   how many triples
]]
for i = 5, #ARGV, 3 do
  local what, name, value = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  if what == 'add' then
    redis.call('HINCRBY', KEYS[1], name, value)
  elseif what == 'sample' then
    redis.call('LPUSH', KEYS[2], value)
  else
    local field, different = what .. ':' .. name, 'different:' .. what
    if redis.call('HEXISTS', KEYS[1], field) == 0 then
      if tonumber(redis.call('HGET', KEYS[1], different) or '0') < tonumber(ARGV[2]) then
        redis.call('HINCRBY', KEYS[1], different, 1)
      else
        field = what .. ':' .. ARGV[4]
      end
    end
    redis.call('HINCRBY', KEYS[1], field, value)
  end
end
redis.call('LTRIM', KEYS[2], 0, ARGV[3] - 1)
redis.call('EXPIRE', KEYS[1], ARGV[1])
redis.call('EXPIRE', KEYS[2], ARGV[1])
return (#ARGV - 4) / 3
