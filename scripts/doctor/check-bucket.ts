import { reasonOf } from "./check-keys.ts";
import { finder, type Finding } from "./finding.ts";

const timeoutMs = 10_000;

/** The bucket that a setting like `supabase:audit-archive` names. */
export function bucketOf(archiveUrl: string | undefined): string | undefined {
  return /^supabase:(.+)$/.exec(archiveUrl ?? "")?.[1];
}

/** What Storage says of a bucket: undefined when there is none. Throws when it cannot be asked, or refuses the key. */
export async function findBucket(projectUrl: string, secretKey: string, bucket: string): Promise<{ readonly public: boolean } | undefined> {
  const headers = { apikey: secretKey, authorization: `Bearer ${secretKey}` };
  const response = await fetch(`${projectUrl}/storage/v1/bucket/${bucket}`, { headers, signal: AbortSignal.timeout(timeoutMs) });
  const body = await response.json() as { readonly public?: boolean; readonly statusCode?: string; readonly message?: string };
  // Storage answers 400 for much, and says in the body which status it means.
  if (response.status === 404 || body.statusCode === "404") return undefined;
  if (!response.ok) throw new Error(`Storage answered ${body.statusCode ?? response.status}: ${body.message ?? ""}`);
  return { public: body.public === true };
}

/** Whether the archive's bucket is there and private. A project that refuses the secret key shows here too. */
export async function checkBucket(projectUrl: string, secretKey: string | undefined, archiveUrl: string | undefined): Promise<readonly Finding[]> {
  const { ok, pending, fault, unchecked } = finder("bucket");
  const bucket = bucketOf(archiveUrl);
  if (bucket === undefined) return [];
  if (secretKey === undefined) return [unchecked(`${bucket}: SUPABASE_SECRET_KEY is not set`)];
  try {
    const found = await findBucket(projectUrl, secretKey, bucket);
    if (found === undefined) return [pending(`${bucket}: is not there`, "deploy makes it")];
    return [
      found.public
        ? fault(`${bucket}: is public: anybody could read the archive`, "make it private in the dashboard: Storage")
        : ok(`${bucket}: is there, and private`),
    ];
  } catch (error) {
    const isRefusal = error instanceof Error && error.message.startsWith("Storage answered");
    const detail = `${bucket}: ${reasonOf(error)}`;
    return [isRefusal ? fault(detail, "check SUPABASE_SECRET_KEY") : unchecked(detail, "check SUPABASE_PROJECT_REF and the network")];
  }
}
