import { PlainText } from "../plain-text.tsx";

export type Change = { readonly path: string; readonly before: string | undefined; readonly after: string | undefined };

/** What `context.before` and `context.after` differ in, path by path; undefined when the context does not have both. */
export function changesOf(context: Readonly<Record<string, unknown>> | undefined): readonly Change[] | undefined {
  const [before, after] = [context?.["before"], context?.["after"]];
  if (!isObject(before) || !isObject(after)) return undefined;
  const [old, now] = [leaves(before), leaves(after)];
  const paths = [...new Set([...old.keys(), ...now.keys()])].sort();
  return paths.filter((path) => old.get(path) !== now.get(path)).map((path) => ({ path, before: old.get(path), after: now.get(path) }));
}

export function EventDiff({ changes }: { readonly changes: readonly Change[] }) {
  return (
    <section aria-label="What changed">
      <h3>What changed</h3>
      {changes.length === 0 ? <p>Nothing: before and after are the same.</p> : (
        <table className="diff">
          <caption className="visually-hidden">Fields that changed</caption>
          <thead>
            <tr>
              <th scope="col">Field</th>
              <th scope="col">Before</th>
              <th scope="col">After</th>
            </tr>
          </thead>
          <tbody>
            {changes.map(({ path, before, after }) => (
              <tr key={path}>
                <th scope="row">
                  <PlainText>{path}</PlainText>
                </th>
                <td>
                  {before === undefined ? <em>absent</em> : (
                    <del>
                      <PlainText>{before}</PlainText>
                    </del>
                  )}
                </td>
                <td>
                  {after === undefined ? <em>absent</em> : (
                    <ins>
                      <PlainText>{after}</PlainText>
                    </ins>
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}

function leaves(value: Readonly<Record<string, unknown>>, prefix = ""): Map<string, string> {
  const found = new Map<string, string>();
  for (const [key, item] of Object.entries(value)) {
    // A name with a dot in it must not pass for a path: a change between the two would not be seen.
    const name = key.includes(".") ? JSON.stringify(key) : key;
    const path = prefix === "" ? name : `${prefix}.${name}`;
    if (isObject(item) && Object.keys(item).length > 0) { for (const [inner, text] of leaves(item, path)) found.set(inner, text); }
    else found.set(path, JSON.stringify(item));
  }
  return found;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
