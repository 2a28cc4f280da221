import type pg from "pg";
import { describe, expect, it } from "vitest";
import type { PostgresMajor } from "../../scripts/stack/postgres-binaries.ts";
import { sha256 } from "./ingest-call.ts";
import { untilBlocked, useDatabase, valueOf } from "./use-database.ts";

type Claimed = { readonly first: boolean; readonly same_body: boolean; readonly received_at: Date };

async function claim(client: pg.Client, key: string, body: string, at: string, principal = "key:abcdefghijkl"): Promise<Claimed | undefined> {
  const values = [principal, sha256(key), sha256(body), at];
  return (await client.query<Claimed>("select * from audit_log.claim_batch($1, $2, $3, $4)", values)).rows[0];
}

export function describeBatches(major: PostgresMajor): void {
  describe("claim_batch()", () => {
    const database = useDatabase(major);
    const at = "2026-03-01T12:00:00.000Z";
    const first = (receivedAt: string) => ({ first: true, same_body: true, received_at: new Date(receivedAt) });

    it("is first once per principal and key, and then tells the same body from another", async () => {
      const client = await database.as("audit_ingest");
      expect(await claim(client, "one", "body", at)).toEqual(first(at));
      expect(await claim(client, "one", "body", "2026-03-01T12:00:05Z")).toEqual({ first: false, same_body: true, received_at: new Date(at) });
      expect(await claim(client, "one", "other", "2026-03-01T12:00:05Z")).toEqual({ first: false, same_body: false, received_at: new Date(at) });
      expect(await claim(client, "one", "body", at, "key:000000000000")).toEqual(first(at));
      expect(await claim(client, "two", "body", at)).toEqual(first(at));
    });

    it("counts a claim as absent once it is older than 24 hours by the database's clock, and not before", async () => {
      const [client, admin] = [await database.as("audit_ingest"), await database.admin()];
      const age = (interval: string) =>
        admin.query("update audit_log.batches set claimed_at = now() - $1::interval where key_hash = $2", [interval, sha256("old")]);
      await claim(client, "old", "body", at);
      await age("23 hours 59 minutes");
      expect(await claim(client, "old", "other", "2026-03-02T12:00:00.001Z")).toMatchObject({ first: false, same_body: false });
      await age("24 hours 1 second");
      expect(await claim(client, "old", "other", "2026-03-02T12:00:00.001Z")).toEqual(first("2026-03-02T12:00:00.001Z"));
      expect(await claim(client, "old", "body", "2026-03-02T12:00:00.002Z")).toMatchObject({ first: false, same_body: false });
    });

    it("holds a claim that came with a wrong clock as long as any other", async () => {
      const client = await database.as("audit_ingest");
      await claim(client, "slow clock", "body", at);
      expect(await claim(client, "slow clock", "body", "2026-04-01T12:00:00Z")).toMatchObject({ first: false, received_at: new Date(at) });
    });

    it.each([["commits", false], ["rolls back", true]] as const)(
      "waits for another request with the key; when that one %s, first is %s",
      async (end, isFirst) => {
        const [one, two, observer] = [await database.as("audit_ingest"), await database.as("audit_ingest"), await database.admin()];
        await one.query("begin");
        await claim(one, `key that ${end}`, "body", at);
        const waiting = claim(two, `key that ${end}`, "body", at);
        await untilBlocked(observer, two);
        await one.query(end === "commits" ? "commit" : "rollback");
        expect(await waiting).toMatchObject({ first: isFirst, same_body: true });
      },
    );

    it("goes with the transaction that rolls back", async () => {
      const client = await database.as("audit_ingest");
      await client.query("begin");
      await claim(client, "undone", "body", at);
      await client.query("rollback");
      expect(await claim(client, "undone", "other", at)).toEqual(first(at));
    });
  });

  describe("forget_batches()", () => {
    const database = useDatabase(major);

    it("forgets claims older than asked, but none that still counts", async () => {
      const [door, job] = [await database.as("audit_ingest"), await database.as("audit_job")];
      const now = Date.now();
      const hoursAgo = (hours: number) => new Date(now - hours * 3_600_000).toISOString();
      for (const hours of [1, 23, 25, 49]) await claim(door, `${hours} hours`, "body", hoursAgo(100));
      const aged = "update audit_log.batches set claimed_at = $1 where key_hash = $2";
      for (const hours of [1, 23, 25, 49]) await (await database.admin()).query(aged, [hoursAgo(hours), sha256(`${hours} hours`)]);
      expect(await valueOf(job, "select audit_log.forget_batches($1)::int", [hoursAgo(48)])).toBe(1);
      expect(await valueOf(job, "select audit_log.forget_batches($1)::int", [hoursAgo(0)])).toBe(1);
      expect(await valueOf(await database.admin(), "select count(*)::int from audit_log.batches")).toBe(2);
    });
  });
}
