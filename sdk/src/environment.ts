/** Environment variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** What the environment may say about a client. Texts are read where they are used. */
export type EnvironmentSettings = {
  readonly url?: string;
  readonly apiUrl?: string;
  readonly apiKey?: string;
  readonly enabled?: boolean;
  readonly async?: boolean;
  readonly queueSize?: number;
};

/** Variables by the option they set; of two that set the same, the later wins. */
const variables = {
  SUPABASE_URL: "url",
  AUDIT_URL: "url",
  AUDIT_API_URL: "apiUrl",
  AUDIT_API_KEY: "apiKey",
  AUDIT_LOGGING_ENABLED: "enabled",
  AUDIT_LOGGING_ASYNC: "async",
  AUDIT_LOGGING_QUEUE_SIZE: "queueSize",
} as const;

/** Where there is a process: Node, Deno and Bun have one, browsers and some edge workers do not. */
type WithProcess = { readonly process?: { readonly env?: Environment } };

/** The settings in `environment`, that of the process by default. Only `false` and `0` switch something off: a typing error never silences the log. */
export function readEnvironment(environment: Environment = (globalThis as WithProcess).process?.env ?? {}): EnvironmentSettings {
  const settings: Record<string, string | number | boolean> = {};
  for (const [name, option] of Object.entries(variables)) {
    try {
      const text = environment[name]?.trim();
      if (text) settings[option] = option === "queueSize" ? Number(text) : name.includes("LOGGING") ? !/^(false|0)$/i.test(text) : text;
    } catch {
      // Deno asks for permission, and throws without it.
    }
  }
  return settings;
}
