/** One sample of Prometheus' text format. */
export type Sample = { readonly name: string; readonly labels: Readonly<Record<string, string>>; readonly value: number };

export type Family = { readonly type: string; readonly help: string; readonly samples: readonly Sample[] };

const nameForm = "[a-zA-Z_:][a-zA-Z0-9_:]*";

/**
 * Parses the text exposition format, version 0.0.4, strictly: HELP and TYPE before the samples of a family, families once, series once, counters named
 * _total and not negative, buckets cumulative and closed by +Inf. Throws at the line that breaks a rule.
 */
export function parsePrometheus(text: string): ReadonlyMap<string, Family> {
  if (!text.endsWith("\n")) throw new Error("parse metrics: the last line does not end");
  const families = new Map<string, { type: string; help: string; samples: Sample[] }>();
  const series = new Set<string>();
  let current = "";
  for (const line of text.slice(0, -1).split("\n")) {
    const comment = new RegExp(`^# (HELP|TYPE) (${nameForm}) (.+)$`).exec(line);
    const [, kind, name = "", rest = ""] = comment ?? [];
    if (kind === "HELP") {
      if (families.has(name)) throw new Error(`parse metrics: ${name} stands twice`);
      families.set(current = name, { type: "", help: rest, samples: [] });
    } else if (kind === "TYPE") {
      const family = families.get(name);
      if (name !== current || family === undefined || family.samples.length > 0) throw new Error(`parse metrics: TYPE out of place: ${line}`);
      if (!["counter", "gauge", "histogram"].includes(rest)) throw new Error(`parse metrics: unknown type: ${line}`);
      if ((rest === "counter") !== name.endsWith("_total")) throw new Error(`parse metrics: a counter's name ends in _total, no other's: ${name}`);
      family.type = rest;
    } else {
      const sample = parseSample(line);
      const family = families.get(current);
      const own = family?.type === "histogram" ? sample.name.replace(/_(bucket|sum|count)$/, "") : sample.name;
      if (family === undefined || own !== current) throw new Error(`parse metrics: sample outside of its family: ${line}`);
      const key = line.slice(0, line.lastIndexOf(" "));
      if (series.has(key)) throw new Error(`parse metrics: series stands twice: ${line}`);
      series.add(key);
      if (family.type === "counter" && sample.value < 0) throw new Error(`parse metrics: negative counter: ${line}`);
      family.samples.push(sample);
    }
  }
  for (const [name, family] of families) if (family.type === "histogram") checkBuckets(name, family.samples);
  return families;
}

/** The value of the series of `name` whose labels hold `labels`; undefined when there is none, an error when there are several. */
export function valueOf(families: ReadonlyMap<string, Family>, name: string, labels: Readonly<Record<string, string>> = {}): number | undefined {
  const samples = [...families.values()].flatMap((family) => family.samples).filter((sample) =>
    sample.name === name && Object.entries(labels).every(([label, value]) => sample.labels[label] === value)
  );
  if (samples.length > 1) throw new Error(`read metric ${name}: ${samples.length} series fit`);
  return samples[0]?.value;
}

function parseSample(line: string): Sample {
  const [, name = "", labelText = "", valueText = ""] = new RegExp(`^(${nameForm})(?:\\{(.*)\\})? ([^ ]+)$`).exec(line) ?? [];
  const value = { "+Inf": Infinity, "-Inf": -Infinity, "NaN": NaN }[valueText] ??
    (/^-?\d+(\.\d+)?(e[+-]?\d+)?$/.test(valueText) ? Number(valueText) : undefined);
  if (name === "" || value === undefined) throw new Error(`parse metrics: no sample: ${line}`);
  const labels: Record<string, string> = {};
  let rest = labelText;
  while (rest !== "") {
    const match = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\\\|\\"|\\n)*)"(?:,|$)/.exec(rest);
    if (match === null) throw new Error(`parse metrics: no labels: ${line}`);
    labels[match[1] as string] = (match[2] as string).replaceAll("\\n", "\n").replaceAll('\\"', '"').replaceAll("\\\\", "\\");
    rest = rest.slice(match[0].length);
  }
  return { name, labels, value };
}

function checkBuckets(name: string, samples: readonly Sample[]): void {
  const bySeries = new Map<string, Sample[]>();
  for (const sample of samples) {
    const { le: _, ...labels } = sample.labels;
    bySeries.set(JSON.stringify(labels), [...bySeries.get(JSON.stringify(labels)) ?? [], sample]);
  }
  for (const own of bySeries.values()) {
    const buckets = own.filter((sample) => sample.name === `${name}_bucket`);
    const ascending = buckets.every((bucket, index) => index === 0 || bucket.value >= (buckets[index - 1]?.value ?? 0));
    const count = own.find((sample) => sample.name === `${name}_count`)?.value;
    if (!ascending || buckets.at(-1)?.labels["le"] !== "+Inf" || buckets.at(-1)?.value !== count || !own.some((sample) => sample.name === `${name}_sum`)) {
      throw new Error(`parse metrics: the buckets of ${name} are not those of a histogram`);
    }
  }
}
