/** What the rest of the program needs to know of a cluster, whatever its kind. */
export interface ClusterTarget {
  /** Path of the kubeconfig; absent: the usual places. */
  kubeconfig?: string
  context: string
  /** Local only: the same cluster after a restart, whatever its addresses. */
  identifier?: string
  /** Server image by digest. */
  image: string
  /** Local only: the address that the gateway Service asks for, so that the endpoint never moves. */
  gatewayServiceIp?: string
  /** Local only: this machine as pods see it, allowed to call the gateway. */
  hostCidr?: string
  /** Local only: the API server, whatever its Service's address. */
  apiServerCidr?: string
  /** Local only: folder of verified weights on the node. */
  weightsFolder?: string
}
