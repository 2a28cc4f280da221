import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { useQueryClient } from "@tanstack/react-query";
import type { Config } from "../config.ts";
import { type Account, createAccount } from "./account.ts";
import { isExpired, keepSession, restoreSession, type Session } from "./session.ts";

export type SessionState = {
  readonly account: Account | undefined;
  /** Undefined when nobody is signed in; `"restoring"` while an account of this tab is being asked for. */
  readonly session: Session | undefined | "restoring";
  /** Why somebody must sign in again. */
  readonly notice: string | undefined;
  readonly signIn: (session: Session) => void;
  readonly signOut: () => void;
  readonly expire: () => void;
};

const expired = "Your sign-in has expired or is not accepted. Sign in again; this view will still be here.";

/** Who is signed in, from the first moment of the page to the last: restored, renewed, expired, signed out. */
export function useSession(config: Config): SessionState {
  const account = useMemo(() => createAccount(config), [config]);
  const [session, setSession] = useState<SessionState["session"]>(() => restoreSession(config) ?? (account === undefined ? undefined : "restoring"));
  const [notice, setNotice] = useState<string>();
  const queries = useQueryClient();
  const current = useRef(session);
  current.current = session;

  const change = useCallback((next: Session | undefined, why?: string) => {
    const before = current.current;
    keepSession(next);
    // Nothing that one person has seen may be shown to the next; a renewed token is of the same person.
    const isRenewed = typeof before === "object" && before.isAccount && next?.subject === before.subject;
    if (!isRenewed) queries.clear();
    setNotice(why);
    setSession(next);
  }, [queries]);
  const end = useCallback((why?: string) => {
    const wasAccount = typeof current.current === "object" && current.current.isAccount;
    change(undefined, why);
    if (wasAccount) void account?.signOut();
  }, [account, change]);
  const expire = useCallback(() => end(expired), [end]);

  useEffect(() => {
    if (session !== "restoring") return;
    // A session that ends just while it is restored is as much a surprise as one that ends later.
    const why = account?.isKept() ? expired : undefined;
    void account?.restore().catch(() => undefined).then((restored) => change(restored, restored === undefined ? why : undefined));
  }, [session, account, change]);

  const isAccount = typeof session === "object" && session.isAccount;
  useEffect(() => isAccount ? account?.watch((next) => change(next, next === undefined ? expired : undefined)) : undefined, [isAccount, account, change]);

  const expiring = typeof session === "object" && session.expiresAt !== undefined ? session : undefined;
  useEffect(() => {
    if (expiring === undefined) return;
    const timer = setInterval(() => {
      if (!isExpired(expiring)) return;
      clearInterval(timer);
      if (!expiring.isAccount || account === undefined) return expire();
      // It should have been renewed before; a computer that slept has missed that, and may still do it.
      void account.restore().catch(() => undefined).then((renewed) => renewed === undefined || isExpired(renewed) ? expire() : change(renewed));
    }, 1_000);
    return () => clearInterval(timer);
  }, [expiring, expire, account, change]);

  return { account, session, notice, signIn: change, signOut: useCallback(() => end(), [end]), expire };
}
