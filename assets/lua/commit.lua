-- The fenced transaction: all or nothing, by the newest leader only, once per transaction id, acknowledging what caused it.
--
-- KEYS[1]  leader:epoch
-- KEYS[2]  tx:{id}: marks that this transaction was applied
-- KEYS[3…] every other key that is written
-- ARGV[1]  the writer's epoch ('' : not fenced, for what every replica may write)
-- ARGV[2]  how long the mark stays, in ms: longer than any retry
-- ARGV[3]  number of acknowledgements, then per acknowledgement: stream, group, entry id
-- then     the event stream, its longest length, number of events, the events
-- then     commands, each as: number of words, words (the second word is the key)
--
-- Answers {'fenced', newest epoch} | {'again'} | {'handled'} | {'wrongtype', key, wanted, found} | {'done'}.
-- Everything is checked before the first write: an error in the middle of a script does not undo what it wrote. The first write is
-- one that Redis refuses when it is out of memory, so that then nothing at all is written.

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

local wanted = {
    HSET = 'hash', HDEL = 'hash', LPUSH = 'list', LTRIM = 'list', SADD = 'set', SREM = 'set', XADD = 'stream', XDEL = 'stream', INCR = 'string',
}
-- Events are most of what is written, so they travel without the words of their command.
local stream, longest = ARGV[at], ARGV[at + 1]
local first_event, last_event = at + 3, at + 2 + tonumber(ARGV[at + 2])
at = last_event + 1
if first_event <= last_event then
    local found = redis.call('TYPE', stream)['ok']
    if found ~= 'none' and found ~= 'stream' then
        return { 'wrongtype', stream, 'stream', found }
    end
end

local commands = {}
local types = {}
while at <= #ARGV do
    local command = {}
    for word = 1, tonumber(ARGV[at]) do
        command[word] = ARGV[at + word]
    end
    at = at + #command + 1
    local kind = wanted[command[1]]
    local found = types[command[2]] or redis.call('TYPE', command[2])['ok']
    types[command[2]] = found
    if kind and found ~= 'none' and found ~= kind then
        return { 'wrongtype', command[2], kind, found }
    end
    commands[#commands + 1] = command
end

redis.call('SET', KEYS[2], '1', 'PX', ARGV[2])
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
