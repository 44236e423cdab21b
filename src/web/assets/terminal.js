// @ts-check
/* The island of a terminal: a session's WebSocket (docs/web-terminal.md), an emulator, the keyboard. */
const PIECE = 8000;

/** @param {string} id */
const byId = (id) => /** @type {HTMLElement} */ (document.getElementById(id));
const [place, note] = [byId('terminal'), byId('terminal-note')];
const keyboard = /** @type {HTMLTextAreaElement} */ (byId('terminal-keys'));
const { url = '', token = '', emulator = '', screen: screenAt = '', keys = '' } = place.dataset;
const [{ Terminal }, { Screen }, { keyText }] = await Promise.all([
  import(emulator),
  import(screenAt),
  import(keys),
]);

const terminal = new Terminal({ scrollback: 5000, allowProposedApi: true });
const screen = new Screen(terminal, place);
// To where this page came from, whatever name the server knows itself by.
const address = new URL(new URL(url).pathname, location.href);
address.protocol = address.protocol === 'https:' ? 'wss:' : 'ws:';
const socket = new WebSocket(address);

/** @param {object} message */
function send(message) {
  if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
}

/** @param {string} data */
function type(data) {
  for (let from = 0; from < data.length; from += PIECE) {
    send({ type: 'input', data: data.slice(from, from + PIECE) });
  }
  terminal.scrollToBottom();
}

function adapt() {
  const size = screen.size();
  if (size.cols === terminal.cols && size.rows === terminal.rows) return;
  terminal.resize(size.cols, size.rows);
  send({ type: 'resize', ...size });
  screen.paint();
}

/** @param {string} text */
function say(text) {
  note.textContent = text;
}

/** @param {{ type: string, data?: string, message?: string | null, exit_status?: number | null }} message */
function take({ type: kind, data = '', message = null, exit_status: status = null }) {
  if (kind === 'output') terminal.write(data, () => screen.paint());
  if (kind === 'error') say(message ?? '');
  if (kind !== 'disconnect') return;
  say(message ?? `The session has ended${status === null ? '' : `, with status ${status}`}.`);
}

socket.addEventListener('open', () => {
  send({ type: 'auth', token });
  send({ type: 'resize', cols: terminal.cols, rows: terminal.rows });
  say('Connected. Shift+Escape leaves the terminal.');
});
socket.addEventListener('message', ({ data }) => take(JSON.parse(data)));
socket.addEventListener('close', ({ code }) => {
  if (code !== 1000) say(`${note.textContent} Not connected.`);
  keyboard.disabled = true;
  byId('terminal-after').hidden = false;
});

keyboard.addEventListener('keydown', (event) => {
  if (event.key === 'Escape' && event.shiftKey) {
    keyboard.blur();
    return;
  }
  const selected = getSelection()?.toString() ?? '';
  if (event.isComposing || (event.ctrlKey && event.key === 'c' && selected !== '')) return;
  const text = keyText(event, terminal.modes.applicationCursorKeysMode);
  if (text === null) return;
  event.preventDefault();
  type(text);
});
keyboard.addEventListener('input', (event) => {
  if (/** @type {InputEvent} */ (event).isComposing) return;
  type(keyboard.value.replaceAll('\n', '\r'));
  keyboard.value = '';
});
keyboard.addEventListener('compositionend', () => {
  type(keyboard.value);
  keyboard.value = '';
});
keyboard.addEventListener('paste', (event) => {
  event.preventDefault();
  const text = (event.clipboardData?.getData('text') ?? '').replaceAll(/\r?\n/g, '\r');
  // What is pasted cannot say that it ends.
  const safe = text.replaceAll('\x1b', '');
  type(terminal.modes.bracketedPasteMode ? `\x1b[200~${safe}\x1b[201~` : safe);
});
keyboard.addEventListener('focus', () => place.classList.add('focused'));
keyboard.addEventListener('blur', () => place.classList.remove('focused'));
place.addEventListener('mouseup', () => {
  if ((getSelection()?.toString() ?? '') === '') keyboard.focus();
});
place.addEventListener(
  'wheel',
  (event) => {
    event.preventDefault();
    terminal.scrollLines(Math.sign(event.deltaY) * 3);
    screen.paint();
  },
  { passive: false },
);

// What a program asks of its terminal is answered by the emulator.
terminal.onData((/** @type {string} */ data) => send({ type: 'input', data }));
new ResizeObserver(() => adapt()).observe(place);
adapt();
screen.paint();
keyboard.focus();
