import { finder, type Finding } from "./finding.ts";

/**
 * Supabase has three ways to a project's database. `functions` open and close many connections and need the transaction pooler, on port 6543;
 * `migrations` keep a session and need the direct connection or the session pooler, on port 5432. The address's own words, nothing is asked.
 */
export function checkDatabaseUrl(name: string, url: string, ref: string | undefined, use: "functions" | "migrations"): readonly Finding[] {
  const { ok, fault, warning } = finder(use === "functions" ? "pooler" : "connection of migrations");
  if (!URL.canParse(url)) return [fault(`${name}: is no URL`)];
  const { hostname, port, username, password, searchParams } = new URL(url);
  const isShared = hostname.endsWith(".pooler.supabase.com");
  const isOwn = /^db\.[a-z]{20}\.supabase\.co$/.test(hostname);
  if (!isShared && !isOwn) return [ok(`${name}: ${hostname}, no address of Supabase: nothing is known of its pooling`)];
  const findings: Finding[] = [];
  const actualPort = port || "5432";
  if (use === "functions" && actualPort !== "6543") {
    findings.push(fault(
      isShared
        ? `${name}: is the session pooler: each process of a function would hold a connection`
        : `${name}: is the direct connection, of which a project has few, over IPv6`,
      "use the transaction pooler, port 6543",
    ));
  }
  if (use === "migrations" && actualPort === "6543") {
    findings.push(
      fault(
        `${name}: is the transaction pooler, which forgets the session in the middle of a migration`,
        "use the direct connection or the session pooler, port 5432",
      ),
    );
  }
  const namedRef = isShared ? /^postgres\.([a-z]{20})$/.exec(decodeURIComponent(username))?.[1] : hostname.split(".")[1];
  if (isShared && namedRef === undefined) {
    findings.push(
      fault(`${name}: its user is not postgres.<project>: the shared pooler knows no other`, "copy the address from the project's Connect dialogue"),
    );
  } else if (ref !== undefined && namedRef !== ref) {
    findings.push(fault(`${name}: belongs to project ${namedRef}, not to ${ref}`));
  }
  if (password === "" || password === "PASSWORD" || password.includes("YOUR-PASSWORD")) findings.push(fault(`${name}: holds no password, or the example's`));
  if (use === "functions" && searchParams.get("sslmode") === null) {
    findings.push(warning(`${name}: does not ask for TLS: passwords and events travel in the clear`, "append ?sslmode=verify-full"));
  }
  return findings.length > 0 ? findings : [ok(`${name}: ${isShared ? "the shared pooler" : "the project's own address"}, port ${actualPort}`)];
}
