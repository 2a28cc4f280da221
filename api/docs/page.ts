import { errorCodes } from "../../core/errors.ts";
import { type Html, html, htmlText, text } from "./html.ts";
import { describe, fieldsOf, type Schema } from "./schema.ts";

/** As much of OpenAPI 3.1 as the document uses. */
export type ApiDocument = {
  readonly info: { readonly title: string; readonly version: string; readonly description?: string };
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components?: {
    readonly securitySchemes?: Readonly<Record<string, { readonly type: string; readonly description?: string }>>;
    readonly headers?: HeaderFields;
  };
};
type HeaderFields = Readonly<Record<string, { readonly description?: string; readonly schema?: Schema }>>;
type Operation = {
  readonly summary?: string;
  readonly description?: string;
  readonly security?: readonly unknown[];
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly content?: Content };
  readonly responses?: Readonly<Record<string, Answer>>;
};
type Answer = { readonly description?: string; readonly content?: Content; readonly headers?: Readonly<Record<string, unknown>> };
type Parameter = { readonly name: string; readonly in: string; readonly required?: boolean; readonly description?: string; readonly schema?: Schema };
type Content = Readonly<Record<string, { readonly schema?: Schema }>>;
type Entry = { readonly id: string; readonly method: string; readonly path: string; readonly operation: Operation };

/** The reference as one page of HTML, made from the OpenAPI document alone: without scripts, so that nothing on it can be run. */
export function docsPage(document: ApiDocument): string {
  const entries = Object.entries(document.paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, operation]): Entry => ({ id: idOf(method, path), method: method.toUpperCase(), path, operation }))
  );
  const schemes = Object.entries(document.components?.securitySchemes ?? {});
  return htmlText(html`
    <!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="color-scheme" content="light dark">
        <title>${text(document.info.title)}: API reference</title>
        <link rel="stylesheet" href="docs/style.css">
      </head>
      <body>
        <a class="skip" href="#reference">Skip to the reference</a>
        <header>
          <h1>${text(document.info.title)} <span>API reference</span></h1>
          <p>${text(document.info.description ?? "")}</p>
          <p>Made from <a href="openapi.json">openapi.json</a>, version ${text(document.info.version)}.</p>
        </header>
        <div class="columns">
          <nav aria-label="Operations">
            <details open>
              <summary>Operations</summary>
              <ul>${entries.map(linkOf)}</ul>
            </details>
          </nav>
          <main id="reference">
    <section aria-labelledby="credentials"><h2 id="credentials">Credentials</h2>
    <dl>${schemes.map(([name, scheme]) =>
      html`
        <dt><code>${text(name)}</code></dt>
        <dd>${text(scheme.description ?? scheme.type)}</dd>
      `
    )}</dl></section>
    ${entries.map(operationOf)}
    ${headerSection(document.components?.headers ?? {})}
    <section aria-labelledby="errors"><h2 id="errors">Refusals</h2>
    <p>Problems as in RFC 9457, with a stable <code>code</code>, the id of the request, and the place of each fault.</p>
    <div class="scroll" tabindex="0" role="region" aria-label="Codes of refusals"><table><thead><tr><th scope="col">Code</th><th scope="col">Status</th><th scope="col">Meaning</th></tr></thead><tbody>${Object
      .entries(errorCodes).map(([code, { status, title }]) =>
        html`
          <tr>
            <th scope="row"><code>${text(code)}</code></th>
            <td>${text(String(status))}</td>
            <td>${text(title)}</td>
          </tr>
        `
      )}</tbody></table></div></section>
          </main>
        </div>
      </body>
    </html>
  `);
}

function headerSection(headers: HeaderFields): Html {
  return html`
    <section aria-labelledby="headers">
      <h2 id="headers">Headers</h2>
      <p>What header fields of answers say. The document names those of every answer, refusals too.</p>
      <div class="scroll" tabindex="0" role="region" aria-label="Header fields of answers">
        <table>
          <thead>
            <tr>
              <th scope="col">Header</th>
              <th scope="col">Meaning</th>
            </tr>
          </thead>
          <tbody>${Object
            .entries(headers).map(([name, { description, schema = {} }]) =>
              html`
                <tr>
                  <th scope="row"><code>${text(name)}</code></th>
                  <td>${describe({ ...schema, ...description === undefined ? {} : { description } })}</td>
                </tr>
              `
            )}</tbody>
        </table>
      </div>
    </section>
  `;
}

function linkOf({ id, method, path, operation }: Entry): Html {
  return html`<li><a href="#${text(id)}"><span class="method ${text(method.toLowerCase())}">${text(method)}</span> <span>${
    text(operation.summary ?? path)
  }</span></a></li>`;
}

function operationOf({ id, method, path, operation }: Entry): Html {
  const open = operation.security?.length === 0;
  const body = Object.entries(operation.requestBody?.content ?? {});
  return html`<section class="operation" aria-labelledby="${text(id)}"><h2 id="${text(id)}"><a href="#${text(id)}">${text(operation.summary ?? path)}</a></h2>
<p class="path"><span class="method ${text(method.toLowerCase())}">${text(method)}</span> <code>${text(path)}</code>${
    open
      ? html`
        <span class="type">open to everybody</span>
      `
      : html``
  }</p>
${operation.description === undefined ? html`` : html`<p>${text(operation.description)}</p>`}
${parametersOf(operation.parameters ?? [])}
${body.map(([type, { schema }]) => html`<h3>Body, <code>${text(type)}</code></h3>${schema === undefined ? html`` : valueOf(schema)}`)}
<h3>Answers</h3>
${Object.entries(operation.responses ?? {}).map(answerOf)}
</section>`;
}

function parametersOf(parameters: readonly Parameter[]): Html {
  if (parameters.length === 0) return html``;
  const rows = parameters.map(({ name, in: place, required, description, schema = {} }) =>
    html`
      <tr>
        <th scope="row"><code>${text(name)}</code>${required
          ? html`
            <b class="required">required</b>
          `
          : html``}</th>
        <td><span class="type">${text(place)}</span></td>
        <td>${describe({ ...schema, ...description === undefined ? {} : { description } })}</td>
      </tr>
    `
  );
  return html`
    <h3>Parameters</h3>
    <table>
      <thead>
        <tr>
          <th scope="col">Name</th>
          <th scope="col">In</th>
          <th scope="col">Meaning</th>
        </tr>
      </thead>
      <tbody>${rows}</tbody>
    </table>
  `;
}

function answerOf([status, { description = "", content = {}, headers = {} }]: [string, Answer]): Html {
  const head = html`<code>${text(status)}</code> ${text(description)}`;
  const types = Object.entries(content);
  const good = types.filter(([type]) => type !== "application/problem+json");
  if (good.length === 0) return html`<p class="answer">${head}</p>`;
  return html`<details class="answer"><summary>${head}</summary><p>Headers: ${
    Object.keys(headers).map((name) =>
      html`
        <code>${text(name)}</code>
      `
    )
  }</p>${good.map(([type, { schema }]) => html`<p><code>${text(type)}</code></p>${schema === undefined ? html`` : valueOf(schema)}`)}</details>`;
}

function valueOf(schema: Schema): Html {
  return fieldsOf(schema) ?? html`<p>${describe(schema)}</p>`;
}

function idOf(method: string, path: string): string {
  return `${method}${path.replace("/api/v1/audit", "")}`.replaceAll(/[^a-z0-9]+/gi, "-").replace(/-$/, "");
}
