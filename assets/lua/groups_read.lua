-- What has come for several groups, for the newest leader only. A replica that was stopped, and goes on as if it still led, would take
-- entries away from the one that leads by now: nobody would deal with them until that one goes.
--
-- KEYS[1]  leader:epoch
-- KEYS[2…] the streams, one for each group
-- ARGV[1]  the reader's epoch
-- ARGV[2]  the reader
-- ARGV[3]  how many entries of each
-- ARGV[4]  number of acknowledgements of what calls for nothing, then per acknowledgement: stream, group, entry id
-- then     the groups
--
-- Answers {'fenced', newest epoch} | {'read', one reply of XREADGROUP or nothing for each group}.

local epoch = redis.call('GET', KEYS[1]) or '0'
if ARGV[1] ~= epoch then
    return { 'fenced', epoch }
end
local at = 4
for _ = 1, tonumber(ARGV[at]) do
    redis.call('XACK', ARGV[at + 1], ARGV[at + 2], ARGV[at + 3])
    at = at + 3
end
local replies = {}
for index = 2, #KEYS do
    local group = ARGV[at + index - 1]
    local found = redis.call('XREADGROUP', 'GROUP', group, ARGV[2], 'COUNT', ARGV[3], 'STREAMS', KEYS[index], '>')
    replies[#replies + 1] = found or false
end
return { 'read', replies }
