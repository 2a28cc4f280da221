import { type KeyboardEvent, type PointerEvent, useMemo, useRef, useState } from "react";
import { scaleLinear } from "d3-scale";
import { stack } from "d3-shape";
import type { Bucket, Stats } from "./api.ts";
import { formatTime, type Zone, zoneName } from "./time-format.ts";

const WIDTH = 1200;
const HEIGHT = 96;
const results = ["success", "warning", "failure"] as const;

type Props = { readonly stats: Stats | undefined; readonly zone: Zone; readonly onSelect: (from: string, to: string) => void };

/** Events over time, stacked by result. Dragging narrows the range; so do the arrow keys with Shift, and Enter. */
export function Histogram({ stats, zone, onSelect }: Props) {
  const buckets = stats?.histogram.buckets ?? [];
  const [selection, setSelection] = useState<readonly [number, number]>();
  const anchor = useRef<number>(undefined);
  const bars = useMemo(() => barsOf(buckets), [buckets]);
  const step = WIDTH / Math.max(1, buckets.length);

  const bucketAt = (event: PointerEvent<SVGSVGElement>) => {
    const box = event.currentTarget.getBoundingClientRect();
    return Math.max(0, Math.min(buckets.length - 1, Math.floor((event.clientX - box.left) / box.width * buckets.length)));
  };
  const choose = (from: number, to: number) => {
    const [first, last] = from <= to ? [buckets[from], buckets[to]] : [buckets[to], buckets[from]];
    setSelection(undefined);
    if (first !== undefined && last !== undefined) onSelect(first.from, last.to);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const by = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    if (by !== 0 && buckets.length > 0) {
      event.preventDefault();
      const [start, end] = selection ?? [buckets.length - 1, buckets.length - 1];
      const next = Math.max(0, Math.min(buckets.length - 1, end + by));
      setSelection(event.shiftKey ? [start, next] : [next, next]);
    } else if (event.key === "Enter" && selection !== undefined) choose(...selection);
    else if (event.key === "Escape") setSelection(undefined);
  };

  return (
    <figure className="histogram">
      <figcaption className="visually-hidden">Events over time by result. Arrow keys choose a bar, Shift extends, Enter narrows the range.</figcaption>
      <svg
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        preserveAspectRatio="none"
        role="slider"
        tabIndex={0}
        aria-label="Time range"
        aria-valuemin={0}
        aria-valuemax={Math.max(0, buckets.length - 1)}
        aria-valuenow={selection?.[1] ?? Math.max(0, buckets.length - 1)}
        aria-valuetext={textOf(buckets, selection, zone)}
        onKeyDown={onKeyDown}
        onPointerDown={(event) => {
          if (buckets.length === 0) return;
          event.currentTarget.setPointerCapture(event.pointerId);
          anchor.current = bucketAt(event);
          setSelection([anchor.current, anchor.current]);
        }}
        onPointerMove={(event) => anchor.current !== undefined && setSelection([anchor.current, bucketAt(event)])}
        onPointerUp={(event) => {
          if (anchor.current !== undefined) choose(anchor.current, bucketAt(event));
          anchor.current = undefined;
        }}
      >
        {selection !== undefined && (
          <rect className="selection" x={Math.min(...selection) * step} width={(Math.abs(selection[1] - selection[0]) + 1) * step} y={0} height={HEIGHT} />
        )}
        {bars.map((bar) => (
          <rect key={bar.key} className={`bar ${bar.result}`} x={bar.index * step + step * 0.1} width={step * 0.8} y={bar.y} height={bar.height} />
        ))}
      </svg>
      <div className="axis" aria-hidden="true">
        <span>{buckets[0] === undefined ? "" : `${formatTime(buckets[0].from, zone).slice(0, 16)} ${zoneName(zone)}`}</span>
        <ul className="legend">{results.map((result) => <li key={result} className={result}>{result}</li>)}</ul>
        <span>{buckets.length === 0 ? "" : formatTime((buckets.at(-1) as Bucket).to, zone).slice(0, 16)}</span>
      </div>
    </figure>
  );
}

function barsOf(buckets: readonly Bucket[]) {
  const tallest = Math.max(1, ...buckets.map((bucket) => bucket.success + bucket.failure + bucket.warning));
  const y = scaleLinear([0, tallest], [HEIGHT, 2]);
  const layers = stack<Bucket, (typeof results)[number]>().keys(results).value((bucket, key) => bucket[key])([...buckets]);
  return layers.flatMap((layer) =>
    layer.flatMap(([low, high], index) =>
      high === low ? [] : [{ key: `${layer.key} ${index}`, result: layer.key, index, y: y(high), height: Math.max(1, y(low) - y(high)) }]
    )
  );
}

function textOf(buckets: readonly Bucket[], selection: readonly [number, number] | undefined, zone: Zone): string {
  if (buckets.length === 0) return "no events";
  if (selection === undefined) return "the whole range";
  const [first, last] = [buckets[Math.min(...selection)] as Bucket, buckets[Math.max(...selection)] as Bucket];
  const chosen = buckets.slice(Math.min(...selection), Math.max(...selection) + 1);
  const count = chosen.reduce((sum, bucket) => sum + bucket.success + bucket.failure + bucket.warning, 0);
  return `${formatTime(first.from, zone).slice(0, 16)} to ${formatTime(last.to, zone).slice(0, 16)}, ${count} events`;
}
