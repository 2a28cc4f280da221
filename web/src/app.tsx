import { useCallback, useEffect, useMemo, useState } from "react";
import { useQueryClient } from "@tanstack/react-query";
import { createApi } from "./api.ts";
import type { Config } from "./config.ts";
import { EventsPage } from "./events-page.tsx";
import { Header } from "./header.tsx";
import { IntegrityPage } from "./integrity-page.tsx";
import { isExpired, keepSession, restoreSession, type Session } from "./session.ts";
import { SignIn } from "./sign-in.tsx";
import { useView } from "./view-state.ts";

/** Signed in or not; everything below has a session and an API that uses it. */
export function App({ config }: { readonly config: Config }) {
  const [session, setSession] = useState(() => restoreSession(config));
  const [notice, setNotice] = useState<string>();
  const queries = useQueryClient();

  const change = useCallback((next: Session | undefined, why?: string) => {
    keepSession(next);
    // Nothing that one person has seen may be shown to the next.
    queries.clear();
    setNotice(why);
    setSession(next);
  }, [queries]);
  const expire = useCallback(() => change(undefined, "Your sign-in has expired or is not accepted. Sign in again; this view will still be here."), [change]);

  useEffect(() => {
    if (session?.expiresAt === undefined) return;
    const timer = setInterval(() => isExpired(session) && expire(), 5_000);
    return () => clearInterval(timer);
  }, [session, expire]);

  if (session === undefined) return <SignIn config={config} notice={notice} onSignIn={(next) => change(next)} />;
  return <SignedIn config={config} session={session} onSignOut={() => change(undefined)} onExpired={expire} />;
}

type SignedInProps = { readonly config: Config; readonly session: Session; readonly onSignOut: () => void; readonly onExpired: () => void };

function SignedIn({ config, session, onSignOut, onExpired }: SignedInProps) {
  const [view] = useView();
  const api = useMemo(() => createApi(config.api_url ?? "", session.token, onExpired), [config, session, onExpired]);
  const tenant = view.tenant ?? (session.tenants.length > 1 ? session.tenants[0] : undefined);
  return (
    <>
      <a className="skip" href="#main">Skip to the events</a>
      <Header session={session} tenant={tenant} onSignOut={onSignOut} />
      <main id="main" tabIndex={-1}>
        {view.page === "integrity"
          ? <IntegrityPage api={api} tenant={tenant} />
          : <EventsPage api={api} session={session} tenant={tenant} firstEventCommand={config.first_event_command} />}
      </main>
    </>
  );
}
