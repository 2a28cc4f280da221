import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { useQueryClient } from "@tanstack/react-query";
import type { Config } from "../config.ts";
import { type Account, createAccount } from "./account.ts";
import { isExpired, keepSession, keptSession, type Session } from "./session.ts";

export type SessionState = {
  readonly account: Account | undefined;
  /** Undefined when nobody is signed in; `"restoring"` while an account of this tab is being asked for. */
  readonly session: Session | undefined | "restoring";
  /** Why somebody must sign in again. */
  readonly notice: string | undefined;
  /** Ends when another person, or nobody, takes the place of the one signed in; a renewed token is of the same person. */
  readonly sitting: AbortSignal;
  readonly signIn: (session: Session) => void;
  readonly signOut: () => void;
  /** The API does not accept `token`. */
  readonly refuse: (token: string) => void;
};

const expired = "Your sign-in has expired or is not accepted. Sign in again; this view will still be here.";

/** Who is signed in, from the first moment of the page to the last: restored, renewed, expired, signed out. */
export function useSession(config: Config): SessionState {
  const account = useMemo(() => createAccount(config), [config]);
  const [session, setSession] = useState<SessionState["session"]>(() => keptSession() ?? (account === undefined ? undefined : "restoring"));
  const [notice, setNotice] = useState<string>();
  const queries = useQueryClient();
  const current = useRef(session);
  current.current = session;
  const sitting = useRef(new AbortController());

  const change = useCallback((next: Session | undefined, why?: string) => {
    const before = current.current;
    keepSession(next);
    // Nothing that one person has seen may be shown to the next; a renewed token is of the same person.
    const isRenewed = typeof before === "object" && before.isAccount && next?.subject === before.subject;
    if (!isRenewed) {
      queries.clear();
      sitting.current.abort();
      sitting.current = new AbortController();
    }
    current.current = next;
    setNotice(why);
    setSession(next);
  }, [queries]);
  const end = useCallback((why?: string) => {
    const wasAccount = typeof current.current === "object" && current.current.isAccount;
    change(undefined, why);
    if (wasAccount) void account?.signOut();
  }, [account, change]);
  // It should have been renewed before it ended; a computer that slept has missed that, and may still do it.
  const renew = useCallback(async (ended: Session) => {
    const renewed = ended.isAccount ? await account?.restore().catch(() => undefined) : undefined;
    if (current.current !== ended) return;
    if (renewed === undefined || isExpired(renewed)) end(expired);
    else change(renewed);
  }, [account, change, end]);
  const refuse = useCallback((token: string) => {
    const now = current.current;
    // An answer to what was asked under an earlier token says nothing of who is signed in by now.
    if (typeof now !== "object" || now.token !== token) return;
    if (isExpired(now)) void renew(now);
    else end(expired);
  }, [renew, end]);
  // Whoever was signed in before is signed out: an account's refresh token would otherwise outlive its session here.
  const signIn = useCallback((next: Session) => {
    if (typeof current.current === "object") end();
    change(next);
  }, [end, change]);
  const signOut = useCallback(() => end(), [end]);

  useEffect(() => {
    if (session !== "restoring") return;
    // A session that ends just while it is restored is as much a surprise as one that ends later.
    const why = account?.isKept() ? expired : undefined;
    void account?.restore().catch(() => undefined).then((restored) => change(restored, restored === undefined ? why : undefined));
  }, [session, account, change]);

  const isAccount = typeof session === "object" && session.isAccount;
  useEffect(() => isAccount ? account?.watch((next) => change(next, next === undefined ? expired : undefined)) : undefined, [isAccount, account, change]);

  useExpiry(session, renew);
  return { account, session, notice, sitting: sitting.current.signal, signIn, signOut, refuse };
}

/** Calls `onEnd` once, when the token of `session` has ended by this computer's clock. */
function useExpiry(session: SessionState["session"], onEnd: (session: Session) => Promise<void>): void {
  const expiring = typeof session === "object" && session.expiresAt !== undefined ? session : undefined;
  useEffect(() => {
    if (expiring === undefined) return;
    const timer = setInterval(() => {
      if (!isExpired(expiring)) return;
      clearInterval(timer);
      void onEnd(expiring);
    }, 1_000);
    return () => clearInterval(timer);
  }, [expiring, onEnd]);
}
