import { withArchivedTiles } from "./archive-tiles.ts";
import { openCheckpoint } from "./format/checkpoint.ts";
import { toBase64 } from "./format/base64.ts";
import { toHex } from "./format/hex.ts";
import { leafHash, sameBytes, treeRoot } from "./format/merkle.ts";
import { type NoteSigner, type NoteVerifier, parseNote, signNote, verifyNote } from "./format/signed-note.ts";
import { type ReadTiles, rootFromTiles, TileFault } from "./format/tiles.ts";
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
  /** Tiles of the tenant's tree that have not moved to the archive. */
  tilesOf(tenantId: string): ReadTiles;
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

/** What became of the bundles that were due. */
type BundleSummary = {
  readonly written: readonly string[];
  /** Tenants whose log lags behind or contradicts a bundle: of a database that was rolled back. */
  readonly contradicted: readonly string[];
  /** Objects under a bundle's name that are not that bundle. */
  readonly foreign: readonly string[];
  /** Bundles that were recorded as written, and were not there. */
  readonly missing: readonly string[];
};

/**
 * Puts the bundles that are due into the archive, at most `limit` of them, oldest first. A bundle is never overwritten: one that is there already,
 * because a crash came before it was recorded or because the database is older than it, is compared with the database instead. Where something else is
 * under its name, which only somebody else can have put there, the bundle goes beside it. That the newest two are there is asked, not read: a row that
 * somebody put into the table of those written would otherwise end all bundles without a word.
 */
export async function writeBundles(dependencies: BundleDependencies, limit: number): Promise<BundleSummary> {
  const { source, archive, now, sha256 } = dependencies;
  const due = dueBundles(now());
  const names = new Set(await source.unwritten(due.map(({ name }) => name)));
  const lost = new Set<string>();
  for (const { name } of due.slice(-2)) if (!names.has(name) && await archive.size(name) === undefined) lost.add(name);
  const written: string[] = [];
  const foreign: string[] = [];
  const missing: string[] = [];
  const contradicted = new Set<string>();
  for (const { name, until } of due.filter((bundle) => names.has(bundle.name) || lost.has(bundle.name)).slice(0, limit)) {
    const bundle = await makeBundle(dependencies, until);
    // Before the first checkpoint there is nothing to put, and nothing is missing.
    if (bundle === undefined && lost.has(name)) continue;
    if (bundle !== undefined && lost.has(name)) missing.push(name);
    if (bundle !== undefined && await archive.put(name, bundle) === "exists") {
      const kept = await keptBundle(dependencies, name, until);
      for (const tenantId of kept === undefined ? [] : await contradictions(dependencies, kept)) contradicted.add(tenantId);
      if (kept === undefined) {
        foreign.push(name);
        await archive.put(name.replace(/\.checkpoints$/, `-${toHex(sha256(bundle)).slice(0, 16)}.checkpoints`), bundle);
      }
    }
    // Recorded after it is durable: a crash between the two finds it there again.
    await source.record(name);
    written.push(name);
  }
  if (contradicted.size > 0) dependencies.log({ level: "error", event: "checkpoint_bundle.contradicted", tenants: [...contradicted] });
  if (foreign.length > 0) dependencies.log({ level: "error", event: "checkpoint_bundle.foreign", names: foreign });
  if (missing.length > 0) dependencies.log({ level: "error", event: "checkpoint_bundle.missing", names: missing });
  return { written, contradicted: [...contradicted], foreign, missing };
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
  const text = bundleText(sha256, logOrigin, until, notes);
  const bundle = await signNote(text, [signer]);
  const rotations = (await source.rotations()).map((rotation) => ({ rotation }));
  const lines = [{ bundle }, ...rotations, ...notes.map((checkpoint) => ({ checkpoint }))];
  return encoder.encode(lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
}
const encoder = new TextEncoder();

/** What is signed of a bundle: which moment it is of, and all of its checkpoints. */
function bundleText(sha256: Sha256, logOrigin: string, until: Date, notes: readonly string[]): string {
  const root = treeRoot(sha256, notes.map((note) => leafHash(sha256, encoder.encode(note))));
  return [header, logOrigin, Math.floor(until.getTime() / 1000), notes.length, toBase64(root)].map((line) => `${line}\n`).join("");
}

/** A bundle that was there before, with the keys that may have signed its checkpoints. */
type KeptBundle = { readonly checkpoints: readonly string[]; readonly keys: readonly NoteVerifier[] };

/** The bundle `name`, if a trusted key signed it for this moment and all that was signed is there; undefined for anything else. */
async function keptBundle({ source, archive, signer, logOrigin, sha256, verifierOf }: BundleDependencies, name: string, until: Date) {
  const lines = linesOf(await archive.get(name) ?? new Uint8Array(0));
  const checkpoints = lines.flatMap(({ checkpoint }) => checkpoint ?? []);
  const rotations = [...lines.flatMap(({ rotation }) => rotation ?? []), ...await source.rotations()];
  const keys = [signer, ...await retiredKeys(rotations, verifierOf)];
  try {
    const note = parseNote(lines[0]?.bundle ?? "");
    if (note.text !== bundleText(sha256, logOrigin, until, checkpoints)) return undefined;
    for (const key of keys) if (await verifyNote(note, key)) return { checkpoints, keys };
  } catch {
    // No signed note.
  }
  return undefined;
}

type BundleLine = { readonly bundle?: string | undefined; readonly rotation?: string | undefined; readonly checkpoint?: string | undefined };

/** The lines of a bundle; of what cannot be read as one, none. */
function linesOf(bytes: Uint8Array): readonly BundleLine[] {
  try {
    return new TextDecoder().decode(bytes).split("\n").filter((line) => line !== "").map((line) => {
      const { bundle, rotation, checkpoint } = JSON.parse(line) as Record<string, unknown>;
      const text = (value: unknown) => typeof value === "string" ? value : undefined;
      return { bundle: text(bundle), rotation: text(rotation), checkpoint: text(checkpoint) };
    });
  } catch {
    return [];
  }
}

/** Tenants whose tree is not a continuation of what `kept` states. */
async function contradictions(dependencies: BundleDependencies, { checkpoints, keys }: KeptBundle): Promise<readonly string[]> {
  const { logOrigin } = dependencies;
  const found: string[] = [];
  for (const checkpoint of checkpoints) {
    const kept = await openByAny(checkpoint, keys);
    // What no key of ours signed says nothing about our log.
    if (kept === undefined || !kept.origin.startsWith(`${logOrigin}/`)) continue;
    const tenantId = kept.origin.slice(logOrigin.length + 1);
    const root = await rootAt(dependencies, tenantId, kept.size);
    if (root === undefined || !sameBytes(root, kept.root)) found.push(tenantId);
  }
  return found;
}

/** The root of a tenant's tree when it had `size` leaves; undefined when it has not so many, or tiles are missing. */
async function rootAt({ source, archive, sha256 }: BundleDependencies, tenantId: string, size: number): Promise<Uint8Array | undefined> {
  return await rootFromTiles(sha256, withArchivedTiles(source.tilesOf(tenantId), archive, tenantId), size).catch((fault: unknown) => {
    if (fault instanceof TileFault) return undefined;
    throw fault;
  });
}

/** Keys named in rotation statements, as far as they are trusted. */
async function retiredKeys(rotations: readonly string[], verifierOf: BundleDependencies["verifierOf"]): Promise<readonly NoteVerifier[]> {
  const keys = await Promise.all(rotations.map((rotation) => verifierOf(rotation.split("\n")[2] ?? "")));
  return keys.filter((key) => key !== undefined);
}

async function openByAny(note: string, keys: readonly NoteVerifier[]) {
  for (const key of keys) {
    const opened = await openCheckpoint(note, key).catch(() => undefined);
    if (opened !== undefined) return opened;
  }
  return undefined;
}
