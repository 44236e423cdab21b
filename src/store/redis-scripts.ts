/**
 * What Redis does as one step. The counts stand in generations, each whole in itself: `G:live` (id ->
 * `user:machine`) and `G:active`; and for each day `G:ended:DAY` (as `G:live`) and `G:day:DAY`. In active and day:
 * `u:USER` and `m:MACHINE`, and `sessions`, `failed`, `in`, `out`. KEYS[1] is the state: which generation
 * is read (`now`; missing: none), which is being built (`next`), and how many there have been. All keys
 * have its hash tag, so that a cluster keeps them together.
 */

/** The first part of every key. */
export const PREFIX = 'postern:{count}:';

/** Seconds that a day, or a generation that nobody finishes, outlives its last change. */
const DAY_KEPT = 3 * 86_400;
const UNFINISHED_KEPT = 900;

const FUNCTIONS = `
local function keyOf(gen, name) return '${PREFIX}' .. gen .. ':' .. name end
local function more(key, user, machine)
  redis.call('hincrby', key, 'sessions', 1)
  redis.call('hincrby', key, 'u:' .. user, 1)
  redis.call('hincrby', key, 'm:' .. machine, 1)
end
local function less(key, user, machine)
  for _, field in ipairs({ 'sessions', 'u:' .. user, 'm:' .. machine }) do
    if redis.call('hincrby', key, field, -1) <= 0 then redis.call('hdel', key, field) end
  end
end
local function instead(key, ofUser, ofMachine, user, machine)
  less(key, ofUser, ofMachine)
  more(key, user, machine)
end
local function put(gen, at)
  local id, day, user, machine, status = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3], ARGV[at + 4]
  local live, active = keyOf(gen, 'live'), keyOf(gen, 'active')
  local ended, counts = keyOf(gen, 'ended:' .. day), keyOf(gen, 'day:' .. day)
  local wasLive, wasEnded = redis.call('hget', live, id), redis.call('hget', ended, id)
  local known = wasLive or wasEnded
  if known then
    local ofUser, ofMachine = string.match(known, '^(%d+):(%d+)$')
    -- What was removed is nobody's ever after, in whatever order its rows come.
    if user ~= '0' then user = ofUser end
    if machine ~= '0' then machine = ofMachine end
    local now = user .. ':' .. machine
    if now ~= known then
      instead(counts, ofUser, ofMachine, user, machine)
      if wasLive then
        instead(active, ofUser, ofMachine, user, machine)
        redis.call('hset', live, id, now)
      else
        redis.call('hset', ended, id, now)
      end
    end
  else
    more(counts, user, machine)
  end
  if wasEnded then return end
  if status == 'pending' or status == 'active' then
    if not known then
      redis.call('hset', live, id, user .. ':' .. machine)
      more(active, user, machine)
    end
  else
    if wasLive then
      redis.call('hdel', live, id)
      less(active, user, machine)
    end
    redis.call('hset', ended, id, user .. ':' .. machine)
    redis.call('expire', ended, ${DAY_KEPT})
    if status == 'failed' then redis.call('hincrby', counts, 'failed', 1) end
    redis.call('hincrby', counts, 'in', ARGV[at + 5])
    redis.call('hincrby', counts, 'out', ARGV[at + 6])
  end
  redis.call('expire', counts, ${DAY_KEPT})
end
local function keepUnfinished(gen)
  redis.call('expire', keyOf(gen, 'live'), ${UNFINISHED_KEPT})
  redis.call('expire', keyOf(gen, 'active'), ${UNFINISHED_KEPT})
end
`;

/** How many arguments a session has: id, day, user, machine, status, bytes in, bytes out. */
export const FIELDS = 7;

/** ARGV: a session. Answers 0 when no generation can be read: it must be built. */
export const COUNT = `${FUNCTIONS}
local state = redis.call('hmget', KEYS[1], 'now', 'next')
if state[1] then put(state[1], 1) end
if state[2] then
  put(state[2], 1)
  keepUnfinished(state[2])
end
return state[1] and 1 or 0`;

/** Answers a generation that is told of everything from now on. */
export const BEGIN = `
local gen = redis.call('hincrby', KEYS[1], 'made', 1)
redis.call('hset', KEYS[1], 'next', gen)
return gen`;

/** ARGV: the generation, then sessions. Answers 0 when another one is being built. */
export const FILL = `${FUNCTIONS}
if redis.call('hget', KEYS[1], 'next') ~= ARGV[1] then return 0 end
for at = 2, #ARGV, ${FIELDS} do put(ARGV[1], at) end
keepUnfinished(ARGV[1])
return 1`;

/** ARGV: the generation, which is read from now on; then days that the one before may have. */
export const FINISH = `${FUNCTIONS}
local state = redis.call('hmget', KEYS[1], 'now', 'next')
if state[2] ~= ARGV[1] then return 0 end
redis.call('persist', keyOf(ARGV[1], 'live'))
redis.call('persist', keyOf(ARGV[1], 'active'))
redis.call('hset', KEYS[1], 'now', ARGV[1])
redis.call('hdel', KEYS[1], 'next')
if state[1] then
  redis.call('unlink', keyOf(state[1], 'live'), keyOf(state[1], 'active'))
  for at = 2, #ARGV do
    redis.call('unlink', keyOf(state[1], 'ended:' .. ARGV[at]), keyOf(state[1], 'day:' .. ARGV[at]))
  end
end
return 1`;

/** ARGV: `active` or `day:DAY`. Answers field, value, …; nothing when no generation can be read. */
export const READ = `${FUNCTIONS}
local gen = redis.call('hget', KEYS[1], 'now')
return gen and redis.call('hgetall', keyOf(gen, ARGV[1])) or false`;
