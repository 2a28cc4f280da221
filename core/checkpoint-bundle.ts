import { openCheckpoint } from "./format/checkpoint.ts";
import { toBase64 } from "./format/base64.ts";
import { leafHash, sameBytes, treeRoot } from "./format/merkle.ts";
import { type NoteSigner, type NoteVerifier, signNote } from "./format/signed-note.ts";
import type { ArchiveStore, Log, Sha256 } from "./ports.ts";

/** A tenant's newest checkpoint at some moment, with the key that signed it. */
export type NewestCheckpoint = { readonly tenantId: string; readonly note: string; readonly verifierKey: string };

/** Where checkpoints are bundled from. */
export type BundleSource = {
  /** Those of `names` that have not been recorded as written. */
  unwritten(names: readonly string[]): Promise<readonly string[]>;
  record(name: string): Promise<void>;
  /** Each tenant's newest checkpoint signed before `until`, by tenant, after `afterTenantId`, at most `limit`. */
  newest(until: Date, afterTenantId: string | undefined, limit: number): Promise<readonly NewestCheckpoint[]>;
  rotations(): Promise<readonly string[]>;
  /** The root of a tenant's tree when it had `size` leaves, from its tiles; undefined when it has not so many, or tiles are missing. */
  rootAt(tenantId: string, size: number): Promise<Uint8Array | undefined>;
};

export type BundleDependencies = {
  readonly source: BundleSource;
  readonly archive: ArchiveStore;
  readonly signer: NoteSigner;
  readonly logOrigin: string;
  readonly sha256: Sha256;
  readonly now: () => Date;
  readonly log: Log;
  /** The key, if it is trusted: ours or one that handed over to it. */
  readonly verifierOf: (verifierKey: string) => Promise<NoteVerifier | undefined>;
};

const hourMs = 3_600_000;
const header = "audit-events/checkpoint-bundle/v1";
const pageTenants = 1000;
/** Hours that are made up for after a pause; an older gap stays one. */
const hoursBack = 24;

/** A bundle that is due: its object's key, and the moment at which it looks. */
type DueBundle = { readonly name: string; readonly until: Date };

/** The bundles that should exist by `now`: one for every full hour of the last day, one for every full UTC day of the last two. */
export function dueBundles(now: Date): readonly DueBundle[] {
  const due: DueBundle[] = [];
  const thisHour = Math.floor(now.getTime() / hourMs) * hourMs;
  for (let until = thisHour - (hoursBack - 1) * hourMs; until <= thisHour; until += hourMs) {
    const [day, hour] = new Date(until - hourMs).toISOString().split("T") as [string, string];
    due.push({ name: `checkpoints/${day}/${hour.slice(0, 2)}.checkpoints`, until: new Date(until) });
    if (until % (24 * hourMs) === 0) due.push({ name: `checkpoints/${day}/day.checkpoints`, until: new Date(until) });
  }
  return due;
}

/**
 * Puts the bundles that are due into the archive, at most `limit` of them, oldest first. A bundle is never overwritten: one that is there already,
 * because a crash came before it was recorded or because the database is older than it, is compared with the database instead. Returns what it
 * wrote, and the tenants whose log lags behind or contradicts a bundle: a database that was rolled back.
 */
export async function writeBundles(
  dependencies: BundleDependencies,
  limit: number,
): Promise<{ readonly written: readonly string[]; readonly contradicted: readonly string[] }> {
  const { source, archive, now } = dependencies;
  const due = dueBundles(now());
  const names = new Set(await source.unwritten(due.map(({ name }) => name)));
  const written: string[] = [];
  const contradicted = new Set<string>();
  for (const { name, until } of due.filter((bundle) => names.has(bundle.name)).slice(0, limit)) {
    const bundle = await makeBundle(dependencies, until);
    if (bundle !== undefined && await archive.put(name, bundle) === "exists") {
      for (const tenantId of await contradictions(dependencies, name)) contradicted.add(tenantId);
    }
    // Recorded after it is durable: a crash between the two finds it there again.
    await source.record(name);
    written.push(name);
  }
  if (contradicted.size > 0) dependencies.log({ level: "error", event: "checkpoint_bundle.contradicted", tenants: [...contradicted] });
  return { written, contradicted: [...contradicted] };
}

/** The bundle's bytes, docs/format/seal.md "Bundle of checkpoints"; undefined when no tenant has a checkpoint yet. */
async function makeBundle({ source, signer, logOrigin, sha256 }: BundleDependencies, until: Date): Promise<Uint8Array | undefined> {
  const notes: string[] = [];
  let after: string | undefined;
  for (;;) {
    const page = await source.newest(until, after, pageTenants);
    notes.push(...page.map(({ note }) => note));
    if (page.length < pageTenants) break;
    after = page.at(-1)?.tenantId;
  }
  if (notes.length === 0) return undefined;
  const encoder = new TextEncoder();
  const root = treeRoot(sha256, notes.map((note) => leafHash(sha256, encoder.encode(note))));
  const lines = [header, logOrigin, Math.floor(until.getTime() / 1000), notes.length, toBase64(root)];
  const bundle = await signNote(lines.map((line) => `${line}\n`).join(""), [signer]);
  const rotations = (await source.rotations()).map((rotation) => ({ rotation }));
  return encoder.encode([{ bundle }, ...rotations, ...notes.map((checkpoint) => ({ checkpoint }))].map((line) => `${JSON.stringify(line)}\n`).join(""));
}

/** Tenants whose tree is not a continuation of what the bundle `name` states. */
async function contradictions({ source, archive, logOrigin, verifierOf, signer }: BundleDependencies, name: string): Promise<readonly string[]> {
  const bytes = await archive.get(name);
  const lines = new TextDecoder().decode(bytes).split("\n").filter((line) => line !== "");
  const found: string[] = [];
  for (const line of lines) {
    const { checkpoint } = JSON.parse(line) as { readonly checkpoint?: string };
    if (checkpoint === undefined) continue;
    const kept = await openByAny(checkpoint, [signer, ...await retiredKeys(lines, verifierOf)]);
    // What no key of ours signed says nothing about our log.
    if (kept === undefined || !kept.origin.startsWith(`${logOrigin}/`)) continue;
    const tenantId = kept.origin.slice(logOrigin.length + 1);
    const root = await source.rootAt(tenantId, kept.size);
    if (root === undefined || !sameBytes(root, kept.root)) found.push(tenantId);
  }
  return found;
}

/** Keys named in the bundle's rotation statements, as far as they are trusted. */
async function retiredKeys(lines: readonly string[], verifierOf: BundleDependencies["verifierOf"]): Promise<readonly NoteVerifier[]> {
  const keys: NoteVerifier[] = [];
  for (const line of lines) {
    const { rotation } = JSON.parse(line) as { readonly rotation?: string };
    const key = rotation === undefined ? undefined : await verifierOf(rotation.split("\n")[2] ?? "");
    if (key !== undefined) keys.push(key);
  }
  return keys;
}

async function openByAny(note: string, keys: readonly NoteVerifier[]) {
  for (const key of keys) {
    const opened = await openCheckpoint(note, key).catch(() => undefined);
    if (opened !== undefined) return opened;
  }
  return undefined;
}
