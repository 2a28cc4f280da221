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

const storageKey = "audit-keys";

export type Shortcuts = {
  readonly isOpen: boolean;
  readonly setIsOpen: (isOpen: boolean) => void;
  readonly areOn: boolean;
  readonly setAreOn: (areOn: boolean) => void;
};

/**
 * Single keys, never while somebody types. They can be switched off (WCAG 2.1.4): who dictates presses keys that nobody meant. Escape stays, for it is
 * no character.
 */
export function useShortcuts(actions: ShortcutActions): Shortcuts {
  const [isOpen, setIsOpen] = useState(false);
  const [areOn, setAreOn] = useState(() => localStorage.getItem(storageKey) !== "off");
  useEffect(() => localStorage.setItem(storageKey, areOn ? "on" : "off"), [areOn]);
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
      // What an event covers, in a narrow window, is not moved behind its back.
      if (document.querySelector("[aria-modal=true]") !== null) return;
      if (!areOn || isTyping || event.metaKey || event.ctrlKey || event.altKey) return;
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
  }, [areOn]);
  return { isOpen, setIsOpen, areOn, setAreOn };
}

export function ShortcutHelp({ isOpen, setIsOpen, areOn, setAreOn, mayExport }: Shortcuts & { readonly mayExport: boolean }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    if (isOpen && dialog.current?.open === false) dialog.current.showModal();
    if (!isOpen) dialog.current?.close();
  }, [isOpen]);
  return (
    <dialog ref={dialog} onClose={() => setIsOpen(false)} aria-labelledby="keys">
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
      <form method="dialog" className="form">
        <label className="check">
          <input type="checkbox" checked={areOn} onChange={({ target }) => setAreOn(target.checked)} /> Use these keys
        </label>
        <div className="actions">
          <button type="submit">Close</button>
        </div>
      </form>
    </dialog>
  );
}
