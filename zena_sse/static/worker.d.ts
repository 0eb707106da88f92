// What the server puts before the text of sw.js; see zena_sse/web/pages.py. Not served.

/** Of all files together. */
declare const VERSION: string;
/** The addresses of what the page is made of. */
declare const FILES: readonly string[];
