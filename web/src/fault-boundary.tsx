import { Component, type ReactNode } from "react";

type Props = { readonly children: ReactNode };

/** What stands when the page itself has failed: never nothing. A class, since React tells its faults to no function. */
export class FaultBoundary extends Component<Props, { readonly hasFailed: boolean }> {
  override state = { hasFailed: false };

  static getDerivedStateFromError() {
    return { hasFailed: true };
  }

  override render() {
    return this.state.hasFailed ? <Failed title="This page has a fault" /> : this.props.children;
  }
}

/** Loading again loses nothing: the address is the state. */
export function Failed({ title }: { readonly title: string }) {
  return (
    <main className="sign-in" id="main">
      <h1>{title}</h1>
      <p role="alert">The log is not touched by it. Load the page again; if that does not help, tell the operators of this service what you were looking at.</p>
      <div className="actions">
        <button type="button" onClick={() => location.reload()}>Load the page again</button>
      </div>
    </main>
  );
}
