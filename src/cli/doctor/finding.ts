/** What the doctor says of one thing. */

/** How bad it is: nothing to say; good to know; should be mended; mail is lost, refused or unsafe until it is mended. */
export type Level = 'ok' | 'note' | 'warning' | 'fault'

/** One thing that was looked at. */
export interface Finding {
  /** Stable, for scripts: `mx`, `spf` ... */
  readonly check: string
  readonly level: Level
  /** What was looked at, in a few words. */
  readonly looked: string
  /** What was found, in a sentence. */
  readonly found: string
  /** What to do about it. */
  readonly todo?: string
  /** Lines of a zone file to publish. */
  readonly publish?: readonly string[]
  /** It could not be looked at, so nothing is known. */
  readonly unchecked?: true
}

/** What was learned, or why nothing was. */
export type Known<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly why: string }

/** Finds something out; a failure becomes a reason. */
export async function known<T>(find: () => Promise<T>): Promise<Known<T>> {
  try {
    return { ok: true, value: await find() }
  } catch (error) {
    return { ok: false, why: error instanceof Error ? error.message : String(error) }
  }
}

/** A thing that could not be looked at. */
export function unchecked(check: string, looked: string, why: string): Finding {
  return { check, level: 'note', looked, found: `could not be checked: ${why}`, unchecked: true }
}
