import { UnreachableError, type ApiClient } from './api-client.ts'
import type { EngineLog } from './engine-log.ts'
import type { ProviderConfig } from './provider-config.ts'

/** What one configured provider works with. */
export interface Session {
  config: ProviderConfig
  log: EngineLog
  /** Namespace of objects that name none. */
  namespace: string
  /** Absent: only renders, nothing is contacted. */
  client?: ApiClient
  /** Aborted when the engine cancels the deployment. */
  signal: AbortSignal
  /** A preview found the cluster away: said once, then not asked again. */
  away: boolean
}

/** Runs a question that a preview can do without; undefined: the cluster is away. */
export async function askInPreview<T>(
  session: Session,
  question: (client: ApiClient) => Promise<T>,
): Promise<T | undefined> {
  if (!session.client || session.away) return undefined
  try {
    return await question(session.client)
  } catch (error) {
    if (!(error instanceof UnreachableError)) throw error
    if (!session.away) {
      session.away = true
      await session.log.log('warning', `${error.message}; the preview shows what would be rendered`)
    }
    return undefined
  }
}

export function clientOf(session: Session): ApiClient {
  if (session.client) return session.client
  throw new Error('only a preview is possible: the provider was told to contact no cluster')
}
