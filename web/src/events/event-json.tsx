import type { ListedEvent } from "../api.ts";
import { CopyButton } from "../copy-button.tsx";
import { escapeUnseen } from "../plain-text.tsx";

/** The event as the API gives it, to read and to take along: what would show nothing is escaped as JSON may, so a copy means the same and hides nothing. */
export function EventJson({ event }: { readonly event: ListedEvent }) {
  const { href: _, deleted: __, ...own } = event;
  const json = escapeUnseen(JSON.stringify(own, null, 2));
  return (
    <section aria-label="JSON">
      <div className="drawer-head">
        <h3>JSON</h3>
        <CopyButton key={event.id} text={json} />
      </div>
      <pre tabIndex={0} dir="ltr"><code>{json}</code></pre>
    </section>
  );
}
