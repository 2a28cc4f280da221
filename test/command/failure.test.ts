import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { type AddressInfo, connect } from "node:net";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { CommandError, explain, failureJson, failureText } from "../../scripts/audit/failure.ts";
import { askApi } from "../../scripts/audit/api-client.ts";
import { AuditApiError, createQueryClient } from "../../sdk/src/query.ts";
import { startProgress } from "../../scripts/audit/progress.ts";
import { freePort } from "../../scripts/stack/free-port.ts";
import { createDatabase, type TestDatabase } from "../support/database.ts";

/** What `work` fails with. */
async function faultOf(work: () => unknown): Promise<unknown> {
  try {
    await work();
  } catch (fault) {
    return fault;
  }
  throw new Error("fault of work: there was none");
}

describe("explain()", () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createDatabase();
  });
  afterAll(() => database.drop());

  const queryAs = async (change: (url: URL) => void, sql = "select 1") => {
    const url = new URL(database.url);
    change(url);
    const client = new pg.Client({ connectionString: url.href });
    return await faultOf(async () => {
      try {
        await client.connect();
        await client.query(sql);
      } finally {
        await client.end().catch(() => undefined);
      }
    });
  };

  it("says what to do about a database that refuses", async () => {
    expect(explain(await queryAs((url) => url.username = "nobody_here"))).toMatchObject({
      code: "database_refused",
      hint: "check user and password in the database URL",
    });
    expect(explain(await queryAs((url) => url.pathname = "/nowhere"))).toMatchObject({ hint: expect.stringContaining("name of the database") });
    expect(explain(await queryAs(() => {}, "select * from audit_log.no_such_table"))).toMatchObject({ hint: expect.stringContaining("apply the migrations") });
    expect(explain(await queryAs(() => {}, "alter system set work_mem = '1MB'"))).toMatchObject({
      hint: expect.stringContaining("login that applied the migrations"),
    });
  });

  it("says that nothing answers, where, and never an empty line", async () => {
    const port = String(await freePort());
    expect(explain(await queryAs((url) => url.port = port))).toMatchObject({
      code: "unreachable",
      message: `connect to 127.0.0.1:${port}: ECONNREFUSED: nothing answers there`,
    });
    expect(explain(await faultOf(() => fetch(`http://127.0.0.1:${port}`)))).toMatchObject({ code: "unreachable", hint: expect.stringContaining("npm start") });
    // What Node throws when a name has several addresses has no message at all.
    expect(explain(new AggregateError([await refused(Number(port))], ""))).toMatchObject({ code: "unreachable", message: expect.stringContaining(port) });
  });

  it("names the host that is not known, and tells a server without TLS from one that is not there", async () => {
    const unknown = await queryAs((url) => url.host = "no-such-host.invalid:5432");
    expect(explain(unknown).message).toMatch(/^connect to no-such-host\.invalid(:5432)?: (ENOTFOUND|EAI_AGAIN): nothing answers there$/);
    const server = createServer((_request, response) => response.end()).listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const client = createQueryClient({ apiUrl: `https://127.0.0.1:${port}/api/v1/audit`, apiKey: "aud_x" });
    expect(explain(await faultOf(() => client.events.list()))).toMatchObject({
      code: "unreachable",
      message: expect.stringContaining("no secure connection"),
      hint: expect.stringContaining("http or https"),
    });
    server.close();
  });

  it("sends no key to where a redirect leads", async () => {
    const seen: string[] = [];
    const elsewhere = createServer((request, response) => {
      seen.push(String(request.headers["apikey"] ?? request.headers.authorization));
      response.setHeader("content-type", "application/json").end("{}");
    }).listen(0, "127.0.0.1");
    await once(elsewhere, "listening");
    const to = `http://127.0.0.1:${(elsewhere.address() as AddressInfo).port}/`;
    const server = createServer((_request, response) => response.writeHead(307, { location: to }).end()).listen(0, "127.0.0.1");
    await once(server, "listening");
    const target = { apiUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, credential: "sb_secret_x", tenantId: undefined };
    expect(explain(await faultOf(() => askApi(target, "POST", "/audit-sealer")))).toMatchObject({ message: expect.stringContaining("307") });
    expect(seen).toEqual([]);
    server.close();
    elsewhere.close();
  });

  it("says once what is wrong with a parameter, and what to write instead", () => {
    const error = (message: string, faults: readonly object[]) =>
      explain(new AuditApiError({ status: 400, code: "invalid_parameter", message, errors: faults as AuditApiError["errors"] })).message;
    const key = { code: "invalid_value", pointer: "q", message: "the key before the colon is not known", hint: "did you mean actor?" };
    const limit = { code: "invalid_value", pointer: "limit", message: "is too large" };
    expect(error("read parameters: q: the key before the colon is not known", [key])).toBe(
      "read parameters: q: the key before the colon is not known\n  did you mean actor?",
    );
    expect(error("read parameters: q, limit", [key, limit])).toBe(
      "read parameters: q, limit\n  q: the key before the colon is not known\n  did you mean actor?\n  limit: is too large",
    );
  });

  it("names the file that could not be opened", async () => {
    expect(explain(await faultOf(() => readFileSync("/no/such/file")))).toEqual({
      code: "file_enoent",
      message: "open /no/such/file: there is no such file or folder",
      hint: "check its name; relative names count from the current folder",
    });
    expect(explain(await faultOf(() => readFileSync("/")))).toMatchObject({ code: "file_eisdir", hint: "name a file" });
  });

  it("is one line to read and one to act on, and one object for programs", () => {
    const failure = explain(new CommandError("no_target", "find service: none is given", "give --local .audit"));
    expect(failureText(failure)).toBe("find service: none is given\nGive --local .audit.");
    expect(JSON.parse(failureJson(failure))).toEqual({
      status: "failed",
      code: "no_target",
      message: "find service: none is given",
      hint: "give --local .audit",
    });
    expect(failureText(explain(new Error("plain")))).toBe("plain");
    expect(failureText(explain("text"))).toBe("text");
  });
});

function refused(port: number): Promise<Error> {
  return new Promise((resolve) => connect(port, "127.0.0.1").once("error", resolve));
}

describe("startProgress()", () => {
  it("tells rate and time left, and counts for the rate only what this run has done", () => {
    const lines: string[] = [];
    const spy = vi.spyOn(process.stderr, "write").mockImplementation((line) => (lines.push(String(line)), true));
    let ms = 0;
    const progress = startProgress("records", (done) => done + 30_000, () => ms, 50_000);
    ms = 9_000;
    progress.update(59_000);
    ms = 20_000;
    progress.update(70_000);
    progress.finish();
    spy.mockRestore();
    expect(lines).toEqual(["70,000 records, 1,000/s, about 30 s left\n", "70,000 records, 1,000/s, about 30 s left\n"]);
  });
});
