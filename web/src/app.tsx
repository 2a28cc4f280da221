import { useCallback, useEffect, useMemo, useRef } from "react";
import { useQueryClient } from "@tanstack/react-query";
import { type Api, createApi } from "./api.ts";
import type { Config } from "./config.ts";
import { EventsPage } from "./events/events-page.tsx";
import { ExportStrip } from "./events/export-progress.tsx";
import { type Exporting, useExport } from "./events/use-export.ts";
import { ProblemNotice } from "./problem-notice.tsx";
import { isAtLeast, type Role, type Session } from "./session/session.ts";
import { SessionOffer } from "./session/session-offer.tsx";
import { SignIn } from "./session/sign-in.tsx";
import { useOffer } from "./session/use-offer.ts";
import { type AskedRole, useRole } from "./session/use-role.ts";
import { useSession } from "./session/use-session.ts";
import { Header } from "./shell/header.tsx";
import { LaterView } from "./shell/later-view.tsx";
import { placesFor } from "./shell/navigation.ts";
import { useNarrow } from "./use-narrow.ts";
import { useView } from "./view-state.ts";

const cutOff = "The export that was running was cut off when the sign-in ended. Its file was incomplete and was not saved: sign in, then export again.";

/** Signed in or not; everything below has a session and an API that uses it. */
export function App({ config }: { readonly config: Config }) {
  const { account, session, notice, sitting, signIn, signOut, refuse } = useSession(config);
  const exporting = useExport(sitting);
  const { dismiss } = exporting;
  // That an export was cut off is for whoever sees the sign-in form next, and not for every form after it.
  const enter = useCallback((next: Session) => {
    dismiss();
    signIn(next);
  }, [dismiss, signIn]);
  const { offered, fault, settle } = useOffer(config, session, enter);
  if (session === "restoring") {
    return (
      <main className="sign-in" id="main" aria-busy="true">
        <p role="status">Signing in…</p>
      </main>
    );
  }
  if (offered !== undefined) {
    return (
      <>
        <ExportStrip exporting={exporting} tenantNames={config.tenant_names} />
        <SessionOffer offered={offered} current={session} tenantNames={config.tenant_names ?? {}} onAccept={enter} onDecline={settle} />
      </>
    );
  }
  if (session === undefined) {
    return <SignIn config={config} account={account} notices={[notice ?? fault, exporting.isCutOff ? cutOff : undefined]} onSignIn={enter} />;
  }
  // A component of its own for each person: no request that one began goes on under the token of another.
  return <SignedIn key={session.subject} config={config} session={session} exporting={exporting} onSignOut={signOut} onRefused={refuse} />;
}

type SignedInProps = {
  readonly config: Config;
  readonly session: Session;
  readonly exporting: Exporting;
  readonly onSignOut: () => void;
  readonly onRefused: (token: string) => void;
};

function SignedIn({ config, session, exporting, onSignOut, onRefused }: SignedInProps) {
  const [view] = useView();
  const isCovered = useNarrow() && view.page === "events" && view.event !== undefined;
  const token = useRef(session.token);
  token.current = session.token;
  const api = useMemo(() => createApi(config.api_url ?? "", () => token.current, onRefused), [config, onRefused]);
  const queries = useQueryClient();
  // What was refused under the token before may be asked again under this one.
  useEffect(() => void queries.refetchQueries({ predicate: ({ state }) => state.status === "error" }), [session.token, queries]);
  const tenant = view.tenant ?? (session.tenants.length > 1 ? session.tenants[0] : undefined);
  const asked = useRole(api, session, tenant);
  const label = placesFor("admin").find(({ page }) => page === view.page)?.label ?? "Events";
  useEffect(() => void (document.title = view.page === "events" ? "Audit Events" : `${label} · Audit Events`), [label, view.page]);
  return (
    <>
      <div inert={isCovered}>
        <a className="skip" href="#main">Skip to the content</a>
        <Header session={session} role={asked.role} tenant={tenant} tenantNames={config.tenant_names ?? {}} onSignOut={onSignOut} />
      </div>
      {!isCovered && (view.page !== "events" || exporting.tenant !== tenant) && <ExportStrip exporting={exporting} tenantNames={config.tenant_names} />}
      <main id="main" tabIndex={-1} data-page={view.page}>
        {/* Each tenant's views are their own: nothing that one has shown, or was being asked, stands under the name of another. */}
        <CurrentView key={tenant} config={config} api={api} asked={asked} tenant={tenant} exporting={exporting} />
      </main>
    </>
  );
}

type CurrentViewProps = {
  readonly config: Config;
  readonly api: Api;
  readonly asked: AskedRole;
  readonly tenant: string | undefined;
  readonly exporting: Exporting;
};

function CurrentView({ config, api, asked: { role, error, retry }, tenant, exporting }: CurrentViewProps) {
  const [{ page }] = useView();
  const place = placesFor("admin").find((candidate) => candidate.page === page);
  if (error !== null && page !== "events") return <ProblemNotice error={error} onRetry={retry} />;
  if (role === undefined && page !== "events") return <p role="status" className="waiting">Loading…</p>;
  if (place !== undefined && !isAtLeast(role ?? "viewer", place.least)) return <Refused least={place.least} />;
  if (page !== "events") return <LaterView page={page} api={api} tenant={tenant} isAdmin={role === "admin"} />;
  return <EventsPage api={api} role={role ?? "viewer"} tenant={tenant} exporting={exporting} firstEventCommand={config.first_event_command} />;
}

/** A link to a view that this person may not open: a colleague's, most likely. */
function Refused({ least }: { readonly least: Role }) {
  return (
    <div className="notice" role="alert">
      <h1>This view is not for your role</h1>
      <p>It needs the role {least}. Ask an administrator of the tenant, or sign in as somebody who has it.</p>
    </div>
  );
}
