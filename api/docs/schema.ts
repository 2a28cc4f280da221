import { type Html, html, text } from "./html.ts";

/** As much of JSON Schema as the document uses; everything stands in place, nothing is referred to. */
export type Schema = {
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly format?: string;
  readonly pattern?: string;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | Schema;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
};

/** What a value of `schema` is, in a few words: `list of objects`, `string, uuid`, `success or failure`. */
function typeWords(schema: Schema): string {
  const choices = choicesOf(schema);
  if (choices.length > 0) return [...new Set(choices.map(typeWords))].join(" or ");
  if (schema.enum !== undefined) return schema.enum.map(String).join(" or ");
  if (schema.const !== undefined) return String(schema.const);
  if (schema.type === "array") return `list of ${schema.items === undefined ? "anything" : plural(typeWords(schema.items))}`;
  const type = [schema.type ?? "anything"].flat().join(" or ");
  return schema.format === undefined ? type : `${type}, ${schema.format}`;
}

/** The bounds of `schema` as people write them; empty when there are none that say anything. */
function boundWords({ minimum, maximum, minLength, maxLength, minItems, maxItems }: Schema): string {
  const range = (least: number | undefined, most: number | undefined, what: string) => {
    const [from, to] = [
      least === undefined || Math.abs(least) === Number.MAX_SAFE_INTEGER ? undefined : least,
      most === Number.MAX_SAFE_INTEGER ? undefined : most,
    ];
    if (from === undefined && to === undefined) return [];
    return [`${from === undefined ? "at most" : to === undefined ? "at least" : `${from} to`} ${to ?? from}${what}`];
  };
  return [...range(minimum, maximum, ""), ...range(minLength === 1 ? undefined : minLength, maxLength, " characters"), ...range(minItems, maxItems, " items")]
    .join(", ");
}

/** The fields of an object, or of the objects in a list, as a table; inner objects fold out. Undefined when there is nothing to unfold. */
export function fieldsOf(schema: Schema): Html | undefined {
  const inner = innerObject(schema);
  if (inner?.properties === undefined || Object.keys(inner.properties).length === 0) return undefined;
  const rows = Object.entries(inner.properties).map(([name, field]) => {
    const deeper = fieldsOf(field);
    return html`
      <tr>
        <th scope="row"><code>${text(name)}</code>${inner.required?.includes(name)
          ? html`
            <b class="required">required</b>
          `
          : html``}</th>
        <td>${describe(field)}${deeper === undefined ? html`` : html`<details><summary>Fields of <code>${text(name)}</code></summary>${deeper}</details>`}</td>
      </tr>
    `;
  });
  return html`
    <table>
      <thead>
        <tr>
          <th scope="col">Field</th>
          <th scope="col">Meaning</th>
        </tr>
      </thead>
      <tbody>${rows}</tbody>
    </table>
  `;
}

/** Type, bounds and description of a value. */
export function describe(schema: Schema): Html {
  const bounds = boundWords(schema);
  const description = schema.description ?? choicesOf(schema).find((choice) => choice.description !== undefined)?.description;
  return html`<span class="type">${text(typeWords(schema))}${bounds === "" ? html`` : html`, ${text(bounds)}`}</span>${
    description === undefined ? html`` : html`<br>${text(description)}`
  }`;
}

/** The object that `schema` is, holds a list of, or gives as a choice beside null. */
function innerObject(schema: Schema): Schema | undefined {
  if (schema.properties !== undefined) return schema;
  if (schema.items !== undefined) return innerObject(schema.items);
  for (const choice of choicesOf(schema)) {
    const inner = innerObject(choice);
    if (inner !== undefined) return inner;
  }
  return undefined;
}

/** Null beside a type says that the field may be left empty: no choice worth telling. Choices among required fields alone are none of types. */
function choicesOf({ anyOf, oneOf, type }: Schema): readonly Schema[] {
  return type === undefined ? (anyOf ?? oneOf ?? []).filter((choice) => choice.type !== "null") : [];
}

function plural(words: string): string {
  return /^(string|object|integer|number|boolean)/.test(words) ? words.replace(/^\w+/, (word) => `${word}s`) : words;
}
