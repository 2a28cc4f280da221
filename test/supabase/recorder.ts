import { mkdirSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { dirname, join } from "node:path";

export type Upload = {
  readonly slug: string;
  /** What the CLI says of the function: its entry file, its import map, whether the gateway is to check tokens. */
  readonly metadata: { readonly entrypoint_path: string; readonly import_map_path: string; readonly verify_jwt: boolean };
  /** Paths of the files uploaded, relative to `folder`. */
  readonly files: readonly string[];
  /** Where they were unpacked to. */
  readonly folder: string;
};

export type Recorder = {
  readonly url: string;
  readonly uploads: Map<string, Upload>;
  /** Names and values of the secrets set. */
  readonly secrets: Map<string, string>;
  /** Requests that the recorder knows no answer to. */
  readonly unknown: string[];
  /** Asked before a function is taken; a status of 400 or more refuses it. */
  beforeUpload: (slug: string) => Promise<number> | number;
  stop(): Promise<void>;
};

/** Stands in for Supabase's management API on loopback: takes what `functions deploy --use-api` uploads and unpacks it into `folder`. */
export async function startRecorder(folder: string): Promise<Recorder> {
  const recorded = { uploads: new Map<string, Upload>(), secrets: new Map<string, string>(), unknown: [] as string[] };
  const hooks: Pick<Recorder, "beforeUpload"> = { beforeUpload: () => 201 };
  const server = createServer((request, response) => {
    answer(request, response).catch((error) => response.writeHead(500).end(String(error)));
  });
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const url = new URL(request.url ?? "/", "http://recorder");
    const body = Buffer.concat(await request.toArray());
    const action = `${request.method} ${url.pathname.replace(/^\/v1\/projects\/[a-z]{20}/, "")}`;
    const send = (status: number, json: unknown) => response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(json));
    if (action === "POST /functions/deploy") {
      const slug = url.searchParams.get("slug") ?? "";
      const status = await hooks.beforeUpload(slug);
      if (status >= 400) return void send(status, { message: "not now" });
      recorded.uploads.set(slug, await unpack(slug, request.headers["content-type"] ?? "", body, join(folder, slug)));
      send(status, described(slug));
    } else if (action === "GET /functions") {
      send(200, [...recorded.uploads.keys()].map(described));
    } else if (action === "PUT /functions") {
      send(200, { functions: JSON.parse(body.toString()) });
    } else if (action === "POST /secrets") {
      for (const { name, value } of JSON.parse(body.toString()) as { name: string; value: string }[]) recorded.secrets.set(name, value);
      send(201, {});
    } else if (action === "GET ") {
      send(200, { id: "abcdefghijklmnopqrst", name: "recorder", region: "eu-central-1", status: "ACTIVE_HEALTHY" });
    } else {
      recorded.unknown.push(action);
      send(404, { message: "unknown to the recorder" });
    }
  };
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return Object.assign(hooks, recorded, {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: () => {
      server.closeAllConnections();
      return new Promise<void>((resolve) => server.close(() => resolve()));
    },
  });
}

function described(slug: string) {
  return { id: slug, slug, name: slug, version: 1, status: "ACTIVE", verify_jwt: false, created_at: 1, updated_at: 1 };
}

async function unpack(slug: string, type: string, body: Buffer<ArrayBuffer>, folder: string): Promise<Upload> {
  const form = await new Response(body, { headers: { "content-type": type } }).formData();
  const files: string[] = [];
  for (const part of form.getAll("file")) {
    if (typeof part === "string") continue;
    const target = join(folder, part.name);
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, Buffer.from(await part.arrayBuffer()));
    files.push(part.name);
  }
  const metadata = form.get("metadata");
  return { slug, metadata: JSON.parse(typeof metadata === "string" ? metadata : await metadata?.text() ?? "null"), files, folder };
}
