/** A message that SEARCH looks at, as far as it is known by then. RFC 9051 §6.4.4. */

import type { MessageSummary } from '../../mime/index.ts'
import type { MessageText } from './message-text.ts'

/** Whether a key holds; `undefined` as long as more has to be read to tell. */
export type Answer = boolean | undefined

/** One message; the same object is used for one after another. */
export interface Candidate {
  seq: number
  uid: number
  /** Place in the mailbox's state. */
  at: number
  summary: Pick<MessageSummary, 'fieldHas' | 'sentDay'> | undefined
  text: MessageText | undefined
}

/** A key, ready to be asked. */
export type Test = (candidate: Candidate) => Answer
