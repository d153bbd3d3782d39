/** How to mend what the engine goes on without. */
import { BUILD_COMMAND } from './addon.ts'
import type { FolderCause } from './state-folder.ts'
import type { EngineWarning } from './warning.ts'

type CauseOf<Warning> = Warning extends { cause: infer Cause extends string }
  ? Cause
  : Warning extends { causes: infer Causes }
    ? keyof Causes & string
    : never

type Fixes = {
  [Event in EngineWarning['event']]: Record<
    CauseOf<Extract<EngineWarning, { event: Event }>>,
    string
  >
}

const MEMORY_VOLUME = 'mount a memory volume (emptyDir with medium: Memory) at prefixCache.folder'
const WRITABLE = 'writable by the user that the server runs as'
const FAILED = 'restart the pod; if it comes back, report it with the lines of the log before it'

const memoryFolder: Record<FolderCause, string> = {
  folder_missing: MEMORY_VOLUME,
  folder_full: 'give the memory volume more room than prefixCache.memory, for this pod alone',
  folder_read_only: `mount the memory volume at prefixCache.folder ${WRITABLE}`,
  not_in_memory: `${MEMORY_VOLUME}: text of users must not reach a disk`,
  not_private: 'give the pod an empty memory volume: others own or may read the folder in this one',
  failed: FAILED,
}

const stateFolder: Record<FolderCause, string> = {
  // Neither memory nor privacy is asked of it: it holds the operator's own text alone.
  ...memoryFolder,
  folder_missing: `mount a volume at state.folder, ${WRITABLE}`,
  folder_full: 'give the volume at state.folder room for all of systemPrompts',
  folder_read_only: `mount the volume at state.folder ${WRITABLE}`,
}

const ANEW =
  'none is needed once, it is made anew; if it comes back, check the disk of state.folder'
const OF_OTHERS =
  'none is needed after an update; at every start: give each model and each kind of node a volume of its own'

const WHOLE_TEMPLATE =
  'choose a file whose tokenizer.chat_template is a whole Jinja template; until then ask by POST /v1/completions'

/** Total by type: a cause without a fix does not compile. */
export const WARNING_FIXES: Fixes = {
  engine_addon_unused: {
    refused: `build it anew on this machine (${BUILD_COMMAND}), or take an image for every CPU (image push)`,
    not_loaded: `install libgomp1, or build it anew on this machine (${BUILD_COMMAND})`,
  },
  cpu_below_one_core: {
    cpu_limit:
      'raise the CPU limit to 1 or more: cpu of the model in the stack file, resources.cpu of the chart',
  },
  chat_template_unusable: {
    not_parsed: WHOLE_TEMPLATE,
    not_rendered: WHOLE_TEMPLATE,
  },
  prefix_cache_off: memoryFolder,
  system_prompt_cache_off: stateFolder,
  system_prompt_states_refused: {
    truncated: ANEW,
    damaged: ANEW,
    unreadable: ANEW,
    incomplete: ANEW,
    renamed: 'none is needed once, it is made anew; let nothing else write to state.folder',
    other_model: OF_OTHERS,
    other_build: OF_OTHERS,
    other_host: OF_OTHERS,
    other_context: OF_OTHERS,
  },
  system_prompts_unused: {
    template_refused: 'take it out of systemPrompts: the model takes no system message',
    too_short: 'write more, or take it out of systemPrompts: there is nothing to win',
    too_long: 'shorten it, or raise contextSize: it leaves no room for a question',
  },
  cost_table_refused: {
    unreadable: ANEW,
    damaged: ANEW,
    other_model: OF_OTHERS,
    other_build: OF_OTHERS,
    other_host: OF_OTHERS,
    other_threads: OF_OTHERS,
    other_slots: OF_OTHERS,
    other_context: OF_OTHERS,
  },
  cost_table_not_saved: stateFolder,
}

/** For a person. Of several causes each has its own. */
export function fixOf(warning: EngineWarning): string {
  const fixes: Record<string, string> = WARNING_FIXES[warning.event]
  if ('cause' in warning) return fixes[warning.cause]!
  return Object.keys(warning.causes)
    .map((cause) => `${cause}: ${fixes[cause]}`)
    .join('; ')
}
