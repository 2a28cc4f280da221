// Maps AWS CloudTrail log files to our events: a folder of real input to try things with. `node scripts/map-cloudtrail.ts FOLDER TENANT_ID [DAY]`
// prints one batch a line, ready to be posted. Times are moved by whole days, the newest record to DAY (UTC, yesterday when absent): the same
// folder and day give the same batches, so that posting them again stores nothing.
import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseIpAddress } from "../core/format/ip-address.ts";
import { limits } from "../core/limits.ts";

/** A record as AWS delivers it; fields that are not named here go into the context as they are. */
export type CloudTrailRecord = {
  readonly eventID: string;
  readonly eventTime: string;
  readonly eventSource: string;
  readonly eventName: string;
  readonly userIdentity: { readonly type?: string; readonly arn?: string; readonly principalId?: string; readonly invokedBy?: string };
  readonly sourceIPAddress?: string;
  readonly userAgent?: string;
  readonly requestID?: string;
  readonly errorCode?: string;
  readonly errorMessage?: string;
  readonly resources?: readonly { readonly ARN?: string; readonly type?: string }[];
  readonly [field: string]: unknown;
};

/** Every record of the CloudTrail files in `folder`, in the order of the files' names. */
export function readCloudTrail(folder: string): readonly CloudTrailRecord[] {
  const files = readdirSync(folder).filter((name) => name.endsWith(".json")).sort();
  return files.flatMap((name) => JSON.parse(readFileSync(join(folder, name), "utf8")).Records as CloudTrailRecord[]);
}

/** Whole days to add to the times of `records` so that the newest falls on `day` (YYYY-MM-DD), in milliseconds. */
export function shiftToDay(records: readonly CloudTrailRecord[], day: string): number {
  const newest = records.map(({ eventTime }) => eventTime).reduce((a, b) => a > b ? a : b);
  return Date.parse(`${day}T00:00:00Z`) - Date.parse(`${newest.slice(0, 10)}T00:00:00Z`);
}

/** `record` as an event of `tenantId`, `shiftMs` later than it happened. Where AWS names a service instead of an address, it goes into the context. */
export function mapCloudTrailRecord(record: CloudTrailRecord, tenantId: string, shiftMs: number): Record<string, unknown> {
  const { eventID, eventTime, eventSource, eventName, sourceIPAddress, userAgent, requestID, errorMessage, ...rest } = record;
  const { userIdentity, errorCode, resources } = rest;
  const address = parseIpAddress(sourceIPAddress ?? "");
  const event = {
    id: eventID,
    tenant_id: tenantId,
    occurred_at: new Date(Date.parse(eventTime) + shiftMs).toISOString(),
    source: eventSource,
    event_type: `${eventSource.replace(/\.amazonaws\.com$/, "")}.${eventName}`,
    actor_id: userIdentity.arn ?? userIdentity.principalId ?? userIdentity.invokedBy,
    actor_type: userIdentity.type,
    object_type: resources?.[0]?.type,
    object_id: resources?.[0]?.ARN,
    result: errorCode === undefined ? "success" : "failure",
    message: errorMessage,
    ip_address: address,
    user_agent: userAgent,
    request_id: requestID,
    context: { ...rest, ...address === undefined && sourceIPAddress !== undefined ? { sourceIPAddress } : {} },
  };
  return Object.fromEntries(Object.entries(event).filter(([, value]) => value !== undefined));
}

function main([folder, tenantId, day]: readonly string[]): void {
  if (folder === undefined || tenantId === undefined) {
    console.error("usage: node scripts/map-cloudtrail.ts FOLDER TENANT_ID [DAY]");
    process.exitCode = 2;
    return;
  }
  const records = readCloudTrail(folder);
  const shiftMs = shiftToDay(records, day ?? new Date(Date.now() - 86_400_000).toISOString().slice(0, 10));
  const events = records.map((record) => mapCloudTrailRecord(record, tenantId, shiftMs));
  for (let start = 0; start < events.length; start += limits.eventsPerRequestMax) {
    console.log(JSON.stringify({ events: events.slice(start, start + limits.eventsPerRequestMax) }));
  }
}

if (process.argv[1] !== undefined && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) main(process.argv.slice(2));
