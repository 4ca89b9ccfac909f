-- Holds every check and makes every write, or none. Answers 0, or the number of the first check that failed.
-- All keys share one hash slot. What can fail does so before the first write: a script that has written is not stopped.

-- Times are eight bytes that sort as they do, compared as two numbers: Lua compares strings by the server's locale.
local now_high, now_low = struct.unpack('>I4I4', ARGV[1])
local checks = tonumber(ARGV[2])

local function there(row)
  if not row then
    return false
  end
  local high, low = struct.unpack('>I4I4', row)
  return high > now_high or (high == now_high and low > now_low)
end

for number = 1, checks do
  local row = redis.call('GET', KEYS[number])
  local is_there = there(row)
  local at = 3 * number
  if ARGV[at] == 'a' then
    if is_there then
      return number
    end
  elseif not is_there or string.sub(row, 9) ~= ARGV[at + 1] then
    return number
  end
end

for number = checks + 1, #KEYS do
  local at = 3 * number
  if ARGV[at] == 'd' then
    redis.call('DEL', KEYS[number])
  elseif ARGV[at + 2] == '0' then
    redis.call('SET', KEYS[number], ARGV[at + 1])
  else
    redis.call('SET', KEYS[number], ARGV[at + 1], 'PX', ARGV[at + 2])
  end
end
return 0
