/** One server-sent event; JSON has no raw line break, so an event is always one line. */
export const sseEvent = (data: object): string => `data: ${JSON.stringify(data)}\n\n`
export const SSE_DONE = 'data: [DONE]\n\n'
export const SSE_CONTENT_TYPE = 'text/event-stream; charset=utf-8'
