import type { Project } from "../doctor/examine.ts";

/** What every step works with. */
export type Deployment = {
  readonly project: Project;
  /** The folder that holds `supabase/`: this checkout, or a project that `init` added the log to. */
  readonly workdir: string;
  /** Name of the tenant that is made when the log has none. */
  readonly tenantName: string;
  readonly dryRun: boolean;
  /** Aborted by Ctrl-C: a step ends as soon as it safely can, and no other begins. */
  readonly stop: AbortSignal;
  readonly say: (line: string) => void;
};

/** One part of a deployment. Every step may be run again: it brings the project to what this version says, and says so when there is nothing to do. */
export type Step = (deployment: Deployment) => Promise<void>;

/** Says what is about to be done; false when it must not be done. */
export function announce({ dryRun, say }: Deployment, what: string): boolean {
  say(`+ ${what}`);
  return !dryRun;
}
