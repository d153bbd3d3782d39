import type { CauseKind } from './cause.ts'

/** What clouds and Cluster API's providers say when they make no machine; the first that fits holds. */
export const PROVIDER_WORDS: readonly (readonly [RegExp, CauseKind])[] = [
  [/quota|LimitExceeded|exceeded.*limit|too many (instances|vcpus)/i, 'quota'],
  [
    /unauthori[sz]ed|forbidden|AccessDenied|AuthFailure|InvalidClientToken|ExpiredToken|credential/i,
    'credentials',
  ],
  [
    /Insufficient\w*Capacity|insufficient capacity|ZONE_RESOURCE_POOL_EXHAUSTED|SkuNotAvailable|AllocationFailed|no valid host|out of capacity/i,
    'capacity',
  ],
  [/exceed limits|max(imum)? (node group )?size reached|limit exceeded/i, 'limit'],
  [
    /no instance type|instance type.*(not|un)\s*(available|supported|found)|flavor.*not found/i,
    'instance type',
  ],
  [/NodeClass|node class/i, 'node class'],
]
