import { z } from "zod";
import { ArchiveFault } from "./archive-fault.ts";
import { archiveFolder } from "./archive-key.ts";
import { canonicalJson } from "./format/canonical-json.ts";
import { type Checkpoint, openCheckpoint, originOf } from "./format/checkpoint.ts";
import { cosignatureLine, cosignedAt, formatVerifierKey, type NoteSigner, type NoteVerifier, parseNote, signNote, verifyNote } from "./format/signed-note.ts";

/** Line 1 of a manifest's text. No checkpoint has it as its origin, so neither signature can stand for the other. */
const header = "audit-events/archive-manifest/v1";

const time = z.iso.datetime({ precision: 3 });
const sha256Hex = z.string().regex(/^[0-9a-f]{64}$/);
const count = z.number().int().nonnegative();

const manifestShape = z.strictObject({
  v: z.literal(1),
  tenant_id: z.uuid(),
  date: z.iso.date(),
  created_at: time,
  rows: count,
  bytes: count,
  first_log_index: count,
  last_log_index: count,
  /** The signed checkpoint, verbatim, in whose tree every event was found. */
  checkpoint: z.string(),
  files: z.array(z.strictObject({
    key: z.string(),
    sha256: sha256Hex,
    bytes: count,
    rows: count,
    first_occurred_at: time,
    last_occurred_at: time,
    first_log_index: count,
    last_log_index: count,
  })).min(1),
});

/** What an archive consists of, docs/format/archive.md "Manifest". */
export type ArchiveManifest = z.output<typeof manifestShape>;
export type ManifestFile = ArchiveManifest["files"][number];

/** A manifest's bytes: header, origin of the log, canonical JSON, each on a line, signed plainly and with the time, as checkpoints are. */
export async function signManifest(manifest: ArchiveManifest, logOrigin: string, signer: NoteSigner, at: Date): Promise<Uint8Array<ArrayBuffer>> {
  const text = `${header}\n${originOf(logOrigin, manifest.tenant_id)}\n${canonicalJson(manifest)}\n`;
  const note = (await signNote(text, [signer])) + (await cosignatureLine(text, signer, Math.floor(at.getTime() / 1000)));
  return new TextEncoder().encode(note);
}

/** A manifest that may be believed: who signed it is trusted, and so is the checkpoint in it. */
export type OpenedManifest = { readonly manifest: ArchiveManifest; readonly signedAt: Date; readonly checkpoint: SignedCheckpoint };
type SignedCheckpoint = Checkpoint & { readonly signedAt: Date; readonly verifierKey: string };

/** Which archive is meant, and whose signatures are believed: `verifiers` are the log's own key and those that handed over to it. */
export type ManifestExpectation = {
  readonly logOrigin: string;
  readonly tenantId: string;
  readonly day: string;
  readonly verifiers: readonly NoteVerifier[];
};

/**
 * Opens a manifest and believes nothing before its signature. Throws ArchiveFault when it is not signed, not by a trusted key, of another log, tenant or
 * day, or names files outside its own folder. Whether it is the one that the catalogue means is for its SHA-256 to say.
 */
export async function openManifest(bytes: Uint8Array, expected: ManifestExpectation): Promise<OpenedManifest> {
  const fault = (what: string) => new ArchiveFault(`open manifest of ${expected.day}: ${what}`);
  const note = parseOrUndefined(bytes);
  if (note === undefined) throw fault("note: cannot be read");
  const signedAt = await signedBy(note, expected.verifiers);
  if (signedAt === undefined) throw fault("signature: is not valid, or by a key that is not trusted");
  const [first, origin, json = "", ...rest] = note.text.split("\n");
  if (first !== header || rest.length !== 1) throw fault("text: is not a manifest");
  if (origin !== originOf(expected.logOrigin, expected.tenantId)) throw fault("origin: is another log");
  const { data: manifest } = manifestShape.safeParse(JSON.parse(json));
  if (manifest === undefined) throw fault("text: is not a manifest of version 1");
  if (manifest.tenant_id !== expected.tenantId || manifest.date !== expected.day) throw fault("tenant or date: is another");
  const folder = archiveFolder(manifest.tenant_id, manifest.date);
  if (!manifest.files.every(({ key }) => key.startsWith(folder) && !key.slice(folder.length).includes("/"))) throw fault("files: lie elsewhere");
  if (manifest.files.reduce((sum, file) => sum + file.rows, 0) !== manifest.rows) throw fault("rows: differ from its files'");
  const checkpoint = await checkpointOf(manifest.checkpoint, expected.verifiers);
  if (checkpoint?.origin !== origin || checkpoint.size <= manifest.last_log_index) throw fault("checkpoint: is not valid, of another log, or too small");
  return { manifest, signedAt, checkpoint };
}

function parseOrUndefined(bytes: Uint8Array): ReturnType<typeof parseNote> | undefined {
  try {
    return parseNote(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    return undefined;
  }
}

async function signedBy(note: ReturnType<typeof parseNote>, verifiers: readonly NoteVerifier[]): Promise<Date | undefined> {
  for (const verifier of verifiers) {
    if (!await verifyNote(note, verifier)) continue;
    const seconds = await cosignedAt(note, verifier).catch(() => undefined);
    if (seconds !== undefined) return new Date(seconds * 1000);
  }
  return undefined;
}

async function checkpointOf(note: string, verifiers: readonly NoteVerifier[]): Promise<SignedCheckpoint | undefined> {
  for (const verifier of verifiers) {
    const opened = await openCheckpoint(note, verifier).catch(() => undefined);
    if (opened !== undefined) return { ...opened, verifierKey: await formatVerifierKey(verifier) };
  }
  return undefined;
}
