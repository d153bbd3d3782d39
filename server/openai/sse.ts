/** One server-sent event; JSON has no raw line break, so an event is always one line. */
export const sseEvent = (data: object): string => `data: ${JSON.stringify(data)}\n\n`
/** The same with its name, as the responses API sends them. */
export const namedSseEvent = (name: string, data: object): string =>
  `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`
export const SSE_DONE = 'data: [DONE]\n\n'
export const SSE_CONTENT_TYPE = 'text/event-stream; charset=utf-8'
