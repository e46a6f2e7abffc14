-- Takes the lease. A replica that finds its own lease (after an outage of Redis) takes it again. Every acquisition raises the epoch.
--
-- KEYS[1] leader, KEYS[2] leader:epoch, KEYS[3] quarantine:unreported
-- ARGV[1] replica, ARGV[2] lease in ms, ARGV[3] the cluster's prefix, ARGV[4] what a quarantined key's name begins with
--
-- Answers the new epoch, or 0 when somebody else holds the lease.
--
-- Without a readable epoch (a first start, a loss of everything, somebody's value in its place) it starts at Redis's time in microseconds:
-- above anything that was ever counted, so that a leader from before the loss, who is paused and does not know of it, stays fenced out.
-- A value that is in the way is renamed, never deleted, and a note is left for the leader to report.

local time = redis.call('TIME')
local stamp = string.format('%d%06d', time[1], time[2])
-- Beyond this a number of Lua's is not exact.
local largest = 9007199254740992

local function set_aside(key, problem, flaw)
    local to = ARGV[4] .. string.sub(key, #ARGV[3] + 1) .. ':' .. stamp
    while redis.call('RENAMENX', key, to) == 0 do
        to = to .. '+'
    end
    redis.call('RPUSH', KEYS[3], cjson.encode({ key = key, to = to, problem = problem, flaw = flaw }))
end

local function text_under(key)
    local kind = redis.call('TYPE', key)['ok']
    if kind == 'none' then
        return nil
    end
    if kind ~= 'string' then
        set_aside(key, 'a string is expected, it is a ' .. kind, 'foreign_type')
        return nil
    end
    return redis.call('GET', key)
end

local notes = redis.call('TYPE', KEYS[3])['ok']
if notes ~= 'none' and notes ~= 'list' then
    redis.call('RENAMENX', KEYS[3], KEYS[3] .. ':' .. stamp)
end

local holder = text_under(KEYS[1])
if holder and holder ~= ARGV[1] then
    if redis.call('PTTL', KEYS[1]) ~= -1 then
        return 0
    end
    -- Nobody would lead ever again: every lease of ours ends.
    set_aside(KEYS[1], 'it has no end, as every lease has', 'damaged')
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])

local epoch = text_under(KEYS[2])
if epoch then
    if string.match(epoch, '^%d+$') and tonumber(epoch) < largest then
        return redis.call('INCR', KEYS[2])
    end
    set_aside(KEYS[2], 'it is not a number that can be counted on', 'damaged')
end
redis.call('SET', KEYS[2], stamp)
return tonumber(stamp)
