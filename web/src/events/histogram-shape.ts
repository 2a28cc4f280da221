import { scaleLinear, scaleTime, scaleUtc } from "d3-scale";
import { stack } from "d3-shape";
import type { Bucket } from "../api.ts";
import { formatTime, type Zone } from "../time-format.ts";

export const WIDTH = 1200;
export const HEIGHT = 88;
/** From the baseline up: what an auditor compares stands on the line. */
export const results = ["failure", "warning", "success"] as const;

/** Height that even one event has: a failure among thousands must be seen. */
const LEAST = 2;

export function totalOf(bucket: Bucket): number {
  return bucket.success + bucket.failure + bucket.warning;
}

function heightScale(buckets: readonly Bucket[]) {
  return scaleLinear([0, Math.max(1, ...buckets.map(totalOf))], [HEIGHT, 6]);
}

/** A box for each result of each bucket, bottom up. */
export function barsOf(buckets: readonly Bucket[]) {
  const y = heightScale(buckets);
  const step = WIDTH / Math.max(1, buckets.length);
  const layers = stack<Bucket, (typeof results)[number]>().keys(results).value((bucket, key) => bucket[key])([...buckets]);
  const raised = buckets.map(() => 0);
  return layers.flatMap((layer) =>
    layer.flatMap(([low, high], index) => {
      if (high === low) return [];
      const height = Math.max(LEAST, y(low) - y(high));
      const lift = raised[index] ?? 0;
      raised[index] = lift + height - (y(low) - y(high));
      const place = { x: index * step + step * 0.08, width: step * 0.84, y: y(low) - height - lift, height };
      return [{ key: `${layer.key} ${index}`, result: layer.key, ...place }];
    })
  );
}

/** Lines to read heights by: round counts. */
export function linesOf(buckets: readonly Bucket[]): readonly { readonly y: number; readonly value: number }[] {
  if (buckets.length === 0) return [];
  const y = heightScale(buckets);
  return y.ticks(2).filter((value) => value > 0 && Number.isInteger(value)).map((value) => ({ value, y: y(value) }));
}

/** Round times of the zone along the axis, as shares of its length. */
export function ticksOf(buckets: readonly Bucket[], zone: Zone): readonly { readonly at: number; readonly label: string }[] {
  const [first, last] = [buckets[0], buckets.at(-1)];
  if (first === undefined || last === undefined) return [];
  const [from, to] = [Date.parse(first.from), Date.parse(last.to)];
  const isLong = to - from > 2 * 86_400_000;
  const scale = (zone === "utc" ? scaleUtc : scaleTime)([new Date(from), new Date(to)], [0, 1]);
  return scale.ticks(6).map((tick) => {
    const text = formatTime(tick.toISOString(), zone);
    const isMidnight = text.slice(11, 16) === "00:00";
    return { at: scale(tick), label: isLong || isMidnight ? text.slice(5, isMidnight ? 10 : 16) : text.slice(11, 16) };
  }).filter(({ at }) => at > 0.03 && at < 0.97);
}
