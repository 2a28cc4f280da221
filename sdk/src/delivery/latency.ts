/** A histogram of milliseconds in 96 steps that grow by a fifth: fixed memory, percentiles within 20 %. */
export type Latency = {
  readonly counts: Uint32Array;
  total: number;
  maxMs: number;
};

export type LatencyPercentiles = {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
};

const steps = 96;
const growth = Math.log(1.2);

export function latency(): Latency {
  return { counts: new Uint32Array(steps), total: 0, maxMs: 0 };
}

export function recordLatency(one: Latency, ms: number): void {
  const step = Math.min(steps - 1, Math.max(0, Math.ceil(Math.log(Math.max(ms, 0.1) / 0.1) / growth)));
  one.counts[step] = (one.counts[step] ?? 0) + 1;
  one.total++;
  if (ms > one.maxMs) one.maxMs = ms;
}

/** Upper bounds of the steps in which the percentiles lie, in milliseconds; zeros when nothing was recorded. */
export function percentiles(one: Latency): LatencyPercentiles {
  const at = (share: number) => {
    let seen = 0;
    for (let step = 0; step < steps; step++) {
      seen += one.counts[step] ?? 0;
      if (seen >= one.total * share) {
        return Math.min(one.maxMs, 0.1 * Math.exp(step * growth));
      }
    }
    return one.maxMs;
  };
  return one.total === 0 ? { p50: 0, p95: 0, p99: 0, max: 0 } : { p50: at(0.5), p95: at(0.95), p99: at(0.99), max: one.maxMs };
}
