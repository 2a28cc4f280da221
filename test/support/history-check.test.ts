import { describe, expect, it } from "vitest";
import { createHistory, type Intent, type Outcome } from "./history.ts";
import { checkHistory } from "./history-check.ts";
import { recomputeLeafHash, type StoredRow } from "./history-leaf.ts";

const tenantId = "123e4567-e89b-12d3-a456-426614174000";
const created: Outcome = { type: "ok", status: "created" };
const duplicate: Outcome = { type: "ok", status: "duplicate" };
const refused: Outcome = { type: "fail", code: "invalid_value" };

function intentOf(marker: string): Intent {
  return { marker, tenantId, fields: { object_id: marker, event_type: "a.b", occurred_at: "2026-11-22T02:03:04.5Z", context: { n: 1 } } };
}

function rowOf(marker: string, changes: Readonly<Record<string, string | null>> = {}): StoredRow {
  const row = {
    tenant_id: tenantId,
    id: "019ab1f2-7c3d-7000-8000-000000000001",
    occurred_at: "2026-11-22 02:03:04.5+00",
    event_type: "a.b",
    object_id: marker,
    context: '{"n": 1}',
    seq: "1",
    ...changes,
  };
  return { ...row, leaf_hash: changes["leaf_hash"] ?? `\\x${recomputeLeafHash(row)}` };
}

/** A history of one event with one attempt per outcome, each begun after the one before was settled. */
function historyOf(marker: string, ...outcomes: (Outcome | "abandoned")[]) {
  const history = createHistory();
  for (const outcome of outcomes) {
    const attempt = history.begin("c1", [intentOf(marker)]);
    if (outcome === "abandoned") attempt.abandon("connection reset");
    else attempt.settle(marker, outcome);
  }
  return history.records();
}

describe("checkHistory()", () => {
  it("finds nothing where every acknowledged event is stored once, as it was sent", () => {
    const records = [...historyOf("e1", "abandoned", duplicate)];
    const report = checkHistory(records, [rowOf("e1")]);
    expect(report.findings).toEqual([]);
    expect(report.totals).toEqual({ invoked: 1, acknowledged: 1, unknown: 0, rows: 1 });
  });

  it("accepts an unknown outcome either way", () => {
    expect(checkHistory(historyOf("e1", "abandoned"), []).findings).toEqual([]);
    expect(checkHistory(historyOf("e1", "abandoned"), [rowOf("e1")]).findings).toEqual([]);
    expect(checkHistory(historyOf("e1", "abandoned"), []).totals.unknown).toBe(1);
  });

  it.each(
    [
      ["lost", [created], []],
      ["lost", ["abandoned", duplicate], []],
      ["phantom", [refused], [rowOf("e1")]],
      ["phantom", ["abandoned"], [rowOf("e1"), rowOf("never sent")]],
      ["doubled", [created], [rowOf("e1"), rowOf("e1", { occurred_at: "2026-11-22 02:03:04.5+00" })]],
      ["foreign", [created], [rowOf("e1", { tenant_id: "aaaaaaaa-e89b-12d3-a456-426614174000" })]],
      ["corrupted", [created], [rowOf("e1", { leaf_hash: "\\x00" })]],
      ["corrupted", [created], [rowOf("e1", { event_type: "a.c" })]],
      ["corrupted", [created], [rowOf("e1", { context: '{"n": 2}' })]],
      ["corrupted", [created], [rowOf("e1", { occurred_at: "2026-11-22 02:03:04.6+00" })]],
      ["corrupted", [{ type: "ok", status: "created", leafHash: "ff" } as Outcome], [rowOf("e1")]],
      ["contradicted", [created, created], [rowOf("e1")]],
      ["contradicted", [duplicate], [rowOf("e1")]],
      ["contradicted", [created, refused], [rowOf("e1")]],
    ] as const,
  )("reports %s, and only that, for %j", (fault, outcomes, rows) => {
    const report = checkHistory(historyOf("e1", ...outcomes), rows);
    expect(report.findings.map((finding) => finding.fault)).toEqual([fault]);
    expect(report.counts[fault]).toBe(1);
  });

  it("hears of one creation twice only from replays under an Idempotency-Key", () => {
    const records = historyOf("e1", created, created);
    expect(checkHistory(records, [rowOf("e1")], { createdMayRepeat: true }).findings).toEqual([]);
    expect(checkHistory(records, [rowOf("e1"), rowOf("e1")], { createdMayRepeat: true }).counts.doubled).toBe(1);
  });

  it("traces an event by another column when told to", () => {
    const row = { ...rowOf("other"), request_id: "e1" };
    const fixed = { ...row, leaf_hash: `\\x${recomputeLeafHash(row)}` };
    const history = createHistory();
    history.begin("c1", [{ marker: "e1", tenantId, fields: {} }]).settle("e1", created);
    expect(checkHistory(history.records(), [fixed], { markerOf: (stored) => stored["request_id"] ?? null }).findings).toEqual([]);
  });
});

describe("createHistory()", () => {
  it("is append-only: a record cannot be changed, and the list handed out is a copy", () => {
    const history = createHistory();
    history.begin("c1", [intentOf("e1")]);
    (history.records() as unknown[]).pop();
    expect(history.records()).toHaveLength(1);
    expect(() => Object.assign(history.records()[0] ?? {}, { marker: "e2" })).toThrow(TypeError);
  });

  it("refuses a second outcome for one attempt, and an outcome for an event that was not sent", () => {
    const attempt = createHistory().begin("c1", [intentOf("e1")]);
    attempt.settle("e1", created);
    expect(() => attempt.settle("e1", duplicate)).toThrow("not open");
    expect(() => attempt.settle("e2", created)).toThrow("not open");
  });

  it("abandons only what is still open", () => {
    const history = createHistory();
    const attempt = history.begin("c1", [intentOf("e1"), intentOf("e2")]);
    attempt.settle("e1", created);
    attempt.abandon("reset");
    expect(history.records().map((record) => `${record.marker} ${record.type}`)).toEqual(["e1 invoke", "e2 invoke", "e1 ok", "e2 unknown"]);
    expect(history.toLines().split("\n")).toHaveLength(4);
  });
});
