-- Everything that is remembered of a cluster, at one moment.
--
-- KEYS[1]  workers:names
-- KEYS[2…] the other keys, in the order in which the answer lists them; hashes as flat lists, lists whole, strings as they are
-- ARGV[1]  the prefix of a worker's key
--
-- Answers {workers, values}: workers as a list of {name, flat hash}.

local workers = {}
for _, name in ipairs(redis.call('SMEMBERS', KEYS[1])) do
    workers[#workers + 1] = { name, redis.call('HGETALL', ARGV[1] .. name) }
end

local values = {}
for index = 2, #KEYS do
    local kind = redis.call('TYPE', KEYS[index])['ok']
    local value = false
    if kind == 'string' then
        value = redis.call('GET', KEYS[index])
    elseif kind == 'hash' then
        value = redis.call('HGETALL', KEYS[index])
    elseif kind == 'list' then
        value = redis.call('LRANGE', KEYS[index], 0, -1)
    end
    values[#values + 1] = value
end
return { workers, values }
