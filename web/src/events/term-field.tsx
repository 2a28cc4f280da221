import { useEffect, useState } from "react";

type Props = {
  readonly label: string;
  readonly value: string;
  /** Known values, in the words that mean each and nothing else. */
  readonly suggestions: readonly string[];
  readonly onChange: (value: string) => void;
};

/** One term of the query. Applies on Enter and on leaving, not on every key: each change is a search. */
export function TermField({ label, value, suggestions, onChange }: Props) {
  const [text, setText] = useState(value);
  useEffect(() => setText(value), [value]);
  const id = `known-${label.replace(/\s/g, "-").toLowerCase()}`;
  const apply = () => text !== value && onChange(text);
  return (
    <label>
      {label}
      <input
        value={text}
        list={suggestions.length === 0 ? undefined : id}
        placeholder="any"
        autoComplete="off"
        spellCheck={false}
        onChange={(event) => setText(event.target.value)}
        onBlur={apply}
        onKeyDown={(event) => {
          if (event.key !== "Enter") return;
          event.preventDefault();
          apply();
        }}
      />
      {suggestions.length > 0 && <datalist id={id}>{suggestions.map((known) => <option key={known} value={known} />)}</datalist>}
    </label>
  );
}
