import { describe, expect, it } from "vitest";
import { parseCatalogue } from "./catalogue.ts";
import type { CandidateEvent } from "./event.ts";

const file = JSON.stringify({
  types: {
    "order.created": {
      description: "A customer placed an order",
      context: {
        type: "object",
        required: ["total"],
        additionalProperties: false,
        properties: { total: { type: "number", minimum: 0 }, lines: { type: "array", items: { type: "object", properties: { sku: { type: "string" } } } } },
      },
    },
    "order.viewed": { description: "Somebody looked at an order" },
    "order.moved": { description: "An order went elsewhere", context: { $ref: "#/$defs/place", $defs: { place: { required: ["to"] } } } },
  },
});
const event = (event_type: string, context?: unknown) => ({ event_type, result: "success", ...context === undefined ? {} : { context } }) as CandidateEvent;

describe("parseCatalogue()", () => {
  const catalogue = parseCatalogue(file, "strict");
  const judged = (type: string, context?: unknown) => catalogue.judge(event(type, context))?.map(({ code, pointer }) => `${code} ${pointer}`);

  it("takes events of known types whose context satisfies the schema", () => {
    expect(judged("order.created", { total: 1, lines: [{ sku: "a" }] })).toBeUndefined();
    expect(judged("order.viewed", { anything: true })).toBeUndefined();
    expect(judged("order.moved", { to: "x" })).toBeUndefined();
  });

  it("refuses other types, and names the place in a context that is not as declared", () => {
    expect(judged("order.exploded")).toEqual(["unknown_event_type /event_type"]);
    expect(judged("order.created")).toEqual(["invalid_context /context"]);
    expect(judged("order.created", { total: -1 })).toContain("invalid_context /context/total");
    expect(judged("order.created", { total: 1, lines: [{ sku: 1 }] })).toContain("invalid_context /context/lines/0/sku");
    expect(judged("order.moved", {})).toEqual(["invalid_context /context"]);
  });

  it("repeats no value and no long key", () => {
    const faults = JSON.stringify(catalogue.judge(event("order.created", { total: "hush-secret", ["k".repeat(200)]: 1 })));
    expect(faults).not.toMatch(/hush|kkk/);
  });

  it("knows the log's own types, and describes them", () => {
    expect(judged("audit.sdk.dropped", { reason: "queue_full" })).toBeUndefined();
    expect(catalogue.describe("audit.key.created")).toBeTruthy();
    expect([catalogue.describe("order.viewed"), catalogue.describe("order.exploded"), catalogue.describe("toString")]).toEqual([
      "Somebody looked at an order",
      undefined,
      undefined,
    ]);
  });

  it("refuses a file that is none, with the place and without its text", () => {
    for (
      const [text, message] of [
        ["{", /not JSON/],
        ["[]", /read catalogue: \//],
        ['{"types":{"Bad Name":{"description":"x"}}}', /is not valid/],
        ['{"types":{"a":{}}}', /types\/a\/description/],
        ['{"types":{"a":{"description":"x","contxt":{}}}}', /types\/a.*keys/],
        ['{"types":{"a":{"description":"x","context":{"$ref":"#/nowhere"}}}}', /types\/a\/context/],
      ] as const
    ) expect(() => parseCatalogue(text, "warn")).toThrow(message);
  });
});
