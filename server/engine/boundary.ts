declare const brand: unique symbol

/** What keys and values never cross. Only the functions below make one. */
export type Boundary = string & { readonly [brand]: 'Boundary' }

export interface BoundaryParts {
  tenant: string
  modelDigest: string
  /** `none` without an adapter. */
  adapterDigest: string
}

/** JSON quotes what a name could contain, so no two triples share a boundary, whatever they spell. */
export function boundaryOf({ tenant, modelDigest, adapterDigest }: BoundaryParts): Boundary {
  return JSON.stringify(['tenant', tenant, modelDigest, adapterDigest]) as Boundary
}

/**
 * Of the prompts that the operator lists for everybody: their text is no tenant's. Nothing else may
 * be held under it. No tenant's boundary can equal it: it has one part less.
 */
export function systemBoundaryOf(parts: Omit<BoundaryParts, 'tenant'>): Boundary {
  return JSON.stringify(['system', parts.modelDigest, parts.adapterDigest]) as Boundary
}

/** Of the listed prompts that a request of `boundary` may begin with. */
export function systemBoundaryBeside(boundary: Boundary): Boundary {
  const [modelDigest, adapterDigest] = (JSON.parse(boundary) as string[]).slice(-2)
  return systemBoundaryOf({
    modelDigest: modelDigest ?? '',
    adapterDigest: adapterDigest ?? '',
  })
}
