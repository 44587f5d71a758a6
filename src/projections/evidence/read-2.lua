--[[
What is known of a route, at one moment.

KEYS[1]  counts (hash)    KEYS[2]  samples (list)
Result   {counts: {field, value, …}, samples: {text, …}}; both empty when nothing is known
]]
return { redis.call('HGETALL', KEYS[1]), redis.call('LRANGE', KEYS[2], 0, -1) }
