import * as pulumi from '@pulumi/pulumi'
import { parseStackFile, type StackFile } from '../catalog/index.ts'

const NAMESPACE = 'serantau:'

/** Keys whose values are text even when they look like JSON. */
const TEXT_KEYS = new Set([
  'provider',
  'namespace',
  'image',
  'storageClass',
  'caBundle',
  'priorityClass',
])

/** The only reader of `pulumi.Config`: every `serantau:` key of the stack file, parsed once. */
export function readStackFile(): StackFile {
  return parseStackFile(stackKeys(pulumi.runtime.allConfig()))
}

/** Pulumi hands structured values over as JSON text. */
export function stackKeys(config: Readonly<Record<string, string>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(config)
      .filter(([name]) => name.startsWith(NAMESPACE))
      .map(([name, text]) => {
        const key = name.slice(NAMESPACE.length)
        return [key, TEXT_KEYS.has(key) ? text : parseValue(text)]
      }),
  )
}

function parseValue(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
