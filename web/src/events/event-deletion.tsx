import { useState } from "react";
import { useQueryClient } from "@tanstack/react-query";
import { Button } from "react-aria-components";
import type { Api, Deletion, ListedEvent } from "../api.ts";
import { ConfirmDialog } from "../confirm-dialog.tsx";
import { PlainText } from "../plain-text.tsx";
import { formatSecond, zoneName } from "../time-format.ts";
import { useView } from "../view-state.ts";

/** Soft deletion by an admin: a record beside the event, which stays as it was sealed. */
export function DeleteEvent({ api, event, onDeleted }: { readonly api: Api; readonly event: ListedEvent; readonly onDeleted: () => void }) {
  const [isAsking, setIsAsking] = useState(false);
  const queries = useQueryClient();
  const remove = async (form: FormData) => {
    await api.send("DELETE", `events/${event.id}`, { tenant_id: event.tenant_id, at: event.occurred_at }, { reason: String(form.get("reason")) });
    // First: while it is open, the event would be asked for again, and there is none any more.
    onDeleted();
    queries.removeQueries({ queryKey: ["event"] });
    await Promise.all(["events", "stats"].map((name) => queries.invalidateQueries({ queryKey: [name] })));
  };
  return (
    <>
      <Button className="danger" onPress={() => setIsAsking(true)}>Delete…</Button>
      {isAsking && (
        <ConfirmDialog title="Delete this event?" action="Delete it" isDanger onConfirm={remove} onClose={() => setIsAsking(false)}>
          <p>
            Only admins who ask for deleted events will still see it. Its hash and its proofs stay, and the deletion is itself an event. It cannot be undone.
          </p>
          <label>
            Reason<textarea name="reason" required maxLength={1000} rows={2} />
          </label>
        </ConfirmDialog>
      )}
    </>
  );
}

/** Who took the event out of sight, and why. */
export function DeletedNotice({ deletion: { by, at, reason } }: { readonly deletion: Deletion }) {
  const [{ zone }] = useView();
  return (
    <p className="notice">
      Deleted {formatSecond(at, zone)} {zoneName(zone, at)} by <PlainText>{by}</PlainText>: <PlainText>{reason}</PlainText>
    </p>
  );
}
