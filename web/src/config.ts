/** `config.json` beside the page: where the API is, and who may sign in how. Holds nothing secret but a local stack's demo tokens. */
export type Config = {
  /** Root of the API, up to and without `/api/v1/audit`; the page's own origin when absent. */
  readonly api_url?: string;
  /** Supabase project whose accounts sign in here, with its publishable key. */
  readonly supabase_url?: string;
  readonly supabase_publishable_key?: string;
  /** Names of tenants by id, for those who may see several. */
  readonly tenant_names?: Readonly<Record<string, string>>;
  /** Only a local stack has these. */
  readonly demo_people?: readonly DemoPerson[];
  /** What to paste into a terminal to see a first event; only a local stack has it. */
  readonly first_event_command?: string;
};

export type DemoPerson = {
  /** What `#demo=<key>` in the address signs in as. */
  readonly key: string;
  readonly name: string;
  readonly role: string;
  readonly tenant: string;
  readonly token: string;
};

/** Throws when it does not come or is no JSON: without it, the page would ask an API that is not its own. A host without the file has no settings. */
export async function readConfig(): Promise<Config> {
  const response = await fetch("./config.json", { cache: "no-store" });
  if (response.status === 404) return {};
  if (!response.ok) throw new Error(`read config.json: the host answered ${response.status}`);
  return await response.json() as Config;
}
