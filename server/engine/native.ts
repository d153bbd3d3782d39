import type { CacheType } from '../../catalog/cache-type.ts'

/** Numbers of ggml (ggml.h) by the names of its types. */
export const GGML_TYPES: Readonly<Record<CacheType, 1 | 2 | 8>> = { f16: 1, q4_0: 2, q8_0: 8 }

/**
 * What the engine uses of node-llama-cpp's addon. Its own classes queue and batch in a way that splits
 * steps (docs/decisions), so the loop drives the addon itself: internal calls, therefore the version is
 * pinned exactly and `self-test.ts` proves at every start that they behave.
 */
export interface Bindings {
  markLoaded(): boolean
  setLoggerLogLevel(level: number): void
  loadBackends(folder?: string): void
  /** undefined: no backend is loaded yet. */
  getGpuType(): string | false | null | undefined
  init(): Promise<void>
  AddonModel: new (path: string, options: Record<string, unknown>) => NativeModel
  AddonContext: new (model: NativeModel, options: Record<string, unknown>) => NativeContext
  AddonSampler: new (model: NativeModel) => NativeSampler
  /** Throws where llama.cpp cannot read it. */
  AddonGrammar: new (grammar: string, options: { addonExports: Bindings }) => NativeGrammar
  /** A state at the grammar's beginning, or a copy of one. */
  AddonGrammarEvaluationState: new (
    ...of: [NativeModel, NativeGrammar] | [NativeGrammarState]
  ) => NativeGrammarState
  AddonJinjaRenderer: new (template: string) => NativeTemplate
}

/** Where an answer is in a grammar. A sampler moves it on. */
export interface NativeGrammarState {
  readonly brand?: 'grammar state'
}

export interface NativeGrammar {
  isTextCompatible(text: string): boolean
}

export interface NativeTemplate {
  /** Throws where the template fails with these variables. */
  render(variables: Readonly<Record<string, unknown>>): string
}

export interface NativeModel {
  init(): Promise<boolean>
  tokenize(text: string, special: boolean): Uint32Array
  detokenize(tokens: Uint32Array, special: boolean): string
  tokenBos(): number
  tokenEos(): number
  getTokenString(token: number): string
  getTokenAttributes(token: number): number
  /** llama.cpp's number of the kind of tokenizer. */
  getVocabularyType(): number
  isEogToken(token: number): boolean
  sepToken(): number
  shouldPrependBosToken(): boolean
  shouldAppendEosToken(): boolean
  getEmbeddingVectorSize(): number
  getTrainContextSize(): number
}

export interface NativeContext {
  init(): Promise<boolean>
  dispose(): Promise<void>
  getContextSize(): number
  setThreads(threads: number): void
  initBatch(tokens: number): void
  /** Returns the indexes in the batch of the tokens that `logits` (indexes in `tokens`) names. */
  addToBatch(slot: number, position: number, tokens: Uint32Array, logits: Uint32Array): Uint32Array
  decodeBatch(): Promise<void>
  sampleToken(index: number, sampler: NativeSampler): Promise<number>
  sampleToken(
    index: number,
    sampler: NativeSampler,
    probabilities: boolean,
    confidence: boolean,
    logits: readonly [number[], boolean, boolean, boolean, number],
  ): Promise<[token: number, unknown, unknown, logits: number[] | undefined]>
  sampleToken(
    index: number,
    sampler: NativeSampler,
    probabilities: boolean,
    confidence: boolean,
    logits: readonly [number[], boolean, boolean, boolean, number],
    totalWeight: boolean,
  ): Promise<[number, unknown, unknown, logits: number[] | undefined, totalWeight: number]>
  /**
   * Only in a compiled addon, as `sampleTokens`. Of each row the logarithm of a token's probability, and
   * of the `top` likeliest ones: three lists, row by row.
   */
  rowLikelihoods?(
    indexes: Uint32Array,
    tokens: Uint32Array,
    top: number,
  ): Promise<[logprobs: Float32Array, topTokens: Uint32Array, topLogprobs: Float32Array]>
  /** Only in a compiled addon: server/engine/patches. */
  sampleTokens?(indexes: Uint32Array, samplers: readonly NativeSampler[]): Promise<Int32Array>
  /** Of the prompt that was decoded last, of so many tokens. */
  getEmbedding(tokens: number): Float64Array
  disposeSequence(slot: number): void
  removeTokenCellsFromSequence(slot: number, from: number, to: number): boolean
  getSequenceKvCacheMaxPosition(slot: number): number
  copySequenceStateFromOtherSequence(target: number, source: number): Promise<number>
  saveSequenceStateToFile(path: string, slot: number, tokens: Uint32Array): Promise<number>
  loadSequenceStateFromFile(path: string, slot: number, most: number): Promise<Uint32Array>
}

export interface SamplerConfig {
  temperature: number
  topP: number
  /** Absent: all tokens. */
  topK?: number
  minP?: number
  seed: number
  /** Present: tokens of the answer so far are made less likely. */
  repeatPenaltyTokens?: Uint32Array
  repeatPenalty?: number
  repeatPenaltyMaxTokens?: number
  repeatPenaltyPresencePenalty?: number
  repeatPenaltyFrequencyPenalty?: number
  tokenBiasKeys?: Uint32Array
  tokenBiasValues?: Float32Array
  grammarEvaluationState?: NativeGrammarState
}

export interface NativeSampler {
  applyConfig(config: SamplerConfig): void
}
