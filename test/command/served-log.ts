import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { serve } from "@hono/node-server";
import { createPool } from "../../adapters/postgres/pool.ts";
import { createSealStore } from "../../adapters/postgres/seal-store.ts";
import { createSealHandler } from "../../core/seal-handler.ts";
import { firstKey, logOrigin, sealBounds } from "../support/sealed-log.ts";
import { secretKey } from "../support/tokens.ts";
import { type Service, type ServiceOptions, startService, tenantA, tenantB } from "../api/service.ts";
import { runCommand } from "./run-command.ts";

export type ServedLog = Service & {
  readonly url: string;
  /** A folder with a local.json that names the service and its two tenants, "First" and "Second". */
  readonly local: string;
  /** Runs a command with `--local`. */
  run(...args: readonly string[]): ReturnType<typeof runCommand>;
};

/**
 * The real API on a port of its own, over a real database, with what a local stack writes into local.json. `onTheWay` may change answers, as a bad proxy
 * does.
 */
export async function startServedLog(
  options: ServiceOptions & { readonly onTheWay?: (path: string, response: Response) => Response } = {},
): Promise<ServedLog> {
  const service = await startService(options);
  const pool = createPool({ databaseUrl: service.database.url, databasePoolSize: 2 }, () => {});
  const { now, sha256, log, authenticate } = service.parts;
  const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
  const sealing = { store: createSealStore(pool, () => {}), signer: firstKey.signer, logOrigin, sha256, now, sleep };
  const sealer = createSealHandler({ ...sealing, authenticate, bounds: sealBounds, log, randomBytes: (length) => randomBytes(length) });
  const { port, close } = await new Promise<{ port: number; close: () => Promise<void> }>((resolve) => {
    const fetch = async (request: Request) => {
      const path = new URL(request.url).pathname;
      const response = await (path.startsWith("/functions/v1/audit-sealer") ? sealer(request) : service.app.fetch(request));
      return options.onTheWay?.(path, response) ?? response;
    };
    const server = serve(
      { fetch, port: 0, hostname: "127.0.0.1" },
      (address) => resolve({ port: address.port, close: () => new Promise((done) => server.close(() => done())) }),
    );
  });
  const local = mkdtempSync(join(tmpdir(), "audit-command-"));
  const url = `http://127.0.0.1:${port}`;
  const tenants = await Promise.all([[tenantA, "First"], [tenantB, "Second"]].map(async ([id = "", name]) => {
    const keyOf = async (scope: "ingest" | "read" | "export" | "admin") => [scope, (await service.makeKey(id, [scope])).text] as const;
    return { id, name, api_keys: Object.fromEntries(await Promise.all((["ingest", "read", "export", "admin"] as const).map(keyOf))), tokens: {} };
  }));
  const file = {
    url,
    functions_url: `${url}/functions/v1`,
    api_url: `${url}/api/v1/audit`,
    database_url: service.database.adminUrl,
    secret_key: secretKey,
    anon_key: "sb_publishable_x",
    log_key: firstKey.verifierKey,
    tenants,
  };
  writeFileSync(join(local, "local.json"), JSON.stringify(file));
  return {
    ...service,
    url,
    local,
    run: (...args) => runCommand([...args, "--local", local]),
    stop: async () => {
      await close();
      await pool.end();
      rmSync(local, { recursive: true });
      await service.stop();
    },
  };
}
