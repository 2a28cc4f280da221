import { Button } from "react-aria-components";
import type { Session } from "./session.ts";
import { useView } from "./view-state.ts";

export function Header({ session, tenant, onSignOut }: { readonly session: Session; readonly tenant: string | undefined; readonly onSignOut: () => void }) {
  const [view, setView] = useView();
  const link = (page: "events" | "integrity", label: string) => (
    <a
      href={page === "events" ? "?" : "?page=integrity"}
      aria-current={view.page === page ? "page" : undefined}
      onClick={(event) => {
        if (event.metaKey || event.ctrlKey) return;
        event.preventDefault();
        setView({ page, event: undefined, at: undefined });
      }}
    >
      {label}
    </a>
  );
  return (
    <header className="header">
      <strong className="brand">Audit Events</strong>
      <nav aria-label="Views">{link("events", "Events")}{link("integrity", "Integrity")}</nav>
      <div className="header-end">
        {session.tenants.length > 1 && (
          <label className="inline">
            Tenant
            <select value={tenant} onChange={(event) => setView({ tenant: event.target.value, event: undefined, at: undefined })}>
              {session.tenants.map((id) => <option key={id} value={id}>{id}</option>)}
            </select>
          </label>
        )}
        <Button
          onPress={() => setView({ zone: view.zone === "utc" ? "local" : "utc" }, { replace: true })}
          aria-label={`Times are ${view.zone === "utc" ? "UTC" : "local"}; switch`}
        >
          {view.zone === "utc" ? "UTC" : "Local time"}
        </Button>
        <span className="who" title={session.subject}>{session.name}{session.role === undefined ? "" : ` · ${session.role}`}</span>
        <Button onPress={onSignOut}>Sign out</Button>
      </div>
    </header>
  );
}
