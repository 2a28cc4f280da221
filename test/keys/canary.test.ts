import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { routeRules } from "../api/matrix-routes.ts";
import { tenantA, tokenOf } from "../api/service.ts";
import { canary, canaryAddress } from "../support/canary.ts";
import { publishableKey, secretKey } from "../support/tokens.ts";
import { type KeyService, startKeyService } from "./key-service.ts";

/** Stands where only a name can: refusals repeat an unknown name that looks like one, so that its typing error is seen; logs do not. */
const named = "n4m3dqx";

/** Fields of an event with the canary in each that takes text. */
const personal = {
  event_type: "canary.sent",
  actor_id: `${canary}@example.com`,
  object_id: canary,
  message: `card ${canary}`,
  context: { [named]: { password: canary } },
  user_agent: canary,
  device_fingerprint: canary,
  request_id: canary,
  ip_address: canaryAddress,
};

/** Bodies and events that are refused in one way each: a refusal is where a value is most easily repeated. */
const faulty = [
  { ...personal, event_type: `not a type ${canary}` },
  { ...personal, event_type: "x", [named]: canary },
  { ...personal, ip_address: canary },
  { ...personal, occurred_at: canary },
  { ...personal, id: canary },
  { ...personal, result: canary },
  { ...personal, duration_ms: canary },
  { ...personal, tenant_id: canary },
  { ...personal, context: { text: `${canary}\0` } },
  { ...personal, context: canary },
  { ...personal, message: canary.repeat(2_000) },
  { ...personal, principal: canary },
];

describe("a canary in every input", () => {
  let service: KeyService;
  const answers: { readonly what: string; readonly status: number; readonly text: string }[] = [];
  beforeAll(async () => {
    service = await startKeyService({ AUDIT_METRICS_TOKEN: "a-token-for-metrics-0000000000000000" });
  });
  afterAll(() => service.stop());

  it("is in no log line, no error and no metric, after a run through every route", async () => {
    const admin = await tokenOf("admin");
    const { body: made } = await service.ask<{ readonly secret: string }>("/keys", {
      as: admin,
      method: "POST",
      body: { name: canary, scopes: ["ingest", "admin"] },
    });
    const secretPart = made.secret.slice(-38);
    const credentials = [admin, made.secret, secretKey, publishableKey, `${canary}.${canary}.${canary}`, `aud_${canary}`, undefined];
    const keep = (what: string, { status, text }: { readonly status: number; readonly text: string }) => void answers.push({ what, status, text });

    for (const as of credentials) {
      const shown = as === undefined ? {} : { as };
      keep("door", await service.post([{ ...personal, tenant_id: tenantA }, ...faulty], shown));
      for (const body of [`{"events": [{"${named}": `, `"${canary}"`, JSON.stringify({ events: canary }), JSON.stringify({ [named]: 1 })]) {
        keep("door, no batch", await service.post([], { ...shown, body }));
      }
      keep(
        "door, header",
        await service.post([personal], { ...shown, headers: { "idempotency-key": canary.repeat(40), prefer: canary, "content-type": canary } }),
      );
      for (const route of Object.keys(routeRules)) {
        const [method = "GET", path = ""] = route.split(" ");
        if (path.endsWith("/events/stream")) continue;
        const root = "/api/v1/audit";
        const url = path.startsWith(root) ? path.slice(root.length) : `/../../..${path}`;
        const filled = url.replaceAll(/:\w+/g, canary);
        const query = `?${named}=${canary}&q=${canary}:${canary}&from=${canary}&cursor=${canary}&tenant_id=${canary}`;
        const body = method === "GET" ? {} : { body: { [named]: canary, name: canary, reason: canary, scopes: [canary], tenant_id: canary } };
        keep(route, await service.ask(filled + query, { ...shown, method, ...body, headers: { "user-agent": canary } }));
        if (method === "GET") keep(route, await service.ask(`${filled}?q=actor:${canary}`, { ...shown, headers: { "x-forwarded-for": canary } }));
      }
    }
    // Where a path or a method is nobody's, it is the caller's text.
    keep("no route", await service.ask(`/../../../${canary}/${canary}`, { as: admin }));
    keep("no method", await service.ask("/keys", { as: admin, method: canary.toUpperCase() }));
    keep("no method of the door", await service.post([personal], { as: made.secret, method: canary.toUpperCase() }));
    const metrics = await fetch(`${service.api.url}/metrics`, { headers: { authorization: "Bearer a-token-for-metrics-0000000000000000" } });
    const metricsText = await metrics.text();

    // The run went everywhere: answers good and bad, and stored events.
    expect(new Set(answers.map(({ status }) => Math.floor(status / 100)))).toEqual(new Set([2, 4]));
    expect(answers.some(({ status, text }) => status === 207 && text.includes('"created"'))).toBe(true);

    const logs = `${service.api.stderr()}\n${service.door.stderr()}`;
    expect(logs).toContain('"event":"ingest"');
    expect([...lines(logs, named), ...lines(metricsText, named)]).toEqual([]);
    for (const secret of [canary, secretPart, admin, secretKey, publishableKey, canaryAddress]) {
      expect(lines(logs, secret)).toEqual([]);
      expect(lines(metricsText, secret)).toEqual([]);
      // Refusals of whole requests, and verdicts of single events.
      const errors = answers.filter(({ status }) => status >= 400).map(({ what, text }) => `${what}: ${text}`);
      expect(lines(errors.join("\n"), secret)).toEqual([]);
      expect(answers.filter(({ what, text }) => what === "door" && text.includes(secret)).map(({ text }) => text)).toEqual([]);
    }
  });
});

function lines(text: string, wanted: string): readonly string[] {
  return text.split("\n").filter((line) => line.toLowerCase().includes(wanted.toLowerCase())).map((line) => line.slice(0, 500));
}
