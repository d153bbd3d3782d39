/** Where a server is in its life; `/health/ready` and the routes read it. */
export interface Lifecycle {
  draining: boolean
}
