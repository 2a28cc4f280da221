import type { ArchiveStore } from "../../core/ports.ts";
import type { Settings } from "../environment.ts";
import { createFolderStore } from "./folder-store.ts";
import { createSupabaseStore } from "./supabase-store.ts";

/** The archive that `AUDIT_ARCHIVE_URL` names, `file:<folder>` or `supabase:<bucket>`; undefined when there is none, or no secret key to reach it with. */
export function openArchive(settings: Pick<Settings, "archiveUrl" | "supabaseUrl" | "secretKeys">): ArchiveStore | undefined {
  const { archiveUrl, supabaseUrl, secretKeys } = settings;
  if (archiveUrl === undefined) return undefined;
  if (archiveUrl.startsWith("file:")) return createFolderStore(archiveUrl.slice("file:".length));
  const secretKey = secretKeys.get("default") ?? [...secretKeys.values()][0];
  return secretKey === undefined ? undefined : createSupabaseStore({ url: supabaseUrl, secretKey, bucket: archiveUrl.slice("supabase:".length) });
}
