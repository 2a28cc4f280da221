/** What this browser has seen of a tenant's log, kept between visits: a log that goes back on it has been rewritten. */
const keyOf = (tenantId: string) => `audit-events.checkpoint.${tenantId}`;

/** The note of the largest checkpoint that was verified here before. */
export function keptCheckpoint(tenantId: string): string | undefined {
  return localStorage.getItem(keyOf(tenantId)) ?? undefined;
}

export function keepCheckpoint(tenantId: string, note: string): void {
  localStorage.setItem(keyOf(tenantId), note);
}
