/** States that a replay is easily wrong about, as text that programs write, on a screen of 40x10. */
export const NASTY: Readonly<Record<string, string>> = {
  'the alternate screen': 'shell\r\n\x1b[?1049h\x1b[2;3Hin vi\x1b[7m status \x1b[0m',
  'the alternate screen left': 'shell\r\n\x1b[?1049h\x1b[2Jvi\x1b[?1049lback ',
  'a scroll region': '1\r\n2\r\n3\r\n4\r\n5\x1b[2;4r\x1b[4;1H',
  'a saved cursor': '\x1b[3;7H\x1b[31m\x1b7\x1b[9;1H\x1b[0mbelow\r\n\r\n\r\n',
  'a hidden cursor': 'x\x1b[?25ly',
  'line drawing': '\x1b(0lqqk\r\nx  x\r\nmqqj',
  'line drawing in G1': '\x1b)0ab\x0eqq',
  'tab stops': '\x1b[3g\x1b[5G\x1bH\x1b[11G\x1bH\r\t',
  'origin mode': '\x1b[3;6r\x1b[?6h\x1b[2;2Hin',
  'origin mode, with the cursor outside':
    '\x1b[9;5H\x1b[?6h\x1b7\x1b[3;5r\x1b[?6l\x1b[9;5H\x1b7\x1b[?6h',
  'the last column': 'x'.repeat(40),
  'the last column, wide': `${'x'.repeat(38)}漢`,
  'a wide character at the margin': `${'x'.repeat(39)}漢字`,
  'half of a wide character': '漢字漢字\x1b[4Gx\x1b[7G\x1b[K',
  'emoji and marks': '🚪e\u0301\u200d👍🏽|',
  'no wrapping': '\x1b[?7labc\x1b[40Gxyz',
  'insert mode': 'abc\r\x1b[4h1',
  'new line mode': '\x1b[20hab\ncd',
  'a split escape sequence': 'ab\x1b[3',
  'a split private sequence': 'ab\x1b[?10',
  'a split colour': 'ab\x1b[38;2;255;1',
  'a split title': 'ab\x1b]0;half of a ti',
  'a split string': 'ab\x1bP1$qm',
  colours: '\x1b[1;3;4;9;38;5;200;48;2;1;2;3mX\x1b[22;38:2::9:8:7mY\x1b[97;105mZ',
  'colours that erase': '\x1b[44m\x1b[2J\x1b[3;3Htext\x1b[K\r\n\x1b[7m\x1b[X',
  'wrapped rows': 'lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod tempor ',
  'a wrapped row, erased': `${'w'.repeat(60)}\x1b[2K`,
  'what scrolled away': Array.from({ length: 30 }, (_, row) => `row ${row}`).join('\r\n'),
  'a reset': 'gone\x1b[5;8r\x1b[?6h\x1b(0\x1bcnew',
  'a soft reset': '\x1b[5;8r\x1b[?7l\x1b[4mx\x1b[!py',
};

/** REP, which may say 65535 in nine bytes. */
export const REPEATED: Readonly<Record<string, string>> = {
  'a repeated character': 'abc\x1b[7bd',
  'a character repeated over the screen': 'a\x1b[417bb',
  'a character repeated in a scroll region': '\x1b[2;4r\x1b[3;5Hx\x1b[333by',
  'a character repeated at the margin': '\x1b[?7lab\x1b[2000bc',
};

/** What a random row of is anything: states, moves, erasing, scrolling, modes. */
export const PIECES = [
  ...Object.values(NASTY),
  ...['\r\n', '\n', '\r', '\b', '\t', '\x1b7', '\x1b8', '\x1bM', '\x1bD', '\x1bH', '\x0e', '\x0f'],
  ...['\x1b[2;5r', '\x1b[r', '\x1b[3L', '\x1b[2M', '\x1b[4P', '\x1b[5@', '\x1b[6X', '\x1b[3b'],
  ...['\x1b[K', '\x1b[1K', '\x1b[J', '\x1b[1J', '\x1b[2J', '\x1b[H', '\x1b[5;30H', '\x1b[?6l'],
  ...['\x1b[?1048h', '\x1b[?1048l', '\x1b[?1049h', '\x1b[?1049l', '\x1b[0m', '\x1b[32m', '\x1b[7m'],
  ...['\x1b[2S', '\x1b[T', '\x1b(B', '\x1b#8', '\x1b[4l', '\x1b[?7h', '\x1b[A', '\x1b[9C', '漢'],
];
