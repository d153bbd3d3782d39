import { KubeConfig } from '@kubernetes/client-node'
import type { ClusterTarget } from './target.ts'

/** Credentials of exactly the context that the stack file names. */
export function kubeConfigOf({
  kubeconfig,
  context,
}: Pick<ClusterTarget, 'kubeconfig' | 'context'>): KubeConfig {
  const config = new KubeConfig()
  if (kubeconfig) config.loadFromFile(kubeconfig)
  else config.loadFromDefault()
  config.setCurrentContext(context)
  return config
}
