import { ListTable } from "../list-table.tsx";
import { PlainText } from "../plain-text.tsx";
import { formatTime, zoneName } from "../time-format.ts";
import { useView } from "../view-state.ts";
import type { Producer } from "./producers-page.tsx";

/** Which numbers of one producer are missing, and between which of its events. */
export function ProducerGaps({ producer: { producer_id: id, gaps } }: { readonly producer: Producer }) {
  const [{ zone }] = useView();
  return (
    <section>
      <h2>
        Latest gaps of <PlainText>{id}</PlainText>
      </h2>
      <ListTable
        caption={`Latest gaps of ${id}`}
        rows={gaps}
        keyOf={({ first_seq }) => String(first_seq)}
        columns={[
          {
            head: "Missing numbers",
            cell: ({ first_seq: first, last_seq: last }) =>
              first === last ? first.toLocaleString("en") : `${first.toLocaleString("en")} – ${last.toLocaleString("en")}`,
            isRowHead: true,
          },
          { head: "Count", cell: ({ first_seq: first, last_seq: last }) => (last - first + 1).toLocaleString("en"), isNumber: true },
          { head: `The one before (${zoneName(zone)})`, cell: ({ after }) => formatTime(after, zone) },
          { head: `The one after (${zoneName(zone)})`, cell: ({ before }) => formatTime(before, zone) },
        ]}
      />
    </section>
  );
}
