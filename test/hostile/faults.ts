import { afterEach, beforeEach } from "vitest";
import { type ChaosProxy, startChaosProxy } from "../support/chaos-proxy.ts";
import { createDatabase, type TestDatabase } from "../support/database.ts";
import { type Door, openDoor } from "./door.ts";

/** What a test of faults may use and need not clean up. */
export type FaultBench = {
  database(): TestDatabase;
  /** A function of its own over this test's database, or over what `databaseUrl` leads to. */
  door(databaseUrl?: string): Promise<Door>;
  /** A proxy before a URL of this machine; PostgreSQL's is known by its scheme. */
  proxy(url: string, seed: number): Promise<ChaosProxy>;
};

/** A database for each test of the file; doors and proxies are closed after it, newest first. */
export function faultBench(): FaultBench {
  const closers: (() => Promise<void>)[] = [];
  let current: TestDatabase;
  beforeEach(async () => {
    current = await createDatabase();
    closers.push(() => current.drop());
  });
  afterEach(async () => {
    for (const close of closers.splice(0).reverse()) await close();
  });
  return {
    database: () => current,
    async door(databaseUrl = current.url) {
      const door = await openDoor({ database: { url: databaseUrl, adminUrl: current.adminUrl } });
      closers.push(() => door.close());
      return door;
    },
    async proxy(url, seed) {
      const { hostname, port, protocol } = new URL(url);
      const proxy = await startChaosProxy({ host: hostname, port: Number(port), protocol: protocol.startsWith("postgres") ? "postgres" : "tcp" }, seed);
      closers.push(() => proxy.close());
      return proxy;
    },
  };
}
