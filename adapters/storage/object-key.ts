import { AuditError } from "../../core/errors.ts";

const KEY_BYTES_MAX = 900;

/**
 * Throws unless `key` is a relative path of safe parts: letters, digits and `._=+-`, no empty part, no `.` or `..`. What a store is asked for never
 * comes from a request, so a bad key is somebody tampering with the catalogue, not a typing error.
 */
export function assertObjectKey(key: string): void {
  const parts = key.split("/");
  const safe = key.length <= KEY_BYTES_MAX && parts.every((part) => /^[A-Za-z0-9._=+-]+$/.test(part) && part !== "." && part !== "..");
  if (!safe) throw new AuditError("invalid_request", "use object key: it is not a relative path of letters, digits and ._=+-");
}
