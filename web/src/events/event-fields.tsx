import type { ListedEvent } from "../api.ts";
import { PlainText } from "../plain-text.tsx";
import { formatTime, type Zone, zoneName } from "../time-format.ts";

const groups: readonly { readonly title: string; readonly fields: readonly (readonly [string, string])[] }[] = [
  {
    title: "What happened",
    fields: [["event_type", "Event type"], ["message", "Message"], ["duration_ms", "Duration, ms"], ["source", "Source"], ["object_type", "Object type"], [
      "object_id",
      "Object",
    ]],
  },
  {
    title: "Who and from where",
    fields: [["actor_id", "Actor"], ["actor_type", "Actor type"], ["ip_address", "IP address"], ["user_agent", "User agent"], ["device_fingerprint", "Device"]],
  },
  {
    title: "How it was recorded",
    fields: [
      ["id", "Id"],
      ["received_at", "Received"],
      ["principal", "Sent with"],
      ["request_id", "Request"],
      ["producer_id", "Producer"],
      ["producer_seq", "Its number"],
      ["leaf_hash", "Leaf hash"],
    ],
  },
];

const monospaced = new Set(["id", "leaf_hash", "request_id", "device_fingerprint", "principal", "ip_address"]);

/** Longer text scrolls within its field, which then the keyboard must reach. */
const scrolledLength = 600;

type FieldsProps = { readonly event: ListedEvent; readonly zone: Zone; readonly description: string | undefined };

/** Every field that the event has, by what an auditor asks. */
export function EventFields({ event, zone, description }: FieldsProps) {
  return (
    <>
      {groups.map(({ title, fields }) => {
        const present = fields.filter(([name]) => event[name] !== undefined);
        return present.length > 0 && (
          <section key={title} aria-label={title}>
            <h3>{title}</h3>
            <dl className="fields-of-event">
              {present.map(([name, label]) => (
                <div key={name}>
                  <dt>{label}</dt>
                  <dd className={monospaced.has(name) ? "mono" : undefined} tabIndex={String(event[name]).length > scrolledLength ? 0 : undefined}>
                    <PlainText>
                      {name === "received_at" ? `${formatTime(event.received_at, zone)} ${zoneName(zone, event.received_at)}` : String(event[name])}
                    </PlainText>
                    {name === "event_type" && description !== undefined && <div className="small">{description}</div>}
                  </dd>
                </div>
              ))}
            </dl>
          </section>
        );
      })}
    </>
  );
}
