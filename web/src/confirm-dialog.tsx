import { type FormEvent, type ReactNode, useEffect, useRef, useState } from "react";
import { ProblemNotice } from "./problem-notice.tsx";

type Props = {
  readonly title: string;
  /** What the act does, and whether it can be undone. */
  readonly children: ReactNode;
  readonly action: string;
  /** Rejects with what went wrong; the dialog stays then, with what was typed. */
  readonly onConfirm: (form: FormData) => Promise<unknown>;
  readonly onClose: () => void;
};

/** Asks before something is done that cannot be undone. The browser's own dialog: it keeps the focus and closes by Escape. */
export function ConfirmDialog({ title, children, action, onConfirm, onClose }: Props) {
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
  return (
    <dialog ref={dialog} onClose={onClose} aria-labelledby="confirm-title">
      <form className="form" onSubmit={(event) => void submit(event)}>
        <h2 id="confirm-title">{title}</h2>
        {children}
        {error !== undefined && <ProblemNotice error={error} />}
        <div className="actions">
          <button type="submit" disabled={isBusy}>{action}</button>
          <button type="button" onClick={() => dialog.current?.close()}>Cancel</button>
        </div>
      </form>
    </dialog>
  );
}
