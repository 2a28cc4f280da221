import { type FormEvent, useState } from "react";
import { Button } from "react-aria-components";
import type { Config } from "../config.ts";
import type { Account } from "./account.ts";
import { type Session, sessionOf } from "./session.ts";

type Props = {
  readonly config: Config;
  readonly account: Account | undefined;
  /** Why somebody stands here again, and what became of what they were doing. */
  readonly notices: readonly (string | undefined)[];
  readonly onSignIn: (session: Session) => void;
};

const powers: Readonly<Record<string, string>> = {
  viewer: "searches and reads",
  auditor: "also exports, verifies, reports",
  admin: "also keys, holds, retention",
};

/** Supabase Auth where it is configured, demo people in a local stack, a pasted token in both. */
export function SignIn({ config, account, notices, onSignIn }: Props) {
  const people = config.demo_people ?? [];
  return (
    <main className="sign-in" id="main">
      <h1>Audit Events</h1>
      {notices.map((notice) => notice !== undefined && <p key={notice} role="alert" className="notice">{notice}</p>)}
      {account !== undefined && <PasswordForm account={account} onSignIn={onSignIn} />}
      {people.length > 0 && (
        <section aria-labelledby="demo">
          <h2 id="demo">Demo people of this local stack</h2>
          <ul className="people">
            {people.map((person) => (
              <li key={person.key}>
                <Button onPress={() => onSignInWith(person.token, onSignIn)}>{person.name}</Button>
                <span className="small">{powers[person.role]}</span>
              </li>
            ))}
          </ul>
        </section>
      )}
      <TokenForm onSignIn={onSignIn} />
    </main>
  );
}

function onSignInWith(token: string, onSignIn: Props["onSignIn"]): void {
  const session = sessionOf(token);
  if (session !== undefined) onSignIn(session);
}

function TokenForm({ onSignIn }: Pick<Props, "onSignIn">) {
  const [fault, setFault] = useState<string>();
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const session = sessionOf(String(new FormData(event.currentTarget).get("token") ?? ""));
    if (session === undefined) setFault("This is no access token and no API key: a token has three parts divided by dots, a key begins with aud_.");
    else onSignIn(session);
  };
  return (
    <form onSubmit={submit}>
      <h2>With a token</h2>
      <label>
        Access token or API key
        <textarea
          name="token"
          rows={3}
          required
          autoComplete="off"
          spellCheck={false}
          aria-invalid={fault !== undefined}
          aria-describedby={fault === undefined ? undefined : "token-fault"}
        />
      </label>
      {fault !== undefined && <p role="alert" id="token-fault" className="fault">{fault}</p>}
      <Button type="submit">Sign in with the token</Button>
    </form>
  );
}

function PasswordForm({ account, onSignIn }: { readonly account: Account } & Pick<Props, "onSignIn">) {
  const [fault, setFault] = useState<string>();
  const [isAsking, setIsAsking] = useState(false);
  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    setFault(undefined);
    setIsAsking(true);
    const outcome = await account.signIn(String(form.get("email")), String(form.get("password")));
    setIsAsking(false);
    if ("session" in outcome) onSignIn(outcome.session);
    else setFault(outcome.fault);
  };
  return (
    <form onSubmit={(event) => void submit(event)}>
      <h2>With your account</h2>
      <label>
        E-mail<input name="email" type="email" required autoComplete="username" />
      </label>
      <label>
        Password<input name="password" type="password" required autoComplete="current-password" />
      </label>
      {fault !== undefined && <p role="alert" className="fault">{fault}</p>}
      <Button type="submit" isDisabled={isAsking}>{isAsking ? "Signing in…" : "Sign in"}</Button>
    </form>
  );
}
