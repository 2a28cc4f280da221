import type pg from "pg";

/** Does what pg_net's worker does with the calls that wait in `net.calls` of cron-doubles.sql: sends them, and keeps the answers. Returns their URLs. */
export async function callFunctions(client: pg.Client): Promise<readonly string[]> {
  type Call = { readonly id: string; readonly url: string; readonly body: unknown; readonly headers: Record<string, string> };
  const { rows } = await client.query<Call>(
    "select * from net.calls as c where not exists (select from net._http_response as r where r.id = c.id) order by id",
  );
  for (const { id, url, body, headers } of rows) {
    const answer = await fetch(url, { method: "POST", headers, body: JSON.stringify(body) });
    await client.query("insert into net._http_response (id, status_code, content) values ($1, $2, $3)", [id, answer.status, await answer.text()]);
  }
  return rows.map(({ url }) => url);
}
