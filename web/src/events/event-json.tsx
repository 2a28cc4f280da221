import { useState } from "react";
import { Button } from "react-aria-components";
import type { ListedEvent } from "../api.ts";

/** What reads as nothing, or turns the text around, is escaped as JSON may: a copy means the same and hides nothing. */
const hidden = /[\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2064\u2066-\u206f\ufeff]/g;

/** The event as the API gives it, to read and to take along. */
export function EventJson({ event }: { readonly event: ListedEvent }) {
  const [copied, setCopied] = useState<"copied" | "failed">();
  const { href: _, deleted: __, ...own } = event;
  const json = JSON.stringify(own, null, 2).replace(hidden, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
  const copy = () => navigator.clipboard.writeText(json).then(() => setCopied("copied"), () => setCopied("failed"));
  return (
    <section aria-label="JSON">
      <div className="drawer-head">
        <h3>JSON</h3>
        <span role="status" className="small">{copied === "copied" ? "Copied" : copied === "failed" ? "The browser does not allow copying" : ""}</span>
        <Button onPress={() => void copy()}>Copy</Button>
      </div>
      <pre tabIndex={0} dir="ltr"><code>{json}</code></pre>
    </section>
  );
}
