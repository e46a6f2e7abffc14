-- KEYS[1] leader; ARGV[1] replica, ARGV[2] lease in ms (0: give it up). Answers 1 if the lease was this replica's.
if redis.call('TYPE', KEYS[1])['ok'] ~= 'string' or redis.call('GET', KEYS[1]) ~= ARGV[1] then
    return 0
end
if ARGV[2] == '0' then
    return redis.call('DEL', KEYS[1])
end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
