import { type KeyboardEvent, type PointerEvent, useMemo, useRef, useState } from "react";
import type { Bucket, Stats } from "../api.ts";
import { formatTime, type Zone, zoneName } from "../time-format.ts";
import { barsOf, HEIGHT, linesOf, results, ticksOf, totalOf, WIDTH } from "./histogram-shape.ts";

type Props = { readonly stats: Stats | undefined; readonly zone: Zone; readonly onSelect: (from: string, to: string) => void };
type Span = readonly [number, number];

/** Events over time, stacked by result. Dragging narrows the range; so do the arrow keys with Shift, and Enter. */
export function Histogram({ stats, zone, onSelect }: Props) {
  const buckets = stats?.histogram.buckets ?? [];
  const [selection, setSelection] = useState<Span>();
  const [pointed, setPointed] = useState<number>();
  const anchor = useRef<number>(undefined);
  const last = Math.max(0, buckets.length - 1);

  const bucketAt = (event: PointerEvent<SVGSVGElement>) => {
    const box = event.currentTarget.getBoundingClientRect();
    return Math.max(0, Math.min(last, Math.floor((event.clientX - box.left) / box.width * buckets.length)));
  };
  const choose = (from: number, to: number) => {
    const [first, end] = from <= to ? [buckets[from], buckets[to]] : [buckets[to], buckets[from]];
    setSelection(undefined);
    if (first !== undefined && end !== undefined) onSelect(first.from, end.to);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const by = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    if (by !== 0 && buckets.length > 0) {
      event.preventDefault();
      const [start, end] = selection ?? [last, last];
      const next = Math.max(0, Math.min(last, end + by));
      setSelection(event.shiftKey ? [start, next] : [next, next]);
    } else if (event.key === "Enter" && selection !== undefined) choose(...selection);
    else if (event.key === "Escape") setSelection(undefined);
  };
  const shown: Span | undefined = selection ?? (pointed === undefined ? undefined : [pointed, pointed]);

  return (
    <figure className="histogram">
      <figcaption className="visually-hidden">Events over time by result. Arrow keys choose a bar, Shift extends, Enter narrows the range.</figcaption>
      <div className="histogram-head" aria-hidden="true">
        <span className="histogram-readout">{shown === undefined || buckets.length === 0 ? "" : textOf(buckets, shown, zone)}</span>
        <ul className="legend">{results.map((result) => <li key={result} className={result}>{result}</li>)}</ul>
      </div>
      <div className="histogram-plot">
        <svg
          viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
          preserveAspectRatio="none"
          role="slider"
          tabIndex={0}
          aria-label="Time range"
          aria-valuemin={0}
          aria-valuemax={last}
          aria-valuenow={selection?.[1] ?? last}
          aria-valuetext={selection === undefined ? buckets.length === 0 ? "no events" : "the whole range" : textOf(buckets, selection, zone)}
          onKeyDown={onKeyDown}
          onPointerDown={(event) => {
            if (buckets.length === 0) return;
            event.currentTarget.setPointerCapture(event.pointerId);
            anchor.current = bucketAt(event);
            setSelection([anchor.current, anchor.current]);
          }}
          onPointerMove={(event) => {
            if (buckets.length === 0) return;
            const at = bucketAt(event);
            if (anchor.current === undefined) setPointed(at);
            else setSelection([anchor.current, at]);
          }}
          onPointerLeave={() => setPointed(undefined)}
          onPointerCancel={() => {
            anchor.current = undefined;
            setSelection(undefined);
          }}
          onPointerUp={(event) => {
            if (anchor.current !== undefined) choose(anchor.current, bucketAt(event));
            anchor.current = undefined;
          }}
        >
          {linesOf(buckets).map(({ y, value }) => <line key={value} className="gridline" x1={0} x2={WIDTH} y1={y} y2={y} />)}
          {shown !== undefined && buckets.length > 0 && <Selection span={shown} count={buckets.length} isChosen={selection !== undefined} />}
          <Bars buckets={buckets} />
        </svg>
        <div aria-hidden="true">
          {linesOf(buckets).map(({ y, value }) => (
            <span key={value} className="gridline-label" style={{ top: `${y / HEIGHT * 100}%` }}>{value.toLocaleString("en")}</span>
          ))}
        </div>
      </div>
      <div className="axis" aria-hidden="true">
        {ticksOf(buckets, zone).map(({ at, label }) => <span key={at} style={{ left: `${at * 100}%` }}>{label}</span>)}
      </div>
    </figure>
  );
}

/** Kept apart: the pointer moves often, the bars do not change with it. */
function Bars({ buckets }: { readonly buckets: readonly Bucket[] }) {
  return useMemo(() => <>{barsOf(buckets).map(({ key, result, ...box }) => <rect key={key} className={`bar ${result}`} {...box} />)}</>, [buckets]);
}

function Selection({ span, count, isChosen }: { readonly span: Span; readonly count: number; readonly isChosen: boolean }) {
  const step = WIDTH / count;
  const width = (Math.abs(span[1] - span[0]) + 1) * step;
  return <rect className={isChosen ? "selection" : "pointed"} x={Math.min(...span) * step} width={width} y={0} height={HEIGHT} />;
}

function textOf(buckets: readonly Bucket[], span: Span, zone: Zone): string {
  const [start, end] = [Math.min(...span), Math.max(...span)];
  const chosen = buckets.slice(start, end + 1);
  const count = chosen.reduce((sum, bucket) => sum + totalOf(bucket), 0);
  const minute = (time: string | undefined) => time === undefined ? "" : formatTime(time, zone).slice(0, 16);
  const failed = chosen.reduce((sum, bucket) => sum + bucket.failure, 0);
  const failures = failed === 0 ? "" : `, ${failed.toLocaleString("en")} failed`;
  return `${minute(chosen[0]?.from)} to ${minute(chosen.at(-1)?.to)} ${zoneName(zone)}${failures}, ${count.toLocaleString("en")} events`;
}
