import { stringAt, type JsonObject } from '../property-value.ts'
import { READY, waiting, type Readiness } from './readiness.ts'

/** Ready once bound; a class that binds at the first pod is not waited for. */
export function judgeClaim(claim: JsonObject, storageClass: JsonObject | undefined): Readiness {
  const phase = stringAt(claim, 'status', 'phase')
  if (phase === 'Bound') return READY
  if (storageClass && stringAt(storageClass, 'volumeBindingMode') === 'WaitForFirstConsumer') {
    return READY
  }
  return waiting(`waiting for a volume: ${phase ?? 'Pending'}`, [
    `the claim is ${phase ?? 'Pending'}, not bound to a volume`,
  ])
}

export function judgeVolume(volume: JsonObject): Readiness {
  const phase = stringAt(volume, 'status', 'phase') ?? 'Pending'
  return phase === 'Available' || phase === 'Bound'
    ? READY
    : waiting(`waiting for the volume: ${phase}`, [`the volume is ${phase}`])
}
