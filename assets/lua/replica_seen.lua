-- KEYS[1] replicas; ARGV[1] replica, ARGV[2] how long one is remembered, in ms, ARGV[3] how long one counts as running, in ms.
-- By the server's clock, so that the replicas' clocks need not agree. Answers how many others run.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', '(' .. (now - ARGV[2]))
return redis.call('ZCOUNT', KEYS[1], now - ARGV[3], '+inf') - 1
