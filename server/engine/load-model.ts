import { KitError } from '../../catalog/errors.ts'
import { readModelFile } from '../../weights/gguf/model-file.ts'
import { factsOf } from '../../weights/gguf/model-facts.ts'
import type { Pooling } from '../../weights/gguf/model-facts.ts'
import { loadBindings } from './bindings.ts'
import { DecodeContext } from './decode-context.ts'
import { EmbeddingContext } from './embedding-context.ts'
import { untouchedBytes } from './memory-limit.ts'
import { DecodeThreads } from './decode-threads.ts'
import { Grammars } from './grammars.ts'
import { GGML_TYPES, type Bindings, type NativeModel, type NativeTemplate } from './native.ts'
import type { ChosenAddon, EngineOptions } from './protocol.ts'
import { Vocabulary } from './vocabulary.ts'

/** Beyond this vocabulary the logits of a batch of 512 take 0.5 GiB and more, if all were asked for. */
const BIG_VOCABULARY = 128_000
const BATCH = 512
const ALL_LAYERS = 100_000
/** Ways of pooling by which a model makes one vector of a text. */
const VECTORS: ReadonlySet<Pooling> = new Set(['mean', 'cls', 'last'])

/** What is loaded of any model. */
interface Loaded {
  /** false: the prebuilt addon was loaded, whatever was chosen. */
  compiled: boolean
  /** Names the native code that was loaded: what it measured or saved is no other's. */
  build: string
  vocabulary: Vocabulary
  /** The model's own chat template; undefined: the file has none. */
  chatTemplate: string | undefined
  /** Throws where it is no template. */
  compileTemplate: (template: string) => NativeTemplate
  /** undefined: an accelerator decodes. */
  threads: DecodeThreads | undefined
  /** Memory that it asked for and will take when answers need it. */
  untouchedBytes: number
  /** The CPU or accelerators that the engine runs on: what was measured or saved is no other's. */
  host: string
}

/** A model that answers. */
export interface LoadedModel extends Loaded {
  kind: 'answers'
  context: DecodeContext
  grammars: Grammars
  /** Of the model, tokens; undefined without one. */
  slidingWindow: number | undefined
}

/** A model that makes vectors of texts. */
export interface LoadedEmbedder extends Loaded {
  kind: 'vectors'
  context: EmbeddingContext
  /** Numbers of a vector. */
  vectorSize: number
}

/** The same for a model that answers; throws KitError for one that does not. */
export async function loadModel(
  options: EngineOptions,
  choosing: ChosenAddon | Promise<ChosenAddon>,
): Promise<LoadedModel> {
  const loaded = await loadFile(options, choosing)
  if (loaded.kind === 'answers') return loaded
  throw notLoaded(options.file, 'a model that makes vectors')
}

/**
 * Checks the file while the addon is chosen yet. `meanwhile` is called when native code reads the weights,
 * which leaves this thread free. Throws KitError: what is wrong with the file, the accelerator or the memory.
 */
export async function loadFile(
  options: EngineOptions,
  choosing: ChosenAddon | Promise<ChosenAddon>,
  meanwhile: () => void = () => undefined,
): Promise<LoadedModel | LoadedEmbedder> {
  // Before native code sees the file: what is wrong with it may end this process where no `catch` can help.
  const facts = factsOf(readModelFile(options.file, options.bytes))
  const addon = await choosing
  const { bindings, host, compiled } = await loadBindings(options, addon)
  const model = new bindings.AddonModel(options.file, {
    addonExports: bindings,
    gpuLayers: options.gpu ? ALL_LAYERS : 0,
    useMmap: true,
  })
  const initialised = model.init()
  meanwhile()
  if (!(await initialised)) throw notLoaded(options.file, 'a file that the engine refused')
  const before = untouchedBytes()
  const threads = options.gpu ? undefined : new DecodeThreads({ most: options.threads })
  const isEmbedder = facts.pooling !== undefined && VECTORS.has(facts.pooling)
  const context = isEmbedder
    ? await createEmbeddingContext(bindings, model, options, threads)
    : await createContext(bindings, model, options, facts.vocabularySize, threads)
  const loaded = {
    compiled,
    build: compiled || !addon.compiled ? addon.key : `in place of ${addon.key}`,
    vocabulary: new Vocabulary(model, facts.vocabularySize),
    chatTemplate: facts.chatTemplate,
    compileTemplate: (text: string) => new bindings.AddonJinjaRenderer(text),
    threads,
    untouchedBytes: Math.max(0, untouchedBytes() - before),
    host,
  }
  if (context instanceof EmbeddingContext) {
    return { ...loaded, kind: 'vectors', context, vectorSize: model.getEmbeddingVectorSize() }
  }
  const grammars = new Grammars(bindings, model)
  return { ...loaded, kind: 'answers', context, grammars, slidingWindow: facts.slidingWindow }
}

/** The whole prompt is one batch: an encoder looks both ways. */
async function createEmbeddingContext(
  bindings: Bindings,
  model: NativeModel,
  { contextSize, threads, file }: EngineOptions,
  decodeThreads: DecodeThreads | undefined,
): Promise<EmbeddingContext> {
  const native = new bindings.AddonContext(model, {
    ...{ contextSize, batchSize: contextSize, sequences: 1, embeddings: true, threads },
    flashAttention: 'auto',
  })
  if (await native.init()) return new EmbeddingContext(native, decodeThreads)
  throw notLoaded(file, `not enough for a prompt of ${contextSize} tokens`)
}

async function createContext(
  bindings: Bindings,
  model: NativeModel,
  { slots, contextSize, cacheType = 'f16', threads, file }: EngineOptions,
  vocabularySize: number,
  decodeThreads: DecodeThreads | undefined,
): Promise<DecodeContext> {
  const compiled = 'sampleTokens' in bindings.AddonContext.prototype
  // A compiled addon bounds the rows of logits; the prebuilt one reserves them for the whole batch.
  const wanted = compiled || vocabularySize <= BIG_VOCABULARY ? BATCH : BATCH / 2
  const batchSize = Math.min(contextSize, wanted)
  const native = new bindings.AddonContext(model, {
    contextSize: slots * contextSize,
    batchSize: Math.max(batchSize, slots),
    outputsMax: slots,
    sequences: slots,
    // What quantizes values needs flash attention, whatever `auto` finds.
    flashAttention: cacheType === 'f16' ? 'auto' : true,
    kvCacheKeyType: GGML_TYPES[cacheType],
    kvCacheValueType: GGML_TYPES[cacheType],
    threads,
    swaFullCache: true,
  })
  if (!(await native.init())) {
    const got = `not enough for ${slots} slots of ${contextSize} tokens`
    throw notLoaded(file, got)
  }
  const sizes = { slots, contextSize, batchSize }
  return new DecodeContext(bindings, model, native, sizes, decodeThreads)
}

const notLoaded = (path: string, got: string) =>
  new KitError('MODEL_NOT_LOADED', {
    path,
    expected: 'a model that this engine runs, and memory for it',
    got,
    fix: 'lower slots or contextSize, raise memory, or choose another file',
  })
