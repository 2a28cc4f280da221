/** A copy of `value` in which what stands under a name of `hidden` (lower-case) reads "[redacted]", at any depth an event may have. */
export function redacted(value: unknown, hidden: ReadonlySet<string>, depth = 0): unknown {
  if (typeof value !== "object" || value === null || value instanceof Date || depth > 64) return value;
  if (Array.isArray(value)) {
    return value.map((item) => redacted(item, hidden, depth + 1));
  }
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [name, hidden.has(name.toLowerCase()) ? "[redacted]" : redacted(item, hidden, depth + 1)]),
  );
}
