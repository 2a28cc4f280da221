/** A piece of SQL and the values it refers to. `strings` has one entry more than `values`, as in a tagged template. */
export type Fragment = { readonly strings: readonly string[]; readonly values: readonly unknown[] };

const fragments = new WeakSet<object>();

/**
 * SQL as a tagged template: what stands in `${}` becomes a bound parameter, or is spliced when it is a fragment itself. There is no way in for
 * text, so that no value, however it was made, can become part of a statement.
 */
export function sql(strings: TemplateStringsArray, ...values: readonly unknown[]): Fragment {
  const flatStrings = [strings[0] ?? ""];
  const flatValues: unknown[] = [];
  values.forEach((value, index) => {
    const after = strings[index + 1] ?? "";
    if (isFragment(value)) {
      const last = flatStrings.length - 1;
      flatStrings[last] += value.strings[0] ?? "";
      flatStrings.push(...value.strings.slice(1));
      flatValues.push(...value.values);
      flatStrings[flatStrings.length - 1] += after;
    } else {
      flatValues.push(value);
      flatStrings.push(after);
    }
  });
  const fragment = { strings: flatStrings, values: flatValues };
  fragments.add(fragment);
  return fragment;
}

/** `parts` side by side, divided by `divider`. */
export function joined(parts: readonly Fragment[], divider: Fragment): Fragment {
  return parts.slice(1).reduce((all, part) => sql`${all}${divider}${part}`, parts[0] ?? sql``);
}

/** What `pg` takes: the text with $1, $2, … and the values. */
export function statement(fragment: Fragment): { readonly text: string; readonly values: unknown[] } {
  const text = fragment.strings.reduce((all, part, index) => index === 0 ? part : `${all}$${index}${part}`, "");
  return { text, values: [...fragment.values] };
}

/** Made by `sql` and nothing else: an object that a parser made of a request cannot pass for one. */
function isFragment(value: unknown): value is Fragment {
  return typeof value === "object" && value !== null && fragments.has(value);
}
