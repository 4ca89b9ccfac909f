-- Removes those of the keys whose deadline is at or before now. Answers how many.
local now_high, now_low = struct.unpack('>I4I4', ARGV[1])
local purged = 0
for _, key in ipairs(KEYS) do
  local head = redis.call('GETRANGE', key, 0, 7)
  if #head == 8 then
    local high, low = struct.unpack('>I4I4', head)
    if high < now_high or (high == now_high and low <= now_low) then
      purged = purged + redis.call('DEL', key)
    end
  end
end
return purged
