-- KEYS[1] a stream; ARGV[1] a consumer group.
-- Redis counts what a group has read, not what it is past. After entries were trimmed before the group read them, its lag would be
-- too large by them forever: the count is set to where the group really is.
local info = redis.call('XINFO', 'STREAM', KEYS[1])
local added = 0
for index = 1, #info, 2 do
    if info[index] == 'entries-added' then
        added = info[index + 1]
    end
end
for _, group in ipairs(redis.call('XINFO', 'GROUPS', KEYS[1])) do
    local fields = {}
    for index = 1, #group, 2 do
        fields[group[index]] = group[index + 1]
    end
    if fields['name'] == ARGV[1] then
        local last = fields['last-delivered-id']
        local ahead = #redis.call('XRANGE', KEYS[1], '(' .. last, '+')
        redis.call('XGROUP', 'SETID', KEYS[1], ARGV[1], last, 'ENTRIESREAD', added - ahead)
    end
end
return 1
