import type { AuthClient } from "@supabase/auth-js";
import type { Config } from "../config.ts";
import { type Session, sessionOf } from "./session.ts";

type Client = InstanceType<typeof AuthClient>;

const storageKey = "audit-events.account";

export type SignInOutcome = { readonly session: Session } | { readonly fault: string };

/** Sign-in with an account of the Supabase project: kept for this tab, and renewed before it expires. */
export type Account = {
  /** True when somebody has signed in in this tab and not signed out. */
  isKept(): boolean;
  /** The session of this tab, renewed if need be; undefined when nobody is signed in, or the refresh token is not accepted any more. */
  restore(): Promise<Session | undefined>;
  signIn(email: string, password: string): Promise<SignInOutcome>;
  /** Ends this session at the server as well: its refresh token is worth nothing afterwards. */
  signOut(): Promise<void>;
  /** Calls back with each renewed session, and with undefined when it is over. Returns how to stop. */
  watch(onChange: (session: Session | undefined) => void): () => void;
};

/** Undefined where Supabase Auth is not configured. The client is loaded when it is needed: a page signed in by token never carries it. */
export function createAccount(config: Config): Account | undefined {
  const { supabase_url: url, supabase_publishable_key: publishableKey } = config;
  if (url === undefined || publishableKey === undefined) return undefined;
  let loaded: Promise<Client> | undefined;
  const client = () => loaded ??= load(url, publishableKey);
  const isKept = (token = "") => sessionStorage.getItem(storageKey)?.includes(token) === true;
  return {
    isKept,
    restore: async () => {
      if (!isKept()) return undefined;
      const { data } = await (await client()).getSession();
      return data.session === null ? undefined : sessionOf(data.session.access_token, true);
    },
    signIn: async (email, password) => {
      const auth = await client().catch(() => undefined);
      if (auth === undefined) return { fault: "The sign-in could not be loaded. Check your connection, then try again." };
      const { data, error } = await auth.signInWithPassword({ email, password });
      const session = error === null && data.session !== null ? sessionOf(data.session.access_token, true) : undefined;
      if (session === undefined) return { fault: faultOf(error) };
      if (session.tenants.length > 0) return { session };
      await auth.signOut({ scope: "local" });
      return { fault: "This account may not read any audit log. Ask an administrator to grant it a tenant and a role." };
    },
    signOut: async () => {
      if (isKept()) await (await client()).signOut({ scope: "local" });
    },
    watch: (onChange) => {
      let stop = () => {};
      let isStopped = false;
      void client().then((auth) => {
        if (isStopped) return;
        // The client tells every tab what became of one, whoever is signed in there: only what this tab keeps by now has happened here.
        const { data } = auth.onAuthStateChange((event, session) => {
          if (event === "TOKEN_REFRESHED" && session !== null && isKept(session.access_token)) onChange(sessionOf(session.access_token, true));
          if (event === "SIGNED_OUT" && !isKept()) onChange(undefined);
        });
        stop = () => data.subscription.unsubscribe();
      });
      return () => {
        isStopped = true;
        stop();
      };
    },
  };
}

async function load(url: string, publishableKey: string): Promise<Client> {
  const { AuthClient } = await import("@supabase/auth-js");
  return new AuthClient({
    url: `${url}/auth/v1`,
    headers: { apikey: publishableKey },
    storageKey,
    // Of this tab: whoever closes it is signed out.
    storage: sessionStorage,
    persistSession: true,
    autoRefreshToken: true,
    detectSessionInUrl: false,
  });
}

function faultOf(error: { readonly code?: string | undefined; readonly status?: number | undefined } | null): string {
  if (error?.code === "email_not_confirmed") return "This e-mail address is not confirmed yet. Open the link in the message that you were sent.";
  if (error?.status === 429) return "Too many attempts. Wait a minute, then try again.";
  if (error?.status === undefined || error.status === 0 || error.status >= 500) {
    return "The sign-in service cannot be reached. Check your connection, then try again.";
  }
  return "E-mail and password do not fit. Check both, or ask your administrator for access.";
}
