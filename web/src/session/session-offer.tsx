import { Button } from "react-aria-components";
import { PlainText } from "../plain-text.tsx";
import type { Session } from "./session.ts";

type Props = {
  readonly offered: Session;
  /** Who is signed in now. */
  readonly current: Session | undefined;
  readonly tenantNames: Readonly<Record<string, string>>;
  readonly onAccept: (session: Session) => void;
  readonly onDecline: () => void;
};

/**
 * Asks before a link signs somebody in. Anybody can make such a link: who follows a stranger's would look at another log, and leave records in it, without
 * noticing that the person at the head of the page has changed.
 */
export function SessionOffer({ offered, current, tenantNames, onAccept, onDecline }: Props) {
  const tenants = offered.tenants.map((id) => tenantNames[id] ?? id).join(", ");
  return (
    <main className="sign-in" id="main">
      <h1>
        Sign in as <PlainText>{offered.name}</PlainText>?
      </h1>
      <p>
        The link that you followed asks for it{offered.role !== undefined && `, in the role ${offered.role}`}
        {tenants !== "" && (
          <>
            , of the tenant <PlainText>{tenants}</PlainText>
          </>
        )}. What you do then is recorded under that name. Go on only if you know who made the link.
      </p>
      <div className="actions">
        <Button onPress={onDecline} autoFocus>
          {current === undefined ? "Do not sign in" : (
            <>
              Stay signed in as <PlainText>{current.name}</PlainText>
            </>
          )}
        </Button>
        <Button onPress={() => onAccept(offered)}>
          Sign in as <PlainText>{offered.name}</PlainText>
        </Button>
      </div>
    </main>
  );
}
