import type { Line } from '../replay/terminal/line.ts';

/** What happens on a terminal that has to do with shells and text. */
export interface TerminalEvents {
  /** A line is whole; `null`: it was written as it is, and no row of the screen has it any more. */
  line(text: string, from: number, rows: readonly Line[] | null): void;
  /** Before the cursor leaves its row downwards. */
  newline(): void;
  /** As `newline`, on the other screen. */
  lineFeed(): void;
  /** Before the cursor goes down by itself. */
  lowered(): void;
  /** An operating system command. */
  command(text: string): void;
  /** Bracketed paste was switched on or off: a line editor begins, or is done. */
  paste(on: boolean): void;
  /** It was asked where the cursor is. */
  asked(): void;
  /** Text is drawn in reverse. */
  reversed(): void;
  /** A multiplexer (tmux, GNU screen) says that it takes the terminal. */
  announced(): void;
  /** The screen is about to be erased, or changed for the other one. */
  erasing(): void;
  /** The other screen is about to be left. */
  leaving(): void;
  /** The other screen is shown, or the first one again. */
  alternate(on: boolean): void;
}
