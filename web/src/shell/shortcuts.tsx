import { useEffect, useRef, useState } from "react";

export type ShortcutActions = { readonly move: (by: 1 | -1) => void; readonly open: () => void; readonly close: () => void; readonly toggleZone: () => void };

const list: readonly (readonly [string, string])[] = [
  ["/", "go to the query"],
  ["j", "next event"],
  ["k", "previous event"],
  ["Enter", "open the event"],
  ["Esc", "close the event"],
  ["e", "go to the export"],
  ["u", "UTC or local time"],
  ["?", "this list"],
];

/** Single keys, never while somebody types. */
export function useShortcuts(actions: ShortcutActions): { readonly isOpen: boolean; readonly onClose: () => void } {
  const [isOpen, setIsOpen] = useState(false);
  const current = useRef(actions);
  current.current = actions;
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      const target = event.target as HTMLElement;
      // A dialog has the keyboard to itself: Escape closes it, and not the event behind it as well.
      if (target.closest("dialog") !== null) return;
      const isTyping = /^(input|textarea|select)$/i.test(target.tagName) || target.isContentEditable;
      if (event.key === "Escape") {
        setIsOpen(false);
        if (!isTyping) current.current.close();
        return;
      }
      if (isTyping || event.metaKey || event.ctrlKey || event.altKey) return;
      if (event.key === "Enter" && target.closest("button, a, summary, [role=slider]") !== null) return;
      const handlers: Readonly<Record<string, () => void>> = {
        "/": () => document.getElementById("q")?.focus(),
        j: () => current.current.move(1),
        k: () => current.current.move(-1),
        Enter: () => current.current.open(),
        e: () => document.querySelector<HTMLElement>(".export button")?.focus(),
        u: () => current.current.toggleZone(),
        "?": () => setIsOpen(true),
      };
      const handler = handlers[event.key];
      if (handler === undefined) return;
      event.preventDefault();
      handler();
    };
    addEventListener("keydown", onKeyDown);
    return () => removeEventListener("keydown", onKeyDown);
  }, []);
  return { isOpen, onClose: () => setIsOpen(false) };
}

type HelpProps = { readonly isOpen: boolean; readonly onClose: () => void; readonly mayExport: boolean };

export function ShortcutHelp({ isOpen, onClose, mayExport }: HelpProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    if (isOpen && dialog.current?.open === false) dialog.current.showModal();
    if (!isOpen) dialog.current?.close();
  }, [isOpen]);
  return (
    <dialog ref={dialog} onClose={onClose} aria-labelledby="keys">
      <h2 id="keys">Keys</h2>
      <dl className="keys">
        {list.filter(([key]) => mayExport || key !== "e").map(([key, what]) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
      <form method="dialog">
        <button type="submit">Close</button>
      </form>
    </dialog>
  );
}
