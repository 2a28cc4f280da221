import { spawnSync } from "node:child_process";

/** The command that runs a program as the first process of a container of its own: before its name and arguments. */
export const container = ["unshare", "-Urpf", "--mount-proc", "--kill-child"] as const;

/** Docker's own profile and some distributions let no ordinary program make one. */
export const mayContain = spawnSync(container[0], [...container.slice(1), "true"]).status === 0;
