import { AuditError } from "../errors.ts";
import { limits } from "../limits.ts";
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
  /** Last insertion that an export takes, so that what comes later stays out of all its parts. */
  readonly seqMax?: number;
};

/** Writes cursors that only this service could have written, and reads them back. */
export type CursorCodec = {
  write(cursor: Cursor, now: Date): Promise<string>;
  /** The cursor in `text`. Throws `invalid_cursor` when it was altered, cut, made elsewhere, made for another tenant or filter, or has expired. */
  read(text: string, binding: string, now: Date): Promise<Cursor>;
};

const nonceBytes = 12;
const tagBytes = 16;
const textMax = 1024;
const algorithm = "AES-GCM";
const encoder = new TextEncoder();

/**
 * Cursors under `secret`: Base64url of a nonce and of JSON, encrypted and authenticated by AES-256-GCM. Encrypted because `seqMax` counts the events of
 * all tenants; authenticated so that nobody makes one. They are no proof of access: row-level security is asked again on every page.
 */
export function createCursorCodec(secret: string, randomBytes: (length: number) => Uint8Array): CursorCodec {
  let imported: Promise<CryptoKey> | undefined;
  const key = () => imported ??= importKey(secret);
  return {
    write: async (cursor, now) => {
      const payload = encoder.encode(JSON.stringify({ ...cursor, expires: now.getTime() + limits.cursorHours * 3_600_000 }));
      const iv = Uint8Array.from(randomBytes(nonceBytes));
      const sealed = new Uint8Array(await crypto.subtle.encrypt({ name: algorithm, iv }, await key(), payload));
      const bytes = new Uint8Array(nonceBytes + sealed.length);
      bytes.set(iv);
      bytes.set(sealed, nonceBytes);
      return toBase64Url(bytes);
    },
    read: async (text, binding, now) => {
      const bytes = text.length > textMax ? undefined : fromBase64Url(text);
      if (bytes === undefined || bytes.length <= nonceBytes + tagBytes) throw altered();
      const payload = await crypto.subtle.decrypt({ name: algorithm, iv: bytes.slice(0, nonceBytes) }, await key(), bytes.slice(nonceBytes))
        .catch(() => {
          throw altered();
        });
      // Authenticated: only `write` can have made it.
      const { expires, ...cursor } = JSON.parse(new TextDecoder().decode(payload)) as Cursor & { readonly expires: number };
      if (cursor.binding !== binding) throw refused("it belongs to another tenant or filter; start again without it");
      if (expires < now.getTime()) throw refused(`it is older than ${limits.cursorHours} hours; start again without it`);
      return cursor;
    },
  };
}

/** 132 bits that stand for a tenant and everything asked of it, so that a cursor serves no other question. `request` is deterministic text. */
export async function bindingOf(request: string): Promise<string> {
  return toBase64Url(new Uint8Array(await crypto.subtle.digest("SHA-256", encoder.encode(request)))).slice(0, 22);
}

async function importKey(secret: string): Promise<CryptoKey> {
  const bytes = await crypto.subtle.digest("SHA-256", encoder.encode(`audit-events cursor\n${secret}`));
  return await crypto.subtle.importKey("raw", bytes, algorithm, false, ["encrypt", "decrypt"]);
}

function altered(): AuditError {
  return refused("it is not one of ours, or was altered");
}

function refused(why: string): AuditError {
  return new AuditError("invalid_cursor", `read cursor: ${why}`, { pointer: "cursor" });
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
