import { OPERATIONS } from './openapi.ts'

/** The API's reference as one page that loads nothing: for networks that reach nothing. */
export function docsPage(document: Readonly<Record<string, unknown>>): string {
  const { paths } = document as { paths: Record<string, Record<string, Described>> }
  const sections = OPERATIONS.map(({ method, path, summary }) => {
    const schema = paths[path]?.[method]?.requestBody?.content['application/json'].schema
    const name = `${method.toUpperCase()} ${path}`
    const body =
      schema === undefined
        ? ''
        : `<details><summary>Body</summary><pre>${escaped(JSON.stringify(schema, null, 2))}</pre></details>`
    return `<section><h2><code>${escaped(name)}</code></h2><p>${escaped(summary)}.</p>${body}</section>`
  })
  return [
    '<!doctype html><html lang="en"><meta charset="utf-8"><title>Serantau API</title>',
    '<style>body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}',
    'pre{overflow:auto;background:#f4f4f4;padding:1rem}code{font-size:1rem}</style>',
    '<h1>Serantau API</h1>',
    '<p>The same as OpenAPI 3.1: <code>GET /openapi.json</code>. Each request carries the key: ',
    '<code>Authorization: Bearer KEY</code>.</p>',
    ...sections,
    '</html>',
  ].join('\n')
}

interface Described {
  requestBody?: { content: { 'application/json': { schema: unknown } } }
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
}
const escaped = (text: string) => text.replace(/[&<>"]/g, (each) => ENTITIES[each] ?? '')
