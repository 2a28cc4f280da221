import type { AuditClientOptions } from "../../sdk/src/index.ts";
import type { SpoolOptions } from "../../sdk/src/spool.ts";

/** What a test tells the application; JSON only. */
export type AppSettings = {
  readonly url: string;
  readonly apiKey: string;
  readonly tenantId?: string;
  readonly spool?: SpoolOptions;
  /** Numbers of its events: `count` from `first` on. */
  readonly first: number;
  readonly count: number;
  /** All at once when absent. */
  readonly perSecond?: number;
  /** Hooks for the exit; none when absent. */
  readonly closeTimeoutMs?: number;
  readonly options?: AuditClientOptions;
  /** How it goes on when all is logged: it ends by itself, stays, stays and listens for SIGTERM, or sends everything and closes. */
  readonly ending: "by-itself" | "stay" | "own-handler" | "drain";
};
