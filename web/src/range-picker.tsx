import { useEffect, useState } from "react";
import { inputOf, timeOfInput, zoneName } from "./time-format.ts";
import { type Preset, presets, useView } from "./view-state.ts";

const presetNames: Readonly<Record<Preset, string>> = {
  "15m": "Last 15 minutes",
  "1h": "Last hour",
  "24h": "Last 24 hours",
  "7d": "Last 7 days",
  "30d": "Last 30 days",
  "90d": "Last 90 days",
};

/** The range by name or by its ends. Ends are read and written in the zone that the page shows. */
export function RangePicker() {
  const [view, setView] = useView();
  return (
    <>
      <label>
        Range
        <select
          value={view.range}
          onChange={({ target }) =>
            target.value === "custom"
              ? setView({ range: "custom", from: new Date(Date.now() - presets["7d"]).toISOString(), to: new Date().toISOString() })
              : setView({ range: target.value as Preset, from: undefined, to: undefined })}
        >
          {Object.entries(presetNames).map(([key, name]) => <option key={key} value={key}>{name}</option>)}
          <option value="custom">From … to …</option>
        </select>
      </label>
      {view.range === "custom" && (
        <>
          <TimeField label={`From (${zoneName(view.zone)})`} value={view.from} onChange={(from) => setView({ from })} />
          <TimeField label={`To (${zoneName(view.zone)})`} value={view.to} onChange={(to) => setView({ to })} />
        </>
      )}
    </>
  );
}

type TimeFieldProps = { readonly label: string; readonly value: string | undefined; readonly onChange: (time: string | undefined) => void };

/** Applies on leaving and on Enter: while somebody types, a date goes through years that nobody asked for. */
function TimeField({ label, value, onChange }: TimeFieldProps) {
  const [{ zone }] = useView();
  const [text, setText] = useState(inputOf(value, zone));
  useEffect(() => setText(inputOf(value, zone)), [value, zone]);
  const apply = () => text !== inputOf(value, zone) && onChange(timeOfInput(text, zone));
  return (
    <label>
      {label}
      <input
        type="datetime-local"
        value={text}
        onChange={({ target }) => setText(target.value)}
        onBlur={apply}
        onKeyDown={(event) => event.key === "Enter" && apply()}
      />
    </label>
  );
}
