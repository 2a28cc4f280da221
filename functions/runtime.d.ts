/**
 * What our functions use of Deno and of Supabase's Edge Runtime, for the compiler of Node's side: Deno's own declarations and those of the DOM
 * and Node cannot stand in one program. A function's index.ts is the only place that names them.
 */
declare const Deno: { readonly env: { toObject(): Record<string, string> } };

/** Present on Supabase and absent in plain Deno: ask `typeof EdgeRuntime` first. */
declare const EdgeRuntime: { waitUntil(promise: Promise<unknown>): void };
