-- KEYS[1] leader, KEYS[2] leader:epoch; ARGV[1] replica, ARGV[2] lease in ms.
-- A replica that finds its own lease (after an outage of Redis) takes it again.
-- Answers the new epoch, or 0 when somebody else holds the lease. Every acquisition raises the epoch.
local holder = redis.call('GET', KEYS[1])
if not holder or holder == ARGV[1] then
    redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
    return redis.call('INCR', KEYS[2])
end
return 0
