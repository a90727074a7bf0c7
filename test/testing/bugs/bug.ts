/** What a sown bug is: one change to the memory store. */

/** A bug to be sown. */
export interface Bug {
  /** What is wrong, as an operator would see it. */
  readonly name: string
  /** File of `src/stores/memory`. */
  readonly file: 'state.ts' | 'memory-account.ts' | 'memory-store.ts'
  /** Text that stands in the file exactly once. */
  readonly line: string
  readonly broken: string
}

/** The files of the memory store. */
export const account = 'memory-account.ts'
export const state = 'state.ts'
export const store = 'memory-store.ts'

/** Lets others have their turn in the middle of a call. */
export const later = 'await new Promise(resolve => setTimeout(resolve, 1))'
