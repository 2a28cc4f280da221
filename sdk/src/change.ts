/** What an update changed: the two sides hold only what differs, nested as it was; `changed` names each difference by its dotted path. */
export type Change = {
  readonly before?: Record<string, unknown>;
  readonly after?: Record<string, unknown>;
  readonly changed: readonly string[];
};

/** JSON characters of both sides together beyond which only the names of what changed are kept: an event's context is limited to 32 KiB. */
const changeLengthMax = 16_000;
const pathsMax = 200;
const depthMax = 16;

/** The difference of two versions of an object. Objects are compared key by key; everything else, arrays too, as a whole by its JSON. */
export function changeOf(before: object, after: object): Change {
  const paths: string[] = [];
  const [was, is] = difference(before as Record<string, unknown>, after as Record<string, unknown>, "", paths, 0);
  const length = (JSON.stringify(was)?.length ?? 0) +
    (JSON.stringify(is)?.length ?? 0);
  const changed = paths.slice(0, pathsMax);
  return length > changeLengthMax ? { changed } : { before: was, after: is, changed };
}

type Sides = readonly [Record<string, unknown>, Record<string, unknown>];

function difference(before: Record<string, unknown>, after: Record<string, unknown>, prefix: string, paths: string[], depth: number): Sides {
  const was: Record<string, unknown> = {};
  const is: Record<string, unknown> = {};
  for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
    const [old, now] = [before[key], after[key]];
    if (isPlain(old) && isPlain(now) && depth < depthMax) {
      const inner = difference(old, now, `${prefix}${key}.`, paths, depth + 1);
      if (Object.keys(inner[0]).length > 0) was[key] = inner[0];
      if (Object.keys(inner[1]).length > 0) is[key] = inner[1];
    } else if (old !== now && JSON.stringify(old) !== JSON.stringify(now)) {
      paths.push(prefix + key);
      if (old !== undefined) was[key] = old;
      if (now !== undefined) is[key] = now;
    }
  }
  return [was, is];
}

function isPlain(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value) && Object.getPrototypeOf(value) === Object.prototype;
}
