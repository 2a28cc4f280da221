/** A line on stderr that tells how far a long run has come; it never mixes with what goes to stdout. */
export type Progress = { update(done: number): void; finish(): void };

const everyMs = 1000;

/**
 * Progress towards about `expected` of `what`: rate and time left. On a terminal the line is overwritten; elsewhere it is written now and then. What
 * was done `before` counts for the way, but not for the rate.
 */
export function startProgress(
  what: string,
  expected: number | ((done: number) => number),
  now: () => number = () => performance.now(),
  before = 0,
): Progress {
  const started = now();
  const isTerminal = process.stderr.isTTY;
  let shownAt = started;
  let shown = false;
  const line = (done: number) => {
    const seconds = (now() - started) / 1000;
    const rate = (done - before) / Math.max(seconds, 0.001);
    const end = typeof expected === "number" ? expected : expected(done);
    const left = end > done && rate > 0 ? `, about ${duration((end - done) / rate)} left` : "";
    return `${done.toLocaleString("en")} ${done === 1 ? what.replace(/s$/, "") : what}, ${Math.round(rate).toLocaleString("en")}/s${left}`;
  };
  let last = 0;
  return {
    update(done) {
      last = done;
      if (now() - shownAt < (isTerminal ? everyMs / 4 : 10 * everyMs)) return;
      shownAt = now();
      shown = true;
      process.stderr.write(isTerminal ? `\r\u001b[K${line(done)}` : `${line(done)}\n`);
    },
    finish() {
      if (isTerminal && shown) process.stderr.write("\r\u001b[K");
      if (last > 0) process.stderr.write(`${line(last)}\n`);
    },
  };
}

function duration(seconds: number): string {
  if (seconds < 90) return `${Math.ceil(seconds)} s`;
  return seconds < 5400 ? `${Math.ceil(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;
}
