import { z } from 'zod'

const FACTORS: Readonly<Record<string, number>> = {
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
}

/** Memory or storage as Kubernetes writes it, in whole binary units. */
export const QuantitySchema = z
  .string()
  .regex(/^[1-9][0-9]*(Ki|Mi|Gi|Ti)$/, 'a quantity such as 512Mi or 2Gi')

/** Bytes of what `QuantitySchema` accepts. */
export const bytesOf = (quantity: string): number =>
  Number(quantity.slice(0, -2)) * (FACTORS[quantity.slice(-2)] ?? 1)
