-- A command whose client gave the id: appended the first time, and never again while it is remembered.
--
-- KEYS[1]  command:{id}: what was asked for under this id
-- KEYS[2]  the stream of commands
-- ARGV[1]  what is asked for, without what differs from one time to the next
-- ARGV[2]  how long it is remembered, in ms
-- ARGV[3]  about how many commands the stream keeps
-- ARGV[4]  the command
--
-- Answers 'sent' | 'again' | 'other': the id stands for another command.

local known = redis.call('GET', KEYS[1])
if known then
    return known == ARGV[1] and 'again' or 'other'
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[3], '*', 'command', ARGV[4])
return 'sent'
