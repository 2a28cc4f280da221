import { exitCodes } from "./exit-codes.ts";

/**
 * A signal that Ctrl-C (or SIGTERM) aborts: the command ends at its next safe point and says how to go on. A second Ctrl-C, half a second later or more,
 * does not wait for that: npm passes the first one on to us a second time within milliseconds.
 */
export function interruption(): AbortSignal {
  const controller = new AbortController();
  let askedAt: number | undefined;
  const ask = () => {
    if (askedAt !== undefined && performance.now() - askedAt > 500) process.exit(exitCodes.interrupted);
    askedAt ??= performance.now();
    controller.abort();
  };
  process.on("SIGINT", ask);
  process.on("SIGTERM", ask);
  return controller.signal;
}
