import { type FormEvent, type ReactNode, useEffect, useRef, useState } from "react";
import { outcomeOf, ProblemNotice } from "./problem-notice.tsx";

type Props = {
  readonly title: string;
  /** What the act does, and whether it can be undone. */
  readonly children: ReactNode;
  readonly action: string;
  /** It takes something away for good: the button says so by its colour as well. */
  readonly isDanger?: boolean;
  /** Rejects with what went wrong; the dialog stays then, with what was typed. */
  readonly onConfirm: (form: FormData) => Promise<unknown>;
  readonly onClose: () => void;
};

/** How long after an act the view may be drawn anew by what it changed. */
const redrawnWithinMs = 1_000;

/** Asks before something is done that cannot be undone. The browser's own dialog: it keeps the focus and closes by Escape. */
export function ConfirmDialog({ title, children, action, isDanger, onConfirm, onClose }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [error, setError] = useState<unknown>();
  const [isBusy, setIsBusy] = useState(false);
  useEffect(() => dialog.current?.showModal(), []);
  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    setIsBusy(true);
    try {
      await onConfirm(new FormData(event.currentTarget));
      dialog.current?.close();
    } catch (fault) {
      setError(fault);
      setIsBusy(false);
    }
  };
  const closed = () => {
    onClose();
    keepFocus(performance.now() + redrawnWithinMs);
  };
  return (
    <dialog ref={dialog} onClose={closed} aria-labelledby="confirm-title">
      <form className="form" onSubmit={(event) => void submit(event)}>
        <h2 id="confirm-title">{title}</h2>
        {children}
        {error !== undefined && <ProblemNotice error={error} stands={outcomeOf(error)} />}
        <div className="actions">
          <button type="submit" className={isDanger ? "danger" : undefined} disabled={isBusy}>{action}</button>
          <button type="button" onClick={() => dialog.current?.close()}>Cancel</button>
        </div>
      </form>
    </dialog>
  );
}

/**
 * What opened the dialog may be gone by what was confirmed, now or when the view is drawn anew: the keyboard goes on in the view then, and not at the top
 * of the page.
 */
function keepFocus(untilMs: number): void {
  if (document.activeElement === document.body) document.getElementById("main")?.focus({ preventScroll: true });
  else if (performance.now() < untilMs) requestAnimationFrame(() => keepFocus(untilMs));
}
