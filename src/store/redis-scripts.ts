/**
 * What Redis does as one step. Three hashes: sessions (id -> `user:machine:node`), and how many of
 * them each user and each machine has. KEYS are these three, in this order.
 */

const FUNCTIONS = `
local function add(id, value)
  if redis.call('hsetnx', KEYS[1], id, value) == 0 then return end
  local user, machine = string.match(value, '^(%d+):(%d+):')
  redis.call('hincrby', KEYS[2], user, 1)
  redis.call('hincrby', KEYS[3], machine, 1)
end
local function less(key, field)
  if redis.call('hincrby', key, field, -1) <= 0 then redis.call('hdel', key, field) end
end
local function remove(id)
  local value = redis.call('hget', KEYS[1], id)
  if not value then return end
  redis.call('hdel', KEYS[1], id)
  local user, machine = string.match(value, '^(%d+):(%d+):')
  less(KEYS[2], user)
  less(KEYS[3], machine)
end
`;

/** ARGV: id, value. */
export const STARTED = `${FUNCTIONS} add(ARGV[1], ARGV[2])`;

/** ARGV: id. */
export const ENDED = `${FUNCTIONS} remove(ARGV[1])`;

/** ARGV: id, value, id, value, …: all that run, on all nodes. */
export const REBUILD = `${FUNCTIONS}
redis.call('del', KEYS[1], KEYS[2], KEYS[3])
for i = 1, #ARGV, 2 do add(ARGV[i], ARGV[i + 1]) end`;

/** ARGV: node, then as above: all that run on this node; other nodes' are left alone. */
export const RESYNC = `${FUNCTIONS}
local wanted = {}
for i = 2, #ARGV, 2 do wanted[ARGV[i]] = true end
local known = redis.call('hgetall', KEYS[1])
for i = 1, #known, 2 do
  local node = string.match(known[i + 1], '^%d+:%d+:(.*)$')
  if node == ARGV[1] and not wanted[known[i]] then remove(known[i]) end
end
for i = 2, #ARGV, 2 do add(ARGV[i], ARGV[i + 1]) end`;

/** Answers the number of sessions, the number of users, and machine, count, machine, count, … */
export const ACTIVE = `return {
  redis.call('hlen', KEYS[1]), redis.call('hlen', KEYS[2]), redis.call('hgetall', KEYS[3])
}`;
