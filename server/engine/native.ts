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
}

export interface NativeModel {
  init(): Promise<boolean>
  tokenize(text: string, special: boolean): Uint32Array
  detokenize(tokens: Uint32Array, special: boolean): string
  tokenBos(): number
  tokenEos(): number
  getTokenString(token: number): string
  getTokenAttributes(token: number): number
  isEogToken(token: number): boolean
  shouldPrependBosToken(): boolean
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
  /** Only in a compiled addon: server/engine/patches. */
  sampleTokens?(indexes: Uint32Array, samplers: readonly NativeSampler[]): Promise<Int32Array>
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
  topK: number
  seed: number
}

export interface NativeSampler {
  applyConfig(config: SamplerConfig): void
}
