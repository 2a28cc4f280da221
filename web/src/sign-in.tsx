import { type FormEvent, useState } from "react";
import { Button } from "react-aria-components";
import type { Config } from "./config.ts";
import { type Session, sessionOf } from "./session.ts";

type Props = { readonly config: Config; readonly notice: string | undefined; readonly onSignIn: (session: Session) => void };

/** Supabase Auth where it is configured, demo people in a local stack, a pasted token in both. */
export function SignIn({ config, notice, onSignIn }: Props) {
  return (
    <main className="sign-in">
      <h1>Audit Events</h1>
      {notice !== undefined && <p role="alert" className="notice">{notice}</p>}
      {config.supabase_url !== undefined && config.supabase_publishable_key !== undefined && (
        <PasswordForm url={config.supabase_url} publishableKey={config.supabase_publishable_key} onSignIn={onSignIn} />
      )}
      {config.demo_people !== undefined && config.demo_people.length > 0 && (
        <section aria-labelledby="demo">
          <h2 id="demo">Demo people of this local stack</h2>
          <ul className="people">
            {config.demo_people.map((person) => (
              <li key={`${person.tenant} ${person.role}`}>
                <Button onPress={() => onSignInWith(person.token, onSignIn)}>{person.name}</Button>
                <span>{person.role}, {person.tenant}</span>
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
        <textarea name="token" rows={3} required autoComplete="off" spellCheck={false} aria-invalid={fault !== undefined} />
      </label>
      {fault !== undefined && <p role="alert" className="fault">{fault}</p>}
      <Button type="submit">Sign in with the token</Button>
    </form>
  );
}

function PasswordForm({ url, publishableKey, onSignIn }: { readonly url: string; readonly publishableKey: string } & Pick<Props, "onSignIn">) {
  const [fault, setFault] = useState<string>();
  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    // Loaded when it is needed: a page signed in by token never carries it.
    const { AuthClient } = await import("@supabase/auth-js");
    const auth = new AuthClient({ url: `${url}/auth/v1`, headers: { apikey: publishableKey }, persistSession: false, autoRefreshToken: false });
    const { data, error } = await auth.signInWithPassword({ email: String(form.get("email")), password: String(form.get("password")) });
    const session = error === null && data.session !== null ? sessionOf(data.session.access_token) : undefined;
    if (session === undefined) setFault("E-mail and password do not fit. Check both, or ask your administrator for access.");
    else onSignIn(session);
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
      <Button type="submit">Sign in</Button>
    </form>
  );
}
