import { fromBase64, toBase64 } from "./base64.ts";
import { hashBytes } from "./merkle.ts";

const header = "c2sp.org/tlog-proof@v1";
/** A path in a tree of 2^63 leaves. */
const pathMax = 63;

/**
 * An event's receipt: where its leaf stands, the audit path to the root, and the signed checkpoint, verbatim. `leaf` is the record itself, for a
 * receipt that can be checked without anything beside it; nothing authenticates it but its own hash.
 */
export type Receipt = { readonly index: number; readonly path: readonly Uint8Array[]; readonly checkpoint: string; readonly leaf?: Uint8Array };

/** The text of a `.tlog-proof` file, C2SP tlog-proof "Format"; the leaf stands in its extra line. */
export function formatReceipt({ index, path, checkpoint, leaf }: Receipt): string {
  const extra = leaf === undefined ? "" : `extra ${toBase64(leaf)}\n`;
  return `${header}\n${extra}index ${index}\n${path.map((hash) => `${toBase64(hash)}\n`).join("")}\n${checkpoint}`;
}

/** Reads a `.tlog-proof` file; throws when it is not one. */
export function parseReceipt(text: string): Receipt {
  const split = text.indexOf("\n\n");
  const [first, ...rest] = text.slice(0, Math.max(split, 0)).split("\n");
  if (first !== header) throw new Error(`parse receipt: first line: is not ${header}`);
  const extra = rest[0]?.startsWith("extra ") ? rest.shift()?.slice("extra ".length) : undefined;
  const leaf = extra === undefined ? undefined : fromBase64(extra);
  if (extra !== undefined && leaf === undefined) throw new Error("parse receipt: extra: is not Base 64");
  const [, digits] = /^index (0|[1-9]\d{0,15})$/.exec(rest.shift() ?? "") ?? [];
  const index = Number(digits);
  if (digits === undefined || !Number.isSafeInteger(index)) throw new Error("parse receipt: index: is not a whole number");
  const path = rest.map((line) => fromBase64(line));
  if (path.length > pathMax || !path.every((hash): hash is Uint8Array => hash?.length === hashBytes)) {
    throw new Error("parse receipt: path: is not SHA-256 hashes in Base 64");
  }
  return { index, path, checkpoint: text.slice(split + 2), ...(leaf === undefined ? {} : { leaf }) };
}
