import type { DemoTenant } from "./demo-tenants.ts";

/** `config.json` of the events page in a local stack: demo people to sign in as, and the line that posts a first event. Demo tokens are no secret here. */
export function pageConfig(tenants: readonly DemoTenant[], firstEventCommand: string): string {
  const people = tenants.flatMap((tenant, index) =>
    Object.entries(tenant.tokens).map(([role, token]) => ({
      key: index === 0 ? role : `${role}-${index + 1}`,
      name: `${role[0]?.toUpperCase()}${role.slice(1)} of ${tenant.name}`,
      role,
      tenant: tenant.name,
      token,
    }))
  );
  return JSON.stringify({ demo_people: people, first_event_command: firstEventCommand });
}
