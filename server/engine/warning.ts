import type { TemplateWarning } from './chat-tokens.ts'
import type { CostTableWarning } from './cost-table-file.ts'
import type { CpuWarning } from './cpu-quota.ts'
import type { SystemPromptWarning } from './saved-system-prompts.ts'
import type { FolderCause } from './state-folder.ts'
import type { UnusedCause } from './system-prompt-tokens.ts'

/** What the engine goes on without. Goes into the log as it stands: it carries no text of a prompt. */
export type EngineWarning =
  /**
   * The compiled addon is there and is not the one in use; the prebuilt one serves, slower. `refused`:
   * before it was loaded, `detail` says what it was compared with; `not_loaded`: by the system.
   */
  | { event: 'engine_addon_unused'; cause: 'refused' | 'not_loaded'; detail?: string }
  | CpuWarning
  | TemplateWarning
  | { event: 'prefix_cache_off'; cause: FolderCause }
  | SystemPromptWarning
  | CostTableWarning
  /** How many of the listed prompts for each cause. */
  | { event: 'system_prompts_unused'; causes: Partial<Record<UnusedCause, number>> }
