import { KitError } from '../../catalog/errors.ts'
import type { Provisioner } from './provisioner.ts'

export const eks: Provisioner<'eks'> = ({ pool }) =>
  Promise.reject(
    new KitError('STACK_FILE_INVALID', {
      path: `serantau:nodePools "${pool.name}".provisioner`,
      expected: 'existing, karpenter or cluster-api',
      got: 'eks, which this release does not have',
      fix: 'make the node group in the cloud, and name its nodes by kind existing',
    }),
  )
