import { useEffect, useRef } from "react";
import { Button } from "react-aria-components";
import type { Role, Session } from "../session/session.ts";
import { ViewLink } from "../view-link.tsx";
import { useView } from "../view-state.ts";
import { placesFor } from "./navigation.ts";

type Props = {
  readonly session: Session;
  readonly role: Role | undefined;
  readonly tenant: string | undefined;
  readonly tenantNames: Readonly<Record<string, string>>;
  readonly onSignOut: () => void;
};

/** Where one is, as whom, of which tenant, and in which zone times are shown. */
export function Header({ session, role, tenant, tenantNames, onSignOut }: Props) {
  const [view, setView] = useView();
  const nav = useRef<HTMLElement>(null);
  // A link may name a tenant that is none of theirs: it is shown, so that there is a way back.
  const tenants = [...new Set(tenant === undefined ? session.tenants : [...session.tenants, tenant])];
  useEffect(() => void (nav.current !== null && showCurrent(nav.current)), [view.page, role]);
  return (
    <header className="header">
      <strong className="brand">Audit Events</strong>
      <nav aria-label="Views" ref={nav}>
        {placesFor(role ?? "viewer").map(({ page, label }) => <ViewLink key={page} change={{ page }} isCurrent={view.page === page}>{label}</ViewLink>)}
      </nav>
      <div className="header-end">
        {tenants.length > 1 && (
          <label className="inline">
            Tenant
            <select value={tenant} onChange={(event) => setView({ tenant: event.target.value, event: undefined, at: undefined })}>
              {tenants.map((id) => <option key={id} value={id}>{tenantNames[id] ?? id}</option>)}
            </select>
          </label>
        )}
        <Button
          onPress={() => setView({ zone: view.zone === "utc" ? "local" : "utc" }, { replace: true })}
          aria-label={view.zone === "utc" ? "UTC: switch to local time" : "Local time: switch to UTC"}
        >
          {view.zone === "utc" ? "UTC" : "Local time"}
        </Button>
        <span className="who" title={session.subject}>{session.name}{role === undefined ? "" : ` · ${role}`}</span>
        <Button onPress={onSignOut}>Sign out</Button>
      </div>
    </header>
  );
}

/**
 * In a narrow window the links scroll: where one is must be among those that show. Not by scrollIntoView(), from which Chromium goes on with the
 * Tab key, past the link that skips all of this.
 */
function showCurrent(nav: HTMLElement): void {
  const link = nav.querySelector("[aria-current]")?.getBoundingClientRect();
  const { left, right } = nav.getBoundingClientRect();
  if (link !== undefined) nav.scrollLeft += Math.max(0, link.right - right) - Math.max(0, left - link.left);
}
