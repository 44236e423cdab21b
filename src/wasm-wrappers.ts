import { setFlagsFromString } from 'node:v8';

/**
 * Imported first where a process begins, before it has threads. Node strips our types with WebAssembly, in each
 * thread, and PGlite is WebAssembly. V8 compiles the way out of it into a JavaScript function after 1000 calls, once
 * for all threads; when the last of them ends while another takes it, it is freed twice, and the process dies of
 * `Check failed: jit_page_->allocations_.erase(addr) == 1`, or of what was freed (the same symptoms:
 * https://github.com/nodejs/node/issues/64500). V8 later learned not to take what is dying (`AddRefIfNotDying` in
 * wasm-import-wrapper-cache.cc); Node 24's V8 13.6 died once in some thousand starts of the recorder's thread. So
 * nothing is compiled for it: 28 ns a call instead of 4, and PGlite's queries take as long as before.
 */
setFlagsFromString('--wasm-wrapper-tiering-budget=1000000000');
