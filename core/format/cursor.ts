import { AuditError } from "../errors.ts";
import { limits } from "../limits.ts";
import type { Hmac, Sha256 } from "../ports.ts";
import type { Order, Position } from "../query-filter.ts";

/**
 * Where a walk stands and what it walks over. `binding` names tenant and filter (`bindingOf`); the window is kept because a default one is
 * counted from the first page's clock, and would move under the walk.
 */
export type Cursor = {
  readonly binding: string;
  readonly from: string;
  readonly to: string;
  readonly order: Order;
  readonly position: Position;
  /** Set when the last page ran out of time: how much of the window the next one should try at once, and what it should still skip. */
  readonly sliceMs?: number;
  readonly skip?: number;
  /** An export's: events received later stay out of all its parts. */
  readonly receivedMax?: string;
};

/** Writes cursors that only this service could have written, and reads them back. */
export type CursorCodec = {
  write(cursor: Cursor, now: Date): string;
  /** The cursor in `text`. Throws `invalid_cursor` when it was altered, cut, made elsewhere, made for another tenant or filter, or has expired. */
  read(text: string, binding: string, now: Date): Cursor;
};

const tagBytes = 16;
const textMax = 1024;
const encoder = new TextEncoder();

/**
 * Cursors under the secret of `hmac`, an HMAC-SHA-256: Base64url of a tag, the HMAC cut to 128 bits, and the JSON it authenticates. They are not secret
 * (they hold what the caller was shown), and they are no proof of access: row-level security is asked again on every page.
 */
export function createCursorCodec(hmac: Hmac): CursorCodec {
  const tagOf = (payload: Uint8Array) => hmac(payload).subarray(0, tagBytes);
  return {
    write: (cursor, now) => {
      const payload = encoder.encode(JSON.stringify({ ...cursor, expires: now.getTime() + limits.cursorHours * 3_600_000 }));
      const bytes = new Uint8Array(tagBytes + payload.length);
      bytes.set(tagOf(payload));
      bytes.set(payload, tagBytes);
      return toBase64Url(bytes);
    },
    read: (text, binding, now) => {
      const bytes = text.length > textMax ? undefined : fromBase64Url(text);
      if (bytes === undefined || bytes.length <= tagBytes) throw refused("it is not one of ours, or was altered");
      const payload = bytes.slice(tagBytes);
      if (!equal(bytes.subarray(0, tagBytes), tagOf(payload))) throw refused("it is not one of ours, or was altered");
      // Authenticated: only this file can have written it.
      const { expires, ...cursor } = JSON.parse(new TextDecoder().decode(payload)) as Cursor & { readonly expires: number };
      if (cursor.binding !== binding) throw refused("it belongs to another tenant or filter; start again without it");
      if (expires < now.getTime()) throw refused(`it is older than ${limits.cursorHours} hours; start again without it`);
      return cursor;
    },
  };
}

/** 132 bits that stand for a tenant and everything asked of it, so that a cursor serves no other question. `request` is deterministic text. */
export function bindingOf(request: string, sha256: Sha256): string {
  return toBase64Url(sha256(encoder.encode(request))).slice(0, 22);
}

function refused(why: string): AuditError {
  return new AuditError("invalid_cursor", `read cursor: ${why}`, { pointer: "cursor" });
}

/** Compares in time that does not depend on where the two differ. */
function equal(a: Uint8Array, b: Uint8Array): boolean {
  let difference = a.length ^ b.length;
  for (let i = 0; i < a.length; i++) difference |= (a[i] ?? 0) ^ (b[i] ?? 0);
  return difference === 0;
}

function toBase64Url(bytes: Uint8Array): string {
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** Strict: a cursor has one text, so that stray bits and padding cannot make another that means the same. */
function fromBase64Url(text: string): Uint8Array<ArrayBuffer> | undefined {
  if (!/^[A-Za-z0-9_-]+$/.test(text) || text.length % 4 === 1) return undefined;
  const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
  return toBase64Url(bytes) === text ? bytes : undefined;
}
