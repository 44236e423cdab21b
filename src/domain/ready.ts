/**
 * What a running server tells scripts about itself: the content of POSTERN_READY_FILE and of
 * DATA_DIR/ready.json (spec/interface.md, "Settings"). Names as they stand in the file.
 */
export interface ReadyFacts {
  readonly ssh: { readonly host: string; readonly port: number };
  /** Without a slash at its end. */
  readonly http: { readonly url: string };
  readonly pid: number;
  /** Absolute path. */
  readonly admin_token_file: string;
}
