-- The fenced transaction: all or nothing, by the newest leader only, once per transaction id, acknowledging what caused it.
--
-- KEYS[1]  leader:epoch
-- KEYS[2]  tx:{id}: marks that this transaction was applied
-- KEYS[3…] every other key that is written
-- ARGV[1]  the writer's epoch ('' : not fenced, for what every replica may write)
-- ARGV[2]  how long the mark stays, in ms: longer than any retry
-- ARGV[3]  number of acknowledgements, then per acknowledgement: stream, group, entry id
-- then     number of moves into quarantine, then per move: what ('key', 'field', 'entry', 'member', 'note'), from, to, which
-- then     the event stream, its longest length, number of events, the events
-- then     commands, each as: number of words, words (the second word is the key; a DEL's third the type that it may delete)
--
-- Answers {'fenced', newest epoch} | {'again'} | {'handled'} | {'wrongtype', key, wanted, found} | {'taken', key} | {'done'}.
-- Everything is checked before the first write: an error in the middle of a script does not undo what it wrote. The first write is
-- one that Redis refuses when it is out of memory, so that then nothing at all is written.

local kind = redis.call('TYPE', KEYS[1])['ok']
if kind ~= 'none' and kind ~= 'string' then
    return { 'wrongtype', KEYS[1], 'string', kind }
end
local epoch = redis.call('GET', KEYS[1]) or '0'
if ARGV[1] ~= '' and ARGV[1] ~= epoch then
    return { 'fenced', epoch }
end
if redis.call('EXISTS', KEYS[2]) == 1 then
    return { 'again' }
end

local at = 3
local acknowledgements = {}
for _ = 1, tonumber(ARGV[at]) do
    local stream, group, entry = ARGV[at + 1], ARGV[at + 2], ARGV[at + 3]
    if #redis.call('XPENDING', stream, group, entry, entry, 1) == 0 then
        return { 'handled' }
    end
    acknowledgements[#acknowledgements + 1] = { 'XACK', stream, group, entry }
    at = at + 3
end
at = at + 1

local types = {}
local function type_of(key)
    types[key] = types[key] or redis.call('TYPE', key)['ok']
    return types[key]
end

-- What is set aside keeps its type and is put where nothing is: nothing is overwritten, nothing is deleted.
local kept_as = { field = 'hash', entry = 'list', member = 'set' }
local moves = {}
for _ = 1, tonumber(ARGV[at]) do
    local what, from, to, which = ARGV[at + 1], ARGV[at + 2], ARGV[at + 3], ARGV[at + 4]
    local there = redis.call('TYPE', to)['ok']
    if what ~= 'note' and there ~= 'none' and (there ~= kept_as[what] or what == 'field' and redis.call('HEXISTS', to, which) == 1) then
        return { 'taken', to }
    end
    moves[#moves + 1] = { what, from, to, which }
    if what == 'key' then
        types[from] = 'none'
    end
    at = at + 4
end
at = at + 1

local wanted = {
    HSET = 'hash', HDEL = 'hash', LPUSH = 'list', LTRIM = 'list', SADD = 'set', SREM = 'set', XADD = 'stream', XDEL = 'stream',
    INCR = 'string', SET = 'string',
}
-- Events are most of what is written, so they travel without the words of their command.
local stream, longest = ARGV[at], ARGV[at + 1]
local first_event, last_event = at + 3, at + 2 + tonumber(ARGV[at + 2])
at = last_event + 1
if first_event <= last_event then
    local found = type_of(stream)
    if found ~= 'none' and found ~= 'stream' then
        return { 'wrongtype', stream, 'stream', found }
    end
end

local commands = {}
while at <= #ARGV do
    local command = {}
    for word = 1, tonumber(ARGV[at]) do
        command[word] = ARGV[at + word]
    end
    at = at + #command + 1
    local kind = wanted[command[1]]
    if command[1] == 'DEL' and #command == 3 then
        kind = table.remove(command)
    end
    local found = type_of(command[2])
    if kind and found ~= 'none' and found ~= kind then
        return { 'wrongtype', command[2], kind, found }
    end
    commands[#commands + 1] = command
end

local set_aside = {
    key = function(from, to)
        if redis.call('EXISTS', from) == 1 then
            redis.call('RENAMENX', from, to)
        end
    end,
    field = function(from, to, which)
        local value = redis.call('HGET', from, which)
        if value then
            redis.call('HSET', to, which, value)
            redis.call('HDEL', from, which)
        end
    end,
    entry = function(from, to, which)
        if redis.call('LPOS', from, which) then
            redis.call('RPUSH', to, which)
            redis.call('LREM', from, 1, which)
        end
    end,
    member = function(from, to, which)
        redis.call('SMOVE', from, to, which)
    end,
    note = function(from, _, which)
        redis.call('LREM', from, 1, which)
    end,
}

redis.call('SET', KEYS[2], '1', 'PX', ARGV[2])
for _, move in ipairs(moves) do
    set_aside[move[1]](move[2], move[3], move[4])
end
for _, acknowledgement in ipairs(acknowledgements) do
    redis.call(unpack(acknowledgement))
end
for event = first_event, last_event do
    redis.call('XADD', stream, 'MAXLEN', '~', longest, '*', 'event', ARGV[event])
end
for _, command in ipairs(commands) do
    redis.call(unpack(command))
end
return { 'done' }
