// @ts-check
/*
 * The replay page's one island: shows the recording that the page names, in asciinema-player. A long
 * one is played by segments, from an index that the server may have to prepare first. `?t=` in the
 * page's address is where it begins, in seconds, and follows when somebody stops elsewhere, or at a
 * command of the list below.
 */

/** Milliseconds between two questions, and between two looks at where the player is. */
const PAUSE = 500;

const CREDENTIALS = { credentials: /** @type {const} */ ('same-origin') };

const place = document.getElementById('player');
const AsciinemaPlayer = /** @type {any} */ (window).AsciinemaPlayer;

/** @param {string} text */
function say(text) {
  const note = document.getElementById('replay-note');
  if (note === null) return;
  note.textContent = text;
  note.hidden = text === '';
}

function beginning() {
  const t = Number(new URLSearchParams(location.search).get('t'));
  return Number.isFinite(t) && t > 0 ? t : 0;
}

/**
 * The player tells of no seeking, so it is looked at.
 * @param {any} player
 */
function followPosition(player) {
  let last = player.getCurrentTime();
  let shown = '';
  setInterval(() => {
    const now = player.getCurrentTime();
    const stands = now === last;
    last = now;
    const t = typeof now === 'number' && now > 0 ? now.toFixed(1) : '';
    if (!stands || t === '' || t === shown) return;
    shown = t;
    const address = new URL(location.href);
    address.searchParams.set('t', t);
    history.replaceState(null, '', address);
  }, PAUSE);
}

/**
 * A command leads the player to its second; without this, its link does.
 * @param {any} player
 */
function leadTo(player) {
  document.getElementById('commands')?.addEventListener('click', (event) => {
    const link = event.target instanceof Element ? event.target.closest('a[data-second]') : null;
    const second = Number(link?.getAttribute('data-second') ?? Number.NaN);
    if (!Number.isFinite(second)) return;
    event.preventDefault();
    player.seek(second);
    place?.scrollIntoView({ block: 'nearest' });
  });
}

/** @param {object} source */
function play(source) {
  if (place === null) return;
  const at = beginning();
  place.replaceChildren();
  const player = AsciinemaPlayer.create({ ...source, fetchOpts: CREDENTIALS }, place, {
    fit: 'both',
    preload: true,
    poster: `npt:${at || 1}`,
    startAt: at,
    autoPlay: false,
  });
  followPosition(player);
  leadTo(player);
}

/**
 * @param {string} source
 * @param {string} replay
 */
async function ask(source, replay) {
  const response = await fetch(replay, CREDENTIALS);
  if (!response.ok) throw new Error(String(response.status));
  const answer = await response.json();
  say(answer.note ?? '');
  if (answer.play === 'whole') {
    play({ url: source });
  } else if (answer.play === 'segments') {
    const url = new URL(`${replay}/index`, location.href).href;
    play({ driver: 'recording', format: 'segmented', url });
  } else if (answer.play === 'soon') {
    say(`Preparing the replay: ${Math.floor(100 * answer.progress)} %`);
    setTimeout(start, PAUSE, source, replay);
  } else {
    place?.replaceChildren();
  }
}

/**
 * @param {string} source
 * @param {string} replay
 */
function start(source, replay) {
  ask(source, replay).catch(() => {
    say('The server did not say how this is played best: it is played whole.');
    play({ url: source });
  });
}

if (place?.dataset.src && place.dataset.replay && AsciinemaPlayer) {
  start(place.dataset.src, place.dataset.replay);
}
