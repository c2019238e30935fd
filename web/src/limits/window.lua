-- One draw from each of several sliding windows, all or none: an exact log per key.
-- KEYS: a list per window, oldest draw first; an element is "time:cost:sum", sum being all that was ever drawn up to it.
-- ARGV: the time in microseconds, or "" for this server's own; then cost, units and window in microseconds for each key.
-- Answers {1, now, remaining, reset, remaining, reset, ...}, or {0, now, place of the key, remaining, reset, wait}.
local now = tonumber(ARGV[1])
if not now then
  local time = redis.call('TIME')
  now = tonumber(time[1]) * 1000000 + tonumber(time[2])
end

local function parts(element)
  local at, cost, sum = string.match(element, '^(%d+):(%d+):(%d+)$')
  return tonumber(at), tonumber(cost), tonumber(sum)
end

-- Drops what has left the window. Answers when the newest came, all ever drawn, and what of it has left.
local function expire(key, window)
  local newest = redis.call('LINDEX', key, -1)
  if not newest then return nil, 0, 0 end
  local newest_at, _, sum = parts(newest)
  if newest_at - now > window then
    redis.call('DEL', key) -- the clock went back by more than a window
    return nil, 0, 0
  end
  while true do
    local oldest = redis.call('LINDEX', key, 0)
    if not oldest then return nil, 0, 0 end
    local at, cost, through = parts(oldest)
    if now - at < window then return newest_at, sum, through - cost end
    redis.call('LPOP', key)
  end
end

-- When the first of the draws that together free as much as is wanted was made.
local function freeing(key, base, wanted)
  local low, high = 0, redis.call('LLEN', key) - 1
  while low < high do
    local middle = math.floor((low + high) / 2)
    local _, _, sum = parts(redis.call('LINDEX', key, middle))
    if sum - base >= wanted then high = middle else low = middle + 1 end
  end
  local at = parts(redis.call('LINDEX', key, low))
  return at
end

local states, worst = {}, nil
for place, key in ipairs(KEYS) do
  local cost, units, window = tonumber(ARGV[place * 3 - 1]), tonumber(ARGV[place * 3]), tonumber(ARGV[place * 3 + 1])
  local newest_at, sum, base = expire(key, window)
  local used = sum - base
  states[place] = { cost = cost, units = units, window = window, newest_at = newest_at, sum = sum, base = base }
  local over = used + cost - units
  if cost > 0 and over > 0 then
    local at = now
    if used >= over then at = freeing(key, base, over) end
    local wait = math.max(at + window - now, 1)
    if not worst or wait >= worst[6] then
      worst = { 0, now, place, math.max(units - used, 0), (newest_at or now - window) + window, wait }
    end
  end
end
if worst then return worst end

local answer = { 1, now }
for place, key in ipairs(KEYS) do
  local state = states[place]
  if state.cost > 0 then
    local at = math.max(now, state.newest_at or now)
    state.newest_at, state.sum = at, state.sum + state.cost
    redis.call('RPUSH', key, string.format('%.0f:%.0f:%.0f', at, state.cost, state.sum))
    redis.call('PEXPIRE', key, math.ceil(state.window / 1000) + 1000)
  end
  answer[#answer + 1] = math.max(state.units - (state.sum - state.base), 0)
  answer[#answer + 1] = (state.newest_at or now - state.window) + state.window
end
return answer
