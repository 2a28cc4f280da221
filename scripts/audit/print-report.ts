import type { Finding, LogReport } from "../../verify/report.ts";
import { printable } from "./table.ts";

/** Findings that are printed; `--json` has up to a hundred. */
const printedMax = 20;

/** A report for people: the verdict first, then the first bad event, then the rest. */
export function reportText(report: LogReport, notes: readonly string[]): string {
  const lines = [
    report.finding_count > 0 ? "TAMPERED" : report.sound ? "SOUND" : "COULD NOT BE CHECKED",
    `${count(report.events, "event")} read, ${count(report.tenants.reduce((sum, tenant) => sum + tenant.size, 0), "sealed leaf", "sealed leaves")} in ${
      count(report.tenants.length, "log")
    }, ${report.unsealed.toLocaleString("en")} not sealed yet`,
    ...(report.unproven === undefined || report.unproven === 0 ? [] : [
      `${count(report.unproven, "event")} cannot be proven: give a checkpoint (--checkpoint) below which the export has every event`,
    ]),
    ...(report.expired === undefined || report.expired === 0 ? [] : [`${count(report.expired, "event")} expired: their hashes are in the tree, they are not`]),
    ...notes,
    ...report.tenants.map((tenant) =>
      `log ${tenant.tenant_id}: ${count(tenant.size, "leaf", "leaves")}, ${count(tenant.checkpoints, "checkpoint")} met${
        tenant.signed_at === undefined ? "" : `, signed ${tenant.signed_at}`
      }${tenant.findings === 0 ? "" : `, ${count(tenant.findings, "finding")}`}`
    ),
  ];
  if (report.first_bad_event !== undefined) lines.push(`first bad event: ${findingText(report.first_bad_event)}`);
  lines.push(...report.findings.slice(0, printedMax).map((finding) => `- ${findingText(finding)}`));
  if (report.finding_count > printedMax) lines.push(`- and ${(report.finding_count - printedMax).toLocaleString("en")} more`);
  // An export that somebody handed over may say anything: it must not wipe the verdict off the screen, nor add a line to it.
  return lines.map(printable).join("\n");
}

function findingText(finding: Finding): string {
  const where = [
    finding.tenant_id === undefined ? "" : `tenant ${finding.tenant_id}`,
    finding.index === undefined ? "" : `index ${finding.index}`,
    finding.id === undefined ? "" : `event ${finding.id} of ${finding.occurred_at}`,
  ].filter((part) => part !== "");
  return `${finding.kind}: ${[...where, finding.message].join(", ")}`;
}

function count(n: number, one: string, many = `${one}s`): string {
  return `${n.toLocaleString("en")} ${n === 1 ? one : many}`;
}
