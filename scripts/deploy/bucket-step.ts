import { CommandError } from "../audit/failure.ts";
import { bucketOf, findBucket } from "../doctor/check-bucket.ts";
import type { Project } from "../doctor/examine.ts";
import { announce, type Step } from "./deployment.ts";

const timeoutMs = 30_000;
const fileSizeLimitBytes = 50 * 1024 * 1024;

/** Makes the archive's bucket, private. A public one of that name is a fault: making it private is its owner's decision. */
export const deployBucket: Step = async (deployment) => {
  const { project, say } = deployment;
  const bucket = bucketOf(project.settings["AUDIT_ARCHIVE_URL"]);
  if (bucket === undefined) return say("+ no bucket: AUDIT_ARCHIVE_URL names none");
  if (!announce(deployment, `make the private bucket ${bucket}`)) return;
  const secretKey = secretKeyOf(project);
  const found = await findBucket(project.url, secretKey, bucket);
  if (found?.public === true) {
    throw new CommandError(
      "public_bucket",
      `make bucket ${bucket}: it is there, and public`,
      "make it private in the dashboard, or name another in AUDIT_ARCHIVE_URL",
    );
  }
  if (found !== undefined) return say("  it is there");
  const response = await fetch(`${project.url}/storage/v1/bucket`, {
    method: "POST",
    headers: { apikey: secretKey, authorization: `Bearer ${secretKey}`, "content-type": "application/json" },
    body: JSON.stringify({ id: bucket, name: bucket, public: false, file_size_limit: fileSizeLimitBytes }),
    signal: AbortSignal.timeout(timeoutMs),
  });
  if (!response.ok) {
    throw new CommandError("storage_refused", `make bucket ${bucket}: Storage answered ${response.status}: ${(await response.text()).slice(0, 300)}`);
  }
};

/** The secret key of the steps that call the project. */
export function secretKeyOf(project: Project): string {
  if (project.secretKey !== undefined) return project.secretKey;
  throw new CommandError("no_secret_key", "find secret key: SUPABASE_SECRET_KEY is not set", "export one: the dashboard's Settings → API Keys");
}
