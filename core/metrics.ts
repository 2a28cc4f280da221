/** Labels of one series. Values come from our own code or are bounded by it: no tenant, no principal, nothing that a caller chose. */
export type Labels = Readonly<Record<string, string>>;

export type Counter = { readonly add: (labels?: Labels, by?: number) => void };
export type Gauge = { readonly set: (value: number, labels?: Labels) => void };
export type Histogram = { readonly observe: (value: number, labels?: Labels) => void };

/** Figures of one process, in Prometheus' text format. */
export type Metrics = {
  readonly counter: (name: string, help: string) => Counter;
  readonly gauge: (name: string, help: string) => Gauge;
  /** `bounds` are upper bounds in ascending order; +Inf is added. */
  readonly histogram: (name: string, help: string, bounds: readonly number[]) => Histogram;
  /** Every family that has a series, in order of registration. */
  readonly text: () => string;
};

type Family = { readonly head: string; readonly lines: () => readonly string[] };

/** An empty registry. A gauge that was set once stays until it is set again. */
export function createMetrics(): Metrics {
  const families: Family[] = [];
  const register = (name: string, help: string, type: string, lines: () => readonly string[]) => {
    families.push({ head: `# HELP ${name} ${help.replaceAll("\\", "\\\\").replaceAll("\n", "\\n")}\n# TYPE ${name} ${type}`, lines });
  };
  const single = (name: string, help: string, type: string) => {
    const values = new Map<string, number>();
    register(name, help, type, () => Array.from(values, ([labels, value]) => `${name}${labels} ${numberText(value)}`));
    return values;
  };
  return {
    counter: (name, help) => {
      const values = single(name, help, "counter");
      return { add: (labels = {}, by = 1) => void values.set(labelText(labels), (values.get(labelText(labels)) ?? 0) + by) };
    },
    gauge: (name, help) => {
      const values = single(name, help, "gauge");
      return { set: (value, labels = {}) => void values.set(labelText(labels), value) };
    },
    histogram: (name, help, bounds) => {
      const series = new Map<string, Series>();
      register(name, help, "histogram", () => [...series.values()].flatMap((one) => histogramLines(name, bounds, one)));
      return {
        observe: (value, labels = {}) => {
          const key = labelText(labels);
          const one = series.get(key) ?? { labels, counts: bounds.map(() => 0), sum: 0, count: 0 };
          series.set(key, one);
          one.count++;
          one.sum += value;
          const place = bounds.findIndex((bound) => value <= bound);
          if (place !== -1) one.counts[place] = (one.counts[place] ?? 0) + 1;
        },
      };
    },
    text: () =>
      families.map(({ head, lines }) => ({ head, body: lines() })).filter(({ body }) => body.length > 0).map(({ head, body }) =>
        `${head}\n${body.join("\n")}\n`
      ).join(""),
  };
}

type Series = { readonly labels: Labels; readonly counts: number[]; sum: number; count: number };

/** Prometheus' buckets are cumulative. */
function histogramLines(name: string, bounds: readonly number[], { labels, counts, sum, count }: Series): readonly string[] {
  let below = 0;
  const buckets = bounds.map((bound, index) => `${name}_bucket${labelText({ ...labels, le: numberText(bound) })} ${below += counts[index] ?? 0}`);
  const infinite = `${name}_bucket${labelText({ ...labels, le: "+Inf" })} ${count}`;
  return [...buckets, infinite, `${name}_sum${labelText(labels)} ${numberText(sum)}`, `${name}_count${labelText(labels)} ${count}`];
}

function labelText(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${value.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll('"', '\\"')}"`);
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}

function numberText(value: number): string {
  return Number.isFinite(value) ? String(value) : value > 0 ? "+Inf" : value < 0 ? "-Inf" : "NaN";
}
