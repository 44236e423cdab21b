/** What who wants to follow a session may read; see errors.ts. */
export const LIVE_ERRORS = {
  'live.over': {
    api: 'CONFLICT',
    exit: 255,
    text: 'session {id} is not running, so there is nothing to follow; its recording can be played',
  },
  'live.channel_over': {
    api: 'CONFLICT',
    exit: 255,
    text: 'channel {channel} of session {id} has ended; its recording can be played',
  },
  'live.elsewhere': {
    api: 'UNAVAILABLE',
    exit: 255,
    text: 'session {id} runs on node {node}: follow it there',
  },
  'live.full': {
    api: 'UNAVAILABLE',
    exit: 255,
    text: 'too many follow sessions on this node already (at most {limit}); try again later',
  },
  'live.too_many': {
    api: 'CONFLICT',
    exit: 255,
    text: 'you follow as many sessions on this node as one may (at most {limit}); leave one first',
  },
  'events.too_many': {
    api: 'CONFLICT',
    exit: 255,
    text: 'you listen to events on this node as often as one may (at most {limit}); leave one first',
  },
  'events.full': {
    api: 'UNAVAILABLE',
    exit: 255,
    text: 'too many listen to events on this node already (at most {limit}); try again later',
  },
  'live.no_socket': {
    api: 'BAD_REQUEST',
    exit: 255,
    text: 'this is for a WebSocket that offers the subprotocol v1.alis',
  },
} as const;
