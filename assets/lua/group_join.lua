-- KEYS[1] a stream; ARGV[1] a consumer group; ARGV[2] from where a new one reads: '$' (what comes next) or '0' (all there is).
-- Makes the group, if there is none; and tells Redis how many entries came before, so that what is trimmed
-- before the group has read it can be counted (XINFO GROUPS: lag).
local read = 0
if ARGV[2] == '$' and redis.call('EXISTS', KEYS[1]) == 1 then
    local info = redis.call('XINFO', 'STREAM', KEYS[1])
    for index = 1, #info, 2 do
        if info[index] == 'entries-added' then
            read = info[index + 1]
        end
    end
end
local made = redis.pcall('XGROUP', 'CREATE', KEYS[1], ARGV[1], ARGV[2], 'MKSTREAM', 'ENTRIESREAD', read)
if made.err and not string.find(made.err, 'BUSYGROUP', 1, true) then
    return made
end
return 1
