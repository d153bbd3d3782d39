/** Names of Kubernetes objects, once. */
export const KEYS_SECRET = 'serantau-keys'
export const CA_BUNDLE = 'serantau-ca-bundle'
export const GATEWAY = 'gateway'
/** Lease through which the gateways scale models. */
export const SCALING_LEASE = 'gateway-scaling'

/** Release, Deployment and Service of a base model: ids may hold dots, Service names may not. */
export const modelRelease = (modelId: string): string => `model-${modelId.replaceAll('.', '-')}`
export const weightsClaim = (modelId: string): string => `weights-${modelId.replaceAll('.', '-')}`

export const API_PORT = 8080
export const TLS_PORT = 8443
