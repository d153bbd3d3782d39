/** Gets a call as it is read. */
export interface CallSink {
  begin(name: string): void
  /** More of the arguments' JSON. It stands for all text that was read so far. */
  give(json: string): void
}
