import ipaddr from "ipaddr.js";
import { z } from "zod";
import { limits } from "../core/limits.ts";
import type { Quotas } from "../core/rate-store.ts";

/**
 * Every variable that the project reads, one line of what it is for, and how its text becomes a value. Messages are written here and never
 * quote a value: several of these are secrets. `.env.example` lists the same names, and a test compares the two.
 */
export const variables = {
  SUPABASE_URL: httpUrl("the project's URL, such as https://abcdefgh.supabase.co"),
  SUPABASE_DB_URL: databaseUrl("the database's URL; Supabase sets it"),
  SUPABASE_JWKS: text("the JSON Web Key Set of user tokens; fetched from SUPABASE_URL when absent", parseKeySet, 'JSON like {"keys": [{"kty": "EC", …}]}'),
  SUPABASE_SECRET_KEYS: text("secret API keys by name", parseKeys, 'a JSON object like {"default": "sb_secret_…"}'),
  SUPABASE_PUBLISHABLE_KEYS: text("publishable API keys by name", parseKeys, 'a JSON object like {"default": "sb_publishable_…"}'),
  SUPABASE_SERVICE_ROLE_KEY: plain("the legacy service-role key"),
  SUPABASE_ANON_KEY: plain("the legacy anon key"),
  AUDIT_DATABASE_URL: databaseUrl("the database's URL: on hosted Supabase the transaction pooler's, port 6543"),
  AUDIT_DATABASE_POOL_SIZE: whole("connections of one process to the database", 1, 100, 4),
  AUDIT_JWT_ISSUER: plain("issuer that user tokens must name; <SUPABASE_URL>/auth/v1 when absent"),
  AUDIT_EVENT_MAX_AGE_DAYS: whole("how old an event may be when it arrives", 1, 365, limits.eventMaxAgeDays),
  AUDIT_EVENT_MAX_AHEAD_MINUTES: whole("how far ahead of our clock an event may be", 0, 1440, limits.eventMaxAheadMinutes),
  AUDIT_HOT_DAYS: whole("days that stay in Postgres before they are archived", 2, 3650, 90),
  AUDIT_RETENTION_YEARS: whole("years before an archive expires, where a tenant has no policy of its own", 1, 100, 10),
  AUDIT_RETENTION_FLOOR_YEARS: whole("least years that a tenant's own policy may say", 1, 100, 1),
  AUDIT_ARCHIVE_URL: matching("where archives go", /^(supabase:[a-z0-9][a-z0-9._-]{0,99}|file:.+)$/, "supabase:<bucket> or file:<folder>"),
  AUDIT_SIGNING_KEY: matching(
    "signed-note key that signs checkpoints",
    /^PRIVATE\+KEY\+[^+\s]+\+[0-9a-f]{8}\+[A-Za-z0-9+/]+=*$/,
    "PRIVATE+KEY+<name>+<id>+<key>",
  ),
  AUDIT_LOG_ORIGIN: matching("name of this log; a checkpoint's origin is <it>/<tenant_id>", /^[^\s+]{1,200}$/, "a name without spaces and plus signs"),
  AUDIT_CURSOR_KEY: matching("the key that authenticates page cursors", /^\S{32,}$/, "at least 32 random characters"),
  AUDIT_ANON_TENANT_ID: uuid("tenant into which publishable keys may post; nobody may when absent"),
  AUDIT_DEFAULT_TENANT_ID: uuid("tenant of a secret key's events that name none"),
  AUDIT_RATE_LIMITS: choice("whether tenants and callers have quotas", ["on", "off"], "on"),
  AUDIT_INGEST_EVENTS_PER_SECOND: whole("events a second of one tenant, twice what one caller may send", 1, limits.rateMax, limits.ingestPerSecond),
  AUDIT_READS_PER_SECOND: whole("reading requests a second of one tenant, twice what one caller may send", 1, limits.rateMax, limits.readsPerSecond),
  AUDIT_KEY_CACHE_SECONDS: whole("how long a looked-up API key is believed, and so how late a revocation may take effect", 0, 60, limits.keyCacheMs / 1000),
  AUDIT_METRICS_TOKEN: matching("bearer that may read /metrics; only the server's own machine may when absent", /^\S{16,}$/, "at least 16 random characters"),
  AUDIT_EVENT_CATALOGUE: text(
    "the event types that this deployment knows",
    (value) => value.includes("\0") ? undefined : value,
    "a file's path, or the JSON itself",
  ),
  AUDIT_EVENT_CATALOGUE_MODE: choice("what becomes of events that are not in the catalogue", ["warn", "strict"], "warn"),
  AUDIT_TRUSTED_PROXIES: text(
    "networks of our own proxies, skipped when the client's address is read",
    parseCidrs,
    "CIDR blocks divided by commas, like 10.0.0.0/8",
  ),
  AUDIT_CLIENT_IP_HEADER: matching("header in which the platform gives the client's address", /^[A-Za-z0-9-]{1,100}$/, "a header's name"),
  AUDIT_ALLOWED_ORIGINS: text(
    "origins whose pages may call us, divided by commas; every origin when absent",
    parseOrigins,
    "* or origins like https://app.example.com",
  ),
} as const;

/** Name of a variable the project reads. */
export type VariableName = keyof typeof variables;

/** The environment, read once at start and passed on. Keys by name: what a secret key's principal is called. */
export type Settings = {
  readonly supabaseUrl: string;
  readonly databaseUrl: string;
  readonly databasePoolSize: number;
  readonly jwtIssuer: string;
  /** Public keys of user tokens; undefined when they are to be fetched from `jwksUrl`. */
  readonly jwks: KeySet | undefined;
  readonly jwksUrl: string;
  readonly secretKeys: ReadonlyMap<string, string>;
  readonly publishableKeys: ReadonlyMap<string, string>;
  readonly eventMaxAgeDays: number;
  readonly eventMaxAheadMinutes: number;
  readonly hotDays: number;
  readonly retentionYears: number;
  readonly retentionFloorYears: number;
  readonly archiveUrl: string | undefined;
  readonly signingKey: string | undefined;
  readonly logOrigin: string | undefined;
  readonly cursorKey: string | undefined;
  readonly metricsToken: string | undefined;
  readonly anonTenantId: string | undefined;
  readonly defaultTenantId: string | undefined;
  /** Undefined when nobody is limited. */
  readonly quotas: Quotas | undefined;
  readonly keyCacheMs: number;
  /** A path or JSON; `openCatalogue()` reads it. */
  readonly catalogue: string | undefined;
  readonly catalogueMode: "warn" | "strict";
  readonly trustedProxies: readonly string[];
  readonly clientIpHeader: string | undefined;
  readonly allowedOrigins: "*" | readonly string[];
};

/** A JSON Web Key Set, RFC 7517 section 5; single keys are checked when they are used. */
export type KeySet = { readonly keys: { readonly kty: string; readonly [member: string]: unknown }[] };

/** All that is wrong with the environment, a line each: what the variable is, and what to set. Holds no values. */
export class SettingsError extends Error {
  override name = "SettingsError";
  readonly faults: readonly string[];

  constructor(faults: readonly string[]) {
    super(
      `read settings: ${faults.length} ${faults.length === 1 ? "variable needs" : "variables need"} attention\n${
        faults.map((fault) => `  ${fault}`).join("\n")
      }`,
    );
    this.faults = faults;
  }
}

/**
 * The settings in `env`; empty variables count as absent. `needs` names what this process cannot do without.
 * Throws one SettingsError that names every fault at once.
 */
export function readSettings(env: Readonly<Record<string, string | undefined>>, needs: readonly VariableName[] = []): Settings {
  const faults: string[] = [];
  const read = <Name extends VariableName>(name: Name): z.output<(typeof variables)[Name]> => {
    const parsed = variables[name].safeParse(env[name] === "" ? undefined : env[name]);
    if (!parsed.success) faults.push(`${name}: set ${parsed.error.issues[0]?.message ?? "another value"}`);
    return parsed.data as z.output<(typeof variables)[Name]>;
  };
  const values = Object.fromEntries(Object.keys(variables).map((name) => [name, read(name as VariableName)])) as Values;
  for (const name of new Set<VariableName>(["SUPABASE_URL", ...needs])) {
    if (!env[name]) faults.push(`${name}: set ${variables[name].description}`);
  }
  if (!env["AUDIT_DATABASE_URL"] && !env["SUPABASE_DB_URL"]) faults.push(`AUDIT_DATABASE_URL: set ${variables.AUDIT_DATABASE_URL.description}`);
  if (values.AUDIT_HOT_DAYS <= values.AUDIT_EVENT_MAX_AGE_DAYS) {
    faults.push("AUDIT_HOT_DAYS: set more days than AUDIT_EVENT_MAX_AGE_DAYS, or a late event would belong to a day that is archived already");
  }
  if (values.AUDIT_RETENTION_FLOOR_YEARS > values.AUDIT_RETENTION_YEARS) {
    faults.push("AUDIT_RETENTION_FLOOR_YEARS: set no more years than AUDIT_RETENTION_YEARS, which tenants without a policy of their own have");
  }
  if (faults.length > 0) throw new SettingsError(faults);
  return settingsOf(values);
}

type Values = { readonly [Name in VariableName]: z.output<(typeof variables)[Name]> };

function settingsOf(values: Values): Settings {
  const supabaseUrl = values.SUPABASE_URL ?? "";
  return {
    supabaseUrl,
    databaseUrl: values.AUDIT_DATABASE_URL ?? values.SUPABASE_DB_URL ?? "",
    databasePoolSize: values.AUDIT_DATABASE_POOL_SIZE,
    jwtIssuer: values.AUDIT_JWT_ISSUER ?? `${supabaseUrl}/auth/v1`,
    jwks: values.SUPABASE_JWKS,
    jwksUrl: `${supabaseUrl}/auth/v1/.well-known/jwks.json`,
    secretKeys: withLegacy(values.SUPABASE_SECRET_KEYS, "service_role", values.SUPABASE_SERVICE_ROLE_KEY),
    publishableKeys: withLegacy(values.SUPABASE_PUBLISHABLE_KEYS, "anon", values.SUPABASE_ANON_KEY),
    eventMaxAgeDays: values.AUDIT_EVENT_MAX_AGE_DAYS,
    eventMaxAheadMinutes: values.AUDIT_EVENT_MAX_AHEAD_MINUTES,
    hotDays: values.AUDIT_HOT_DAYS,
    retentionYears: values.AUDIT_RETENTION_YEARS,
    retentionFloorYears: values.AUDIT_RETENTION_FLOOR_YEARS,
    archiveUrl: values.AUDIT_ARCHIVE_URL,
    signingKey: values.AUDIT_SIGNING_KEY,
    logOrigin: values.AUDIT_LOG_ORIGIN,
    cursorKey: values.AUDIT_CURSOR_KEY,
    metricsToken: values.AUDIT_METRICS_TOKEN,
    anonTenantId: values.AUDIT_ANON_TENANT_ID,
    defaultTenantId: values.AUDIT_DEFAULT_TENANT_ID,
    quotas: values.AUDIT_RATE_LIMITS === "on" ? quotasOf(values) : undefined,
    keyCacheMs: values.AUDIT_KEY_CACHE_SECONDS * 1000,
    catalogue: values.AUDIT_EVENT_CATALOGUE,
    catalogueMode: values.AUDIT_EVENT_CATALOGUE_MODE,
    trustedProxies: values.AUDIT_TRUSTED_PROXIES ?? [],
    clientIpHeader: values.AUDIT_CLIENT_IP_HEADER?.toLowerCase(),
    allowedOrigins: values.AUDIT_ALLOWED_ORIGINS ?? "*",
  };
}

/** One caller may use half of his tenant's quota: a program that runs wild leaves the rest to the others. */
function quotasOf(values: Values): Quotas {
  const quota = (tenant: number) => ({ tenant, caller: Math.ceil(tenant / 2) });
  return { ingest: quota(values.AUDIT_INGEST_EVENTS_PER_SECOND), reads: quota(values.AUDIT_READS_PER_SECOND) };
}

/** `keys` and the legacy key under `name`, unless a named key has that name: both are then accepted, the legacy one as `legacy_<name>`. */
function withLegacy(keys: ReadonlyMap<string, string> | undefined, name: string, legacy: string | undefined): ReadonlyMap<string, string> {
  const all = new Map(keys);
  if (legacy !== undefined) all.set(all.has(name) ? `legacy_${name}` : name, legacy);
  return all;
}

function text<T>(about: string, parse: (text: string) => T | undefined, form: string) {
  return z.string().transform((value, context): T => {
    const parsed = parse(value);
    if (parsed !== undefined) return parsed;
    context.addIssue({ code: "custom", message: `${about}: ${form}` });
    return z.NEVER;
  }).optional().describe(`${about}: ${form}`);
}

function matching(about: string, form: RegExp, wording: string) {
  return z.string().regex(form, { error: `${about}: ${wording}` }).optional().describe(`${about}: ${wording}`);
}

function choice<const Words extends readonly [string, ...string[]]>(about: string, words: Words, fallback: Words[number]) {
  const error = `${about}: ${words.join(" or ")}`;
  return z.enum(words, { error }).default(fallback as never).describe(`${about}: ${fallback}`);
}

function plain(about: string) {
  return matching(about, /^\S+$/, "text without spaces");
}

function uuid(about: string) {
  return text(about, (value) => z.guid().safeParse(value).data?.toLowerCase(), "a UUID");
}

function whole(about: string, min: number, max: number, fallback: number) {
  const error = `${about}: a whole number from ${min} to ${max}`;
  const digits = z.string().regex(/^\d{1,9}$/, { error }).transform(Number);
  return digits.pipe(z.number().min(min, { error }).max(max, { error })).default(fallback).describe(`${about}: ${fallback}`);
}

function httpUrl(about: string) {
  return text(about, (value) => /^https?:\/\/[^\s?#]+$/.test(value) && URL.canParse(value) ? value.replace(/\/+$/, "") : undefined, "an http or https URL");
}

function databaseUrl(about: string) {
  return text(
    about,
    (value) => /^postgres(ql)?:\/\/\S+$/.test(value) && URL.canParse(value) ? value : undefined,
    "postgresql://user:password@host:port/database",
  );
}

function parseKeySet(value: string): KeySet | undefined {
  const keys = z.array(z.looseObject({ kty: z.string() }));
  return z.union([z.looseObject({ keys }), keys.transform((list) => ({ keys: list }))]).safeParse(parseJson(value)).data;
}

function parseKeys(value: string): ReadonlyMap<string, string> | undefined {
  // A short key would be guessable, and a name outside this alphabet could not stand in a principal.
  const keys = z.record(z.string().regex(/^[A-Za-z0-9_.-]{1,64}$/), z.string().min(16)).safeParse(parseJson(value)).data;
  return keys && new Map(Object.entries(keys));
}

function parseJson(value: string): unknown {
  try {
    return JSON.parse(value);
  } catch {
    return undefined;
  }
}

function parseCidrs(value: string): readonly string[] | undefined {
  const blocks = value.split(",").map((block) => block.trim());
  return blocks.every((block) => ipaddr.isValidCIDR(block)) ? blocks : undefined;
}

function parseOrigins(value: string): "*" | readonly string[] | undefined {
  if (value.trim() === "*") return "*";
  const origins = value.split(",").map((origin) => origin.trim());
  return origins.every((origin) => URL.canParse(origin) && new URL(origin).origin === origin) ? origins : undefined;
}
