-- Everything that is remembered of a cluster, at one moment. It reads whatever there is: a key of a foreign type is told by its type, and
-- its value is not touched.
--
-- KEYS[1]  workers:names
-- KEYS[2…] the other keys, in the order in which the answer lists them
-- ARGV[1]  the prefix of a worker's key
-- ARGV[2]  the prefix of a webhook target's key; `webhooks` is the last of KEYS
--
-- Answers {type of workers:names, workers, found, books}. Workers: a list of {name, type, flat hash}; found: a list of {type, value}, hashes
-- as flat lists, lists whole, strings as they are, of other types only the type; books: a list of {key, type} of the targets.

local function kind(key)
    return redis.call('TYPE', key)['ok']
end

local function members(key)
    return kind(key) == 'set' and redis.call('SMEMBERS', key) or {}
end

local workers = {}
for _, name in ipairs(members(KEYS[1])) do
    local key = ARGV[1] .. name
    local found = kind(key)
    workers[#workers + 1] = { name, found, found == 'hash' and redis.call('HGETALL', key) or false }
end

local found = {}
for index = 2, #KEYS do
    local key = KEYS[index]
    local type = kind(key)
    local value = false
    if type == 'string' then
        value = redis.call('GET', key)
    elseif type == 'hash' then
        value = redis.call('HGETALL', key)
    elseif type == 'list' then
        value = redis.call('LRANGE', key, 0, -1)
    end
    found[#found + 1] = { type, value }
end

local books = {}
for _, name in ipairs(members(KEYS[#KEYS])) do
    for _, key in ipairs({ ARGV[2] .. name, ARGV[2] .. name .. ':delivered' }) do
        books[#books + 1] = { key, kind(key) }
    end
end

return { kind(KEYS[1]), workers, found, books }
