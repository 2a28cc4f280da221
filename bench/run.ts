// npm run bench [-- ingest|…] [--quick] [--minutes N]: measures, prints one table, writes bench/results/.
import { join } from "node:path";
import { parseArgs } from "node:util";
import { benchArchive } from "./archive.ts";
import { benchIngest } from "./ingest.ts";
import { benchIntegrity, benchSeal, benchVerify } from "./integrity.ts";
import { benchQuery } from "./query.ts";
import { benchSoak } from "./soak.ts";
import { benchStorage } from "./storage.ts";
import { type BenchReport, tableOf, writeResults } from "./report.ts";

type Options = { readonly quick: boolean; readonly minutes: number };

const benches: Readonly<Record<string, (options: Options) => Promise<BenchReport>>> = {
  ingest: benchIngest,
  integrity: benchIntegrity,
  seal: benchSeal,
  verify: benchVerify,
  query: benchQuery,
  archive: benchArchive,
  storage: benchStorage,
  soak: benchSoak,
};

const { values, positionals } = parseArgs({ allowPositionals: true, options: { quick: { type: "boolean", default: false }, minutes: { type: "string" } } });
const minutes = Number(values.minutes ?? (values.quick ? 0.5 : 3));
if (!(minutes > 0)) {
  console.error("bench: --minutes says how long to soak: a number above 0");
  process.exit(2);
}
const wanted = positionals.length === 0 ? Object.keys(benches) : positionals;
const unknown = wanted.filter((name) => benches[name] === undefined);
if (unknown.length > 0) {
  console.error(`bench: there is no ${unknown.join(", ")}; choose from ${Object.keys(benches).join(", ")}`);
  process.exit(2);
}

const started = new Date().toISOString().slice(0, 19);
for (const name of wanted) {
  const report = await (benches[name] as (typeof benches)[string])({ quick: values.quick, minutes });
  console.log(tableOf(`\n${name}${values.quick ? " (quick)" : ""}`, report.rows));
  const command = `npm run bench -- ${name}${values.quick ? " --quick" : ""}${values.minutes === undefined ? "" : ` --minutes ${values.minutes}`}`;
  writeResults(join(import.meta.dirname, "results"), report, { date: `${started}Z`.replace("Z", `-${name}`), command, quick: values.quick });
}
