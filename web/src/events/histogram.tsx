import { type KeyboardEvent, type PointerEvent, useMemo, useRef, useState } from "react";
import type { Bucket, Stats } from "../api.ts";
import { formatTime, type Zone, zoneName } from "../time-format.ts";
import { barsOf, HEIGHT, linesOf, results, ticksOf, totalOf, WIDTH } from "./histogram-shape.ts";

type Props = { readonly stats: Stats | undefined; readonly zone: Zone; readonly onSelect: (from: string, to: string) => void };
type Span = readonly [number, number];

/** Events over time, stacked by result. Dragging narrows the range; so do the arrow keys with Shift, and Enter. */
export function Histogram({ stats, zone, onSelect }: Props) {
  const buckets = stats?.histogram.buckets ?? [];
  const { selection, shown, handlers } = useSpan(buckets, onSelect);
  return (
    <figure className="histogram">
      <figcaption className="visually-hidden">Events over time by result. Arrow keys choose a bar, Shift extends, Enter narrows the range.</figcaption>
      <div className="histogram-head" aria-hidden="true">
        <span className="histogram-readout">{shown === undefined ? "" : textOf(buckets, shown, zone)}</span>
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
          aria-valuemax={Math.max(0, buckets.length - 1)}
          aria-valuenow={selection?.[1] ?? Math.max(0, buckets.length - 1)}
          aria-valuetext={selection === undefined ? buckets.length === 0 ? "no events" : "the whole range" : textOf(buckets, selection, zone)}
          {...handlers}
        >
          {linesOf(buckets).map(({ y, value }) => <line key={value} className="gridline" x1={0} x2={WIDTH} y1={y} y2={y} />)}
          {shown !== undefined && <Selection span={shown} count={buckets.length} isChosen={selection !== undefined} />}
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

/** The span of `buckets` that is being chosen, by pointer or by keys, and the one to show: chosen, or else pointed at. */
function useSpan(buckets: readonly Bucket[], onSelect: Props["onSelect"]) {
  const [chosen, setChosen] = useState<Span>();
  const [pointed, setPointed] = useState<number>();
  const anchor = useRef<number>(undefined);
  const last = buckets.length - 1;
  // Other figures may have come meanwhile, in fewer bars.
  const within = (span: Span | undefined): Span | undefined => span === undefined || last < 0 ? undefined : [Math.min(last, span[0]), Math.min(last, span[1])];
  const selection = within(chosen);

  const bucketAt = (event: PointerEvent<SVGSVGElement>) => {
    const box = event.currentTarget.getBoundingClientRect();
    return Math.max(0, Math.min(last, Math.floor((event.clientX - box.left) / box.width * buckets.length)));
  };
  const end = (span: Span | undefined) => {
    anchor.current = undefined;
    setChosen(undefined);
    if (span === undefined) return;
    const [first, final] = [buckets[Math.min(...span)], buckets[Math.max(...span)]];
    if (first !== undefined && final !== undefined) onSelect(first.from, final.to);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const by = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    if (by !== 0 && last >= 0) {
      event.preventDefault();
      const [start, at] = selection ?? [last, last];
      const next = Math.max(0, Math.min(last, at + by));
      setChosen(event.shiftKey ? [start, next] : [next, next]);
    } else if (event.key === "Enter" && selection !== undefined) end(selection);
    else if (event.key === "Escape") end(undefined);
  };
  const onPointerDown = (event: PointerEvent<SVGSVGElement>) => {
    // The other buttons are for menus, and a second finger is no drag.
    if (last < 0 || event.button !== 0 || !event.isPrimary) return;
    event.currentTarget.setPointerCapture(event.pointerId);
    anchor.current = bucketAt(event);
    setChosen([anchor.current, anchor.current]);
  };
  const onPointerMove = (event: PointerEvent<SVGSVGElement>) => {
    if (last < 0) return;
    if (anchor.current === undefined) setPointed(bucketAt(event));
    else setChosen([anchor.current, bucketAt(event)]);
  };
  const onPointerUp = (event: PointerEvent<SVGSVGElement>) => {
    if (anchor.current !== undefined) end([anchor.current, bucketAt(event)]);
  };
  const handlers = { onKeyDown, onPointerDown, onPointerMove, onPointerUp, onPointerCancel: () => end(undefined), onPointerLeave: () => setPointed(undefined) };
  return { selection, shown: selection ?? within(pointed === undefined ? undefined : [pointed, pointed]), handlers };
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
