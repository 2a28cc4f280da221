import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { publishableKey, signToken } from "../support/tokens.ts";

export type DoubleAccount = { readonly email: string; readonly password: string; readonly access: Readonly<Record<string, unknown>> };

/** What Supabase Auth answers to the sign-in of the page: passwords, refresh tokens that are good once, and signing out. */
export type AuthDouble = {
  readonly url: string;
  /** Grants and sign-outs so far, in order. */
  readonly calls: readonly string[];
  /** Seconds that tokens live which are issued from now on. */
  lifetime(seconds: number): void;
  /** No refresh token is accepted any more, as when an administrator ends all sessions. */
  endSessions(): void;
  close(): Promise<void>;
};

export async function startAuthDouble(accounts: readonly DoubleAccount[]): Promise<AuthDouble> {
  const calls: string[] = [];
  let refreshTokens = new Map<string, DoubleAccount>();
  let lifetimeSeconds = 3600;
  let issued = 0;

  const session = async (account: DoubleAccount) => {
    // An answer that is under way when all sessions end must not begin one.
    const tokens = refreshTokens;
    const issue = ++issued;
    tokens.set(`refresh-${issue}`, account);
    return { ...await accessOf(account, issue, lifetimeSeconds), refresh_token: `refresh-${issue}` };
  };

  const answer = async (request: IncomingMessage): Promise<{ readonly status: number; readonly body?: unknown }> => {
    const url = new URL(request.url ?? "", "http://double");
    if (request.method === "OPTIONS") return { status: 204 };
    if (request.headers["apikey"] !== publishableKey) return { status: 401, body: { code: 401, error_code: "no_authorization", msg: "No API key" } };
    const what = `${url.pathname.replace("/auth/v1/", "")}${url.searchParams.has("grant_type") ? ` ${url.searchParams.get("grant_type")}` : ""}`;
    calls.push(what);
    const given = JSON.parse(await textOf(request) || "{}") as Record<string, string>;
    if (what === "token password") {
      const account = accounts.find(({ email, password }) => email === given["email"] && password === given["password"]);
      if (account !== undefined) return { status: 200, body: await session(account) };
      return { status: 400, body: { code: 400, error_code: "invalid_credentials", msg: "Invalid login credentials" } };
    }
    if (what === "token refresh_token") {
      const account = refreshTokens.get(given["refresh_token"] ?? "");
      refreshTokens.delete(given["refresh_token"] ?? "");
      if (account !== undefined) return { status: 200, body: await session(account) };
      return { status: 400, body: { code: 400, error_code: "refresh_token_not_found", msg: "Invalid Refresh Token: Refresh Token Not Found" } };
    }
    return what === "logout" ? { status: 204 } : { status: 404, body: { code: 404, msg: "not in this double" } };
  };

  const server = createServer((request, response: ServerResponse) => {
    void answer(request).then(({ status, body }) => {
      const cors = {
        "access-control-allow-origin": "*",
        "access-control-allow-headers": request.headers["access-control-request-headers"] ?? "*",
        "access-control-allow-methods": "*",
      };
      response.writeHead(status, { ...cors, "content-type": "application/json" }).end(body === undefined ? undefined : JSON.stringify(body));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("start the double of Supabase Auth: it has no port");
  return {
    url: `http://127.0.0.1:${address.port}`,
    calls,
    lifetime: (seconds) => void (lifetimeSeconds = seconds),
    endSessions: () => void (refreshTokens = new Map()),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** A session as Auth gives it, without its refresh token. */
async function accessOf({ email, access }: DoubleAccount, issue: number, lifetimeSeconds: number) {
  const user = { id: "00000000-0000-4000-8000-000000000001", aud: "authenticated", role: "authenticated", email, app_metadata: access, user_metadata: {} };
  const claims = { sub: user.id, email, app_metadata: access, session_id: String(issue) };
  const accessToken = await signToken(claims, { expiresInSeconds: lifetimeSeconds });
  const expiresAt = Math.floor(Date.now() / 1000) + lifetimeSeconds;
  return { access_token: accessToken, token_type: "bearer", expires_in: lifetimeSeconds, expires_at: expiresAt, user };
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}
