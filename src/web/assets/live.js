// @ts-check
/* The island of a session that runs: follows the channel that the page names, in asciinema-player. */
(() => {
  const place = document.getElementById('player');
  const note = document.getElementById('live-note');
  const source = place?.dataset.live;
  const Player = /** @type {any} */ (window).AsciinemaPlayer;
  if (!place || !source || !Player) return;
  const url = new URL(source, location.href);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  place.replaceChildren();
  const driver = { driver: 'websocket', url: url.href, bufferTime: 0 };
  const player = Player.create(driver, place, { fit: 'both', autoPlay: true });
  const ended = () => {
    const replay = note?.querySelector('a');
    if (!note || !replay) return;
    replay.textContent = 'Replay it';
    note.replaceChildren('This channel has ended, or you may not follow it any more. ', replay);
  };
  player.addEventListener('marker', (/** @type {{ label?: string }} */ { label }) => {
    if (note && label?.startsWith('postern: ')) {
      const line = document.createElement('span');
      line.textContent = `${label.slice('postern: '.length)}. `;
      note.querySelector('span')?.remove();
      note.prepend(line);
    }
  });
  player.addEventListener('ended', ended);
})();
