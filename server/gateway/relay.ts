import type { FastifyReply } from 'fastify'
import type { Agent, Dispatcher } from 'undici'

const PASSED_ON = [
  'content-type',
  'content-length',
  'cache-control',
  'retry-after',
  'x-model-digest',
] as const

/**
 * Asks, and passes the answer's bytes on as they come, at the pace of the client. Resolves with the
 * status when the answer begins; rejects when none does. One that breaks later breaks for the client
 * too. `gone`: the client is; ends the request. Not undici's `request`: its stream and Fastify's
 * around it cost the gateway a third of what a request takes.
 */
export function relay(
  agent: Agent,
  options: Dispatcher.DispatchOptions,
  reply: FastifyReply,
  gone: AbortSignal,
): Promise<number> {
  const { raw } = reply
  return new Promise((resolve, reject) => {
    let begun = false
    agent.dispatch(options, {
      onRequestStart(controller) {
        const leave = () => controller.abort(gone.reason as Error)
        if (gone.aborted) leave()
        else gone.addEventListener('abort', leave, { once: true })
      },
      onResponseStart(controller, status, headers) {
        if (status < 200) return
        begun = true
        begin(reply, status, headers)
        raw.on('drain', () => controller.resume())
        resolve(status)
      },
      onResponseData(controller, chunk) {
        if (!raw.write(chunk)) controller.pause()
      },
      onResponseEnd() {
        raw.end()
      },
      onResponseError(_controller, error) {
        if (begun) raw.destroy()
        else reject(error)
      },
    })
  })
}

function begin(
  reply: FastifyReply,
  status: number,
  headers: Readonly<Record<string, string | string[] | undefined>>,
): void {
  reply.hijack()
  const passed = PASSED_ON.map((name) => [name, headers[name]] as const)
  for (const [name, value] of [...Object.entries(reply.getHeaders()), ...passed]) {
    if (value !== undefined) reply.raw.setHeader(name, value)
  }
  reply.raw.writeHead(status)
}
