--[[
Counts. All in one script, so that of a report that is cut short all is counted or nothing.

KEYS[1]  the tally (hash)
ARGV     triples: 'add' field amount | 'set' field value | 'max' field value: set when greater | 'drop' field ''
         | 'since' '' hour: drops the fields 'h:<hour>:…' of earlier hours
Result   how many triples
]]
for i = 1, #ARGV, 3 do
  local what, field, value = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  if what == 'add' then
    redis.call('HINCRBY', KEYS[1], field, value)
  elseif what == 'set' then
    redis.call('HSET', KEYS[1], field, value)
  elseif what == 'max' and tonumber(redis.call('HGET', KEYS[1], field) or '-1') < tonumber(value) then
    redis.call('HSET', KEYS[1], field, value)
  elseif what == 'drop' then
    redis.call('HDEL', KEYS[1], field)
  elseif what == 'since' then
    for _, held in ipairs(redis.call('HKEYS', KEYS[1])) do
      local hour = tonumber(string.match(held, '^h:(%d+):'))
      if hour and hour < tonumber(value) then
        redis.call('HDEL', KEYS[1], held)
      end
    end
  end
end
return #ARGV / 3
