import type { Entry, Verdict } from "./delivery/state.ts";

type Fields = Readonly<Record<string, unknown>>;

const stored = new Set(["created", "duplicate"]);

/**
 * The verdict on each of `entries` in the answer `body`; undefined unless the body speaks of exactly these events. The counts must agree with the
 * list, so that an answer cut short or meant for another batch is never taken for an acknowledgement. `minimal`: what was created is not listed.
 */
export function readVerdicts(body: unknown, entries: readonly Entry[], minimal: boolean): Verdict[] | undefined {
  if (!isFields(body) || !Array.isArray(body["results"])) return undefined;
  const receivedAt = text(body["received_at"]);
  const verdicts: (Verdict | undefined)[] = entries.map(() => undefined);
  for (const result of body["results"] as readonly unknown[]) {
    const index = isFields(result) ? result["index"] : undefined;
    if (!isFields(result) || typeof index !== "number" || !(index in verdicts) || verdicts[index] !== undefined) return undefined;
    if (typeof result["id"] === "string" && entries[index]?.id !== "" && result["id"].toLowerCase() !== entries[index]?.id.toLowerCase()) return undefined;
    const verdict = verdictOf(result, receivedAt);
    if (verdict === undefined) return undefined;
    verdicts[index] = verdict;
  }
  const created: Verdict = {
    status: "created",
    ...(receivedAt === undefined ? {} : { receivedAt }),
  };
  const complete = verdicts.map((verdict) => verdict ?? (minimal ? created : undefined));
  const count = (...statuses: string[]) => complete.filter((verdict) => verdict !== undefined && statuses.includes(verdict.status)).length;
  const agrees = body["created_count"] === count("created") && body["duplicate_count"] === count("duplicate") &&
    body["rejected_count"] === count("rejected", "conflict");
  return agrees && complete.every((verdict) => verdict !== undefined) ? complete as Verdict[] : undefined;
}

function verdictOf(result: Fields, receivedAt: string | undefined): Verdict | undefined {
  const status = result["status"];
  if (typeof status !== "string") return undefined;
  if (stored.has(status)) {
    const earlier = isFields(result["stored"]) ? text(result["stored"]["received_at"]) : undefined;
    const at = status === "duplicate" ? earlier ?? receivedAt : receivedAt;
    const leafHash = text(result["leaf_hash"]);
    return {
      status: status as "created" | "duplicate",
      ...(at === undefined ? {} : { receivedAt: at }),
      ...(leafHash === undefined ? {} : { leafHash }),
    };
  }
  if (status !== "rejected" && status !== "conflict") return undefined;
  const fault = isFields(result["error"]) ? result["error"] : {};
  const pointer = text(fault["pointer"]);
  return {
    status,
    error: {
      code: text(fault["code"]) ?? status,
      message: text(fault["message"]) ?? "",
      ...(pointer === undefined ? {} : { pointer }),
    },
  };
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function text(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}
