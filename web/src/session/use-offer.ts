import { useEffect, useLayoutEffect, useState } from "react";
import type { Config } from "../config.ts";
import { type Session, takeOffer } from "./session.ts";
import type { SessionState } from "./use-session.ts";

const unusable = "The link that you followed signs nobody in: what it holds is no token, or has expired. Sign in here, or ask for a new link.";

export type OfferState = {
  /** Whom a link wants to sign in, to be asked about; undefined when there is nothing to ask. */
  readonly offered: Session | undefined;
  /** What is wrong with a link, for those who are not signed in otherwise. */
  readonly fault: string | undefined;
  /** Ends the question. */
  readonly settle: () => void;
};

/**
 * The offer of the address that the page was opened with, or that was followed since. Only a demo person of this stack is signed in unasked, and only where
 * nobody is: the maker of any other link decides whose token it holds, and a tab that a link opens has nobody yet.
 */
export function useOffer(config: Config, session: SessionState["session"], signIn: (session: Session) => void): OfferState {
  const [offer, setOffer] = useState(() => takeOffer(config));
  useEffect(() => {
    const onHashChange = () => {
      const followed = takeOffer(config);
      if (followed !== undefined) setOffer(followed);
    };
    addEventListener("hashchange", onHashChange);
    return () => removeEventListener("hashchange", onHashChange);
  }, [config]);
  const isUnasked = offer?.isDemo === true && session === undefined;
  const isSettled = typeof session === "object" && offer !== undefined && (offer.session === undefined || offer.session.token === session.token);
  // Before anything is painted: a page that signs in at once shows no question and no form.
  useLayoutEffect(() => {
    if (isUnasked && offer.session !== undefined) signIn(offer.session);
    if (isSettled) setOffer(undefined);
  }, [isUnasked, isSettled, offer, signIn]);
  return {
    offered: isUnasked || isSettled ? undefined : offer?.session,
    fault: offer !== undefined && offer.session === undefined ? unusable : undefined,
    settle: () => setOffer(undefined),
  };
}
