import type { Parsed } from './parsers.ts';

/** One setting: its name is both the variable's and the key's in the YAML file. */
export interface Option<Value> {
  readonly name: string;
  /** Read when the setting is not given; null: then it stays unset. */
  readonly fallback: string | null;
  /** Instead of `fallback` with `--demo`. */
  readonly demo?: string;
  readonly parse: (text: string) => Parsed<Value>;
  /** `whole`: never shown; `in-url`: shown without its password. */
  readonly secret: 'no' | 'whole' | 'in-url';
  /** The default, in words, where `fallback` does not say it. */
  readonly fallbackText?: string;
  readonly doc: string;
}
