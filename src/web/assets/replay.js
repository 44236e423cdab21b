// @ts-check
/* The replay page's one island: shows the recording that the page names, in asciinema-player. */
(() => {
  const place = document.getElementById('player');
  const source = place?.dataset.src;
  const player = /** @type {any} */ (window).AsciinemaPlayer;
  if (!place || !source || !player) return;
  place.replaceChildren();
  player.create({ url: source, fetchOpts: { credentials: 'same-origin' } }, place, {
    fit: 'both',
    preload: true,
    poster: 'npt:0:01',
    autoPlay: false,
  });
})();
