import { createHash } from 'node:crypto';
import type { OpenAPIHono } from '@hono/zod-openapi';
import { html, raw } from 'hono/html';

type Document = ReturnType<OpenAPIHono['getOpenAPI31Document']>;

const STYLE = `:root{color-scheme:light dark}
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
code,pre{font:14px/1.4 ui-monospace,monospace}
section{border-top:1px solid color-mix(in srgb,currentColor 25%,transparent);padding:.5rem 0}
h2{font-size:1.1rem;overflow-wrap:anywhere}
pre{overflow:auto;padding:.75rem;background:color-mix(in srgb,currentColor 8%,transparent)}
td,th{text-align:left;vertical-align:top;padding:.1rem 1rem .1rem 0}`;

/** The page's one style, named by its hash, so that nothing else may style it. */
export const STYLE_SOURCE = `'sha256-${createHash('sha256').update(STYLE).digest('base64')}'`;

const METHODS = ['get', 'post', 'put', 'patch', 'delete'] as const;

type PathItem = NonNullable<Document['paths']>[string];
type Operation = NonNullable<PathItem['get']>;
type Parameter = Exclude<NonNullable<Operation['parameters']>[number], { $ref: string }>;

function parameterRow(parameter: Parameter) {
  const { name, in: where, required, description, schema } = parameter;
  const note = description ?? '';
  return html`<tr>
    <th scope="row"><code>${name}</code></th>
    <td>${where}${required === true ? ', required' : ''}</td>
    <td><code>${JSON.stringify(schema ?? {})}</code> ${note}</td>
  </tr>`;
}

function parametersOf(operation: Operation) {
  const parameters = (operation.parameters ?? []).filter((one) => 'name' in one);
  if (parameters.length === 0) return '';
  return html`<table>
    ${parameters.map(parameterRow)}
  </table>`;
}

function bodyOf(operation: Operation) {
  const body = operation.requestBody;
  if (body === undefined || !('content' in body)) return '';
  const schema = body.content['application/json']?.schema;
  return html`<details>
    <summary>Body</summary>
    <pre>${JSON.stringify(schema, null, 2)}</pre>
  </details>`;
}

function section(method: string, path: string, operation: Operation) {
  const answers = Object.entries(operation.responses ?? {})
    .map(([status, answer]) => `${status}: ${String(answer.description)}`)
    .join('; ');
  const access = String(operation['x-postern-access']);
  return html`<section>
    <h2><code>${method.toUpperCase()} ${path}</code></h2>
    <p>${operation.summary ?? ''}. Needs: <code>${access}</code></p>
    ${parametersOf(operation)} ${bodyOf(operation)}
    <p>${answers}</p>
  </section>`;
}

function operations(document: Document) {
  return Object.entries(document.paths ?? {}).flatMap(([path, item]) =>
    METHODS.flatMap((method) => {
      const operation = item[method];
      return operation === undefined ? [] : [section(method, path, operation)];
    }),
  );
}

/** The document for people, on one page that asks nothing of any host. */
export function docsPage(document: Document) {
  const schemas = Object.entries(document.components?.schemas ?? {});
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>Postern API</title>
        <style>${raw(STYLE)}</style>
      </head>
      <body>
        <h1>Postern API ${document.info.version}</h1>
        <p>${document.info.description ?? ''}</p>
        <p>The same for machines: <code>/v1/openapi.json</code></p>
        ${operations(document)}
        <h1>Answers</h1>
        ${schemas.map(
          ([name, schema]) => html`<details>
            <summary><code>${name}</code></summary>
            <pre>${JSON.stringify(schema, null, 2)}</pre>
          </details>`,
        )}
      </body>
    </html>`;
}
