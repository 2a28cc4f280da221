import pg from "pg";

/** A function for the harness's own test: answers what it may and may not do. */
const pool = new pg.Pool({ connectionString: Deno.env.toObject()["AUDIT_DATABASE_URL"], max: 1, allowExitOnIdle: true });

async function refusal(attempt: () => Promise<unknown>): Promise<string> {
  try {
    await attempt();
    return "allowed";
  } catch (error) {
    return error instanceof Error ? error.name : String(error);
  }
}

export default {
  async fetch(request: Request): Promise<Response> {
    const { rows } = await pool.query("select current_user as login");
    const fs = await import("node:fs/promises");
    return Response.json({
      path: new URL(request.url).pathname,
      login: rows[0].login,
      // PATH is put there by Deno itself.
      environment: Object.keys(Deno.env.toObject()).filter((name) => !name.startsWith("DENO_") && !["NO_COLOR", "PATH"].includes(name)),
      readFile: await refusal(() => fs.readFile("/etc/passwd")),
      callOutside: await refusal(() => fetch("http://192.0.2.1/")),
    });
  },
};
