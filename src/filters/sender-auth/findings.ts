/** Everything that was found out about who sent a message. RFC 8601 §2.7. */

import type { SpfOutcome } from '../../spf/index.ts'
import type { ArcResult } from './arc-trust.ts'
import type { Author } from './author.ts'
import type { BimiRecord } from './bimi.ts'
import type { DmarcResult } from './dmarc.ts'
import type { IprevResult } from './iprev.ts'
import type { CheckedSignature } from './signatures.ts'

/** The findings about one message. */
export interface Findings {
  readonly author: Author
  readonly spf: SpfOutcome
  /** At most ten, the author's own first. */
  readonly signatures: readonly CheckedSignature[]
  /** How many the message has. */
  readonly signatureCount: number
  readonly dmarc: DmarcResult
  readonly arc: ArcResult
  readonly iprev: (IprevResult & { readonly address: string }) | undefined
  readonly bimi: BimiRecord | undefined
  /** Questions that were asked of DNS. */
  readonly questions: number
}
