// @ts-check
/* The island of a terminal that waits for an approval: asks again, for as long as the page is open. */
(() => {
  const wish = document.getElementById('terminal-wish');
  if (wish instanceof HTMLFormElement) setTimeout(() => wish.submit(), 3000);
})();
