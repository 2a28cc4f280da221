import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fromBase64, toHex } from "../../verify/bytes.ts";
import { openCheckpoint } from "../../verify/checkpoint.ts";
import { followRotations, type KeyRing } from "../../verify/keys.ts";
import type { EventRecord } from "../../verify/leaf.ts";
import { verifyReceipt } from "../../verify/receipt.ts";
import { firstKey, logOrigin, openLog, type TestLog } from "../support/sealed-log.ts";
import { type Service, startService, tenantA, tenantB, tokenOf } from "./service.ts";

/** Events of the list with what only the list adds taken away. */
type Listed = EventRecord & { readonly id: string; readonly occurred_at: string; readonly href?: string; readonly leaf_hash?: string };

describe("proofs through the API", () => {
  let log: TestLog;
  let service: Service;
  let auditor: string;
  let ring: KeyRing;
  const sizes: number[] = [];
  beforeAll(async () => {
    log = await openLog();
    service = await startService({ database: log.database });
    auditor = await tokenOf("auditor", [tenantA]);
    ring = await followRotations([firstKey.verifierKey], []);
    for (const count of [3, 260, 40]) {
      await service.store(tenantA, Array.from({ length: count }, (_, index) => ({ event_type: "proof.made", actor_id: `actor-${index}`, context: { index } })));
      await service.store(tenantB, [{ event_type: "proof.elsewhere" }]);
      await log.seal();
      const { json } = await service.ask("/checkpoints?limit=1", { as: auditor });
      sizes.push((json as { checkpoints: { size: number }[] }).checkpoints[0]?.size ?? 0);
    }
  });
  afterAll(async () => {
    await service.stop();
    await log.close().catch(() => undefined);
  });

  const events = async (): Promise<Listed[]> => {
    const { json } = await service.ask("/events?q=action:proof.made&limit=1000&order=asc", { as: auditor });
    return (json as { events: Listed[] }).events;
  };

  it("gives receipts that the independent verifier accepts for exactly the event that the list shows", async () => {
    const all = await events();
    expect(all).toHaveLength(303);
    for (const listed of [all[0], all[2], all[200], all[302]]) {
      const { href: _, leaf_hash: __, ...event } = listed as Listed;
      const answer = await service.ask(`/events/${event.id}/receipt?at=${event.occurred_at}`, { as: auditor });
      expect(answer.status).toBe(200);
      expect(answer.headers.get("content-disposition")).toBe(`attachment; filename="${event.id}.tlog-proof"`);
      const proven = await verifyReceipt(answer.text, ring, event);
      expect(proven.checkpoint.origin).toBe(`${logOrigin}/${tenantA}`);
      await expect(verifyReceipt(answer.text, ring, { ...event, actor_id: "somebody else" })).rejects.toThrow(/not the one/);
    }
  });

  it("lists checkpoints largest first, and gives each by its size and the newest by name", async () => {
    const { json } = await service.ask("/checkpoints", { as: auditor });
    const { checkpoints } = json as { checkpoints: { size: number; note: string }[] };
    expect(checkpoints.map(({ size }) => size)).toEqual([...sizes].reverse());
    expect((await service.ask("/checkpoints/latest", { as: auditor })).text).toBe(checkpoints[0]?.note);
    expect((await service.ask(`/checkpoints/${sizes[0]}`, { as: auditor })).text).toBe(checkpoints[2]?.note);
    for (const { note, size } of checkpoints) expect((await openCheckpoint(note, ring)).size).toBe(size);
    expect((await service.ask(`/checkpoints?below=${sizes[1]}`, { as: auditor })).json).toEqual({ checkpoints: [checkpoints[2]] });
    for (const below of [0, 1, sizes[0]]) expect((await service.ask(`/checkpoints?below=${below}`, { as: auditor })).json).toEqual({ checkpoints: [] });
    for (const below of ["", "-1", "1.5", "1e3", "01", "latest", "9".repeat(16), "1&below=2"]) {
      const refused = await service.ask(`/checkpoints?below=${below}`, { as: auditor });
      expect(refused, below).toMatchObject({ status: 400, json: { code: "invalid_parameter", errors: [{ pointer: "below" }] } });
    }
    expect((await service.ask("/checkpoints/1", { as: auditor })).status).toBe(404);
    expect((await service.ask("/checkpoints/-1", { as: auditor })).status).toBe(400);
  });

  it("names the keys that signed", async () => {
    expect((await service.ask("/checkpoints/keys", { as: auditor })).json).toEqual({ keys: [firstKey.verifierKey], rotations: [] });
  });

  it("proves that an older tree is a prefix of a newer one, with the roots that were signed", async () => {
    const [old = 0, middle = 0, newest = 0] = sizes;
    for (const [from, to] of [[old, middle], [old, newest], [middle, newest], [newest, newest]] as const) {
      const { json, status } = await service.ask(`/consistency?from=${from}&to=${to}`, { as: auditor });
      expect(status).toBe(200);
      const answer = json as { proof: string[]; old_root: string; new_root: string };
      const signed = await openCheckpoint((await service.ask(`/checkpoints/${from}`, { as: auditor })).text, ring);
      expect(toHex(fromBase64(answer.old_root) ?? new Uint8Array(0))).toBe(toHex(signed.root));
      expect(answer.proof.length > 0).toBe(from !== to);
    }
    expect((await service.ask(`/consistency?from=${newest}&to=${old}`, { as: auditor })).json).toMatchObject({ code: "invalid_parameter" });
    expect((await service.ask(`/consistency?from=1&to=${newest + 1}`, { as: auditor })).json).toMatchObject({ code: "invalid_parameter" });
    expect((await service.ask("/consistency", { as: auditor })).json).toMatchObject({ code: "invalid_parameter" });
  });

  it("says that an event is not sealed yet and when to ask again, and knows nothing of another tenant's", async () => {
    const [fresh] = await service.store(tenantA, [{ event_type: "proof.late" }]);
    const answer = await service.ask(`/events/${fresh?.id}/receipt?at=${fresh?.occurred_at}`, { as: auditor });
    expect(answer.json).toMatchObject({ status: 409, code: "conflict" });
    expect(answer.headers.get("retry-after")).toBe("10");
    const [listed] = await events();
    const other = await tokenOf("admin", [tenantB]);
    expect((await service.ask(`/events/${listed?.id}/receipt?at=${listed?.occurred_at}`, { as: other })).status).toBe(404);
    expect((await service.ask("/checkpoints/latest", { as: await tokenOf("viewer", [tenantA]) })).status).toBe(403);
  });

  // The last one: the other key stays.
  it("lists a tree that two keys signed once each on one page, so that below loses neither", async () => {
    const [size] = sizes;
    await log.admin.query(`insert into audit_log.signing_keys (verifier_key, log_origin) values ('other', 'other');
      insert into audit_log.checkpoints select tenant_id, size, signed_at + interval '1 second', 'other', root, note from audit_log.checkpoints
        where tenant_id = '${tenantA}' and size = ${size}`);
    const page = await service.ask(`/checkpoints?below=${sizes[1]}&limit=1`, { as: auditor });
    const { checkpoints } = page.json as { checkpoints: { size: number; verifier_key: string }[] };
    expect(checkpoints.map((checkpoint) => [checkpoint.size, checkpoint.verifier_key])).toEqual([[size, "other"], [size, firstKey.verifierKey]]);
  });
});
