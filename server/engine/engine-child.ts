import type { ChildProcess } from 'node:child_process'
import type { ChosenAddon, EngineOptions, FromEngine, ToEngine } from './protocol.ts'
import type { StartEngine, UseAddon } from './protocol.ts'

const KEPT_OUTPUT = 500
/** Lines that native code writes before it dies. Others might quote what a client wrote. */
const NATIVE_LINE =
  /^(.*GGML_ASSERT.*|ggml.*|llama_.*|FATAL ERROR.*|terminate called.*|CUDA error.*)$/gm

export interface ChildEvents {
  message: (message: FromEngine) => void
  /** Once, when the process is gone. `cause` is fit for readiness and logs, `how` for a label. */
  gone: (cause: string, how: string) => void
}

export interface EngineChild {
  pid: number | undefined
  send(message: ToEngine): void
  /** Resolves when the process is gone; forced after `graceMs`. */
  stop(graceMs: number): Promise<void>
}

/** Lets a process that `forkEngine` started check its file, and load it as soon as the addon is known. */
export function startEngineChild(
  child: ChildProcess,
  options: EngineOptions,
  addon: Promise<ChosenAddon>,
  events: ChildEvents,
): EngineChild {
  let output = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    output = (output + text).slice(-10_000)
  })
  let gone = false
  const leave = (cause: string, how: string) => {
    if (gone) return
    gone = true
    events.gone(cause, how)
  }
  child.on('message', (message) => events.message(message as FromEngine))
  child.on('error', (error) => leave(`the engine could not be started: ${error.message}`, 'start'))
  child.on('exit', (code, signal) => leave(causeOf(code, signal, output), signal ?? 'exit'))
  const send = (message: ToEngine | StartEngine | UseAddon) => {
    // A failed send means that the process is going: `exit` tells everyone who waits.
    if (child.connected) child.send(message, () => undefined)
  }
  send({ kind: 'start', options })
  void addon.then((chosen) => send({ kind: 'addon', addon: chosen }))
  return {
    pid: child.pid,
    send,
    stop: (graceMs) => stopChild(child, graceMs),
  }
}

function causeOf(code: number | null, signal: string | null, output: string): string {
  const native = (output.match(NATIVE_LINE) ?? []).join(' ').slice(-KEPT_OUTPUT)
  const how = signal === null ? `exited with ${code}` : `was ended by ${signal}`
  return `the engine ${how}${native === '' ? '' : `: ${native}`}`
}

async function stopChild(child: ChildProcess, graceMs: number): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return
  await new Promise<void>((resolve) => {
    child.once('exit', () => resolve())
    const force = setTimeout(() => child.kill('SIGKILL'), graceMs)
    force.unref()
    child.once('exit', () => clearTimeout(force))
    if (child.connected) child.disconnect()
    else child.kill('SIGKILL')
  })
}
