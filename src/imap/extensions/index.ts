/** What is announced, and when: each extension is a row. RFC 9051 §6.1.1, §7.2.2. */

import { offeredMechanisms } from '../../sasl/mechanisms.ts'
import type { Context } from '../context.ts'

/** An extension, or a revision, as CAPABILITY announces it. */
export interface Extension {
  readonly capability: string
  /** The section that defines it. */
  readonly rfc: string
  /** Whether it is announced here and now. Default: always. */
  readonly when?: (context: Context) => boolean
}

const loggedIn = (context: Context): boolean => context.account !== undefined
const beforeLogin = (context: Context): boolean => context.account === undefined

/** All of them, in the order in which they are announced. */
const extensions: readonly Extension[] = [
  // RFC 9051 §A: old clients look for IMAP4rev1, and some look no further.
  { capability: 'IMAP4rev1', rfc: 'RFC 3501 §6.1.1' },
  { capability: 'IMAP4rev2', rfc: 'RFC 9051 §6.1.1' },
  { capability: 'LITERAL+', rfc: 'RFC 7888 §5' },
  { capability: 'ID', rfc: 'RFC 2971 §3' },
  { capability: 'ENABLE', rfc: 'RFC 5161 §3' },
  { capability: 'SASL-IR', rfc: 'RFC 4959 §2', when: beforeLogin },
  { capability: 'STARTTLS', rfc: 'RFC 9051 §6.2.1', when: context => context.account === undefined && context.transport.canStartTls },
  { capability: 'LOGINDISABLED', rfc: 'RFC 9051 §6.2.3', when: context => context.account === undefined && !context.isPrivate },
  { capability: 'IDLE', rfc: 'RFC 2177 §3' },
  { capability: 'NAMESPACE', rfc: 'RFC 2342 §5', when: loggedIn },
  { capability: 'UNSELECT', rfc: 'RFC 3691 §2', when: loggedIn },
  { capability: 'UIDPLUS', rfc: 'RFC 4315 §2', when: loggedIn },
  { capability: 'MOVE', rfc: 'RFC 6851 §3', when: loggedIn },
  { capability: 'CHILDREN', rfc: 'RFC 3348 §3', when: loggedIn },
  { capability: 'LIST-EXTENDED', rfc: 'RFC 5258 §3', when: loggedIn },
  { capability: 'LIST-STATUS', rfc: 'RFC 5819 §2', when: loggedIn },
  { capability: 'SPECIAL-USE', rfc: 'RFC 6154 §2', when: loggedIn },
  { capability: 'CREATE-SPECIAL-USE', rfc: 'RFC 6154 §3', when: loggedIn },
  { capability: 'STATUS=SIZE', rfc: 'RFC 8438 §3', when: loggedIn },
  { capability: 'ESEARCH', rfc: 'RFC 4731 §3', when: loggedIn },
  { capability: 'SEARCHRES', rfc: 'RFC 5182 §2', when: loggedIn },
  { capability: 'BINARY', rfc: 'RFC 3516 §4', when: loggedIn },
  { capability: 'UTF8=ACCEPT', rfc: 'RFC 6855 §3', when: loggedIn },
  { capability: 'CONDSTORE', rfc: 'RFC 7162 §3.1', when: loggedIn },
  { capability: 'QUOTA', rfc: 'RFC 9208 §3', when: hasQuota },
  { capability: 'QUOTA=RES-STORAGE', rfc: 'RFC 9208 §5.1', when: hasQuota },
  { capability: 'QUOTA=RES-MESSAGE', rfc: 'RFC 9208 §5.2', when: hasQuota },
]

function hasQuota({ account }: Context): boolean {
  return account?.usage !== undefined
}

/** The capabilities of this session now, separated by spaces. */
export function capabilities(context: Context): string {
  const names = extensions.filter(({ when }) => when === undefined || when(context)).map(({ capability }) => capability)
  if (context.account === undefined) {
    for (const { name } of offeredMechanisms({ scope: 'imap', secretsAllowed: context.isPrivate })) names.push(`AUTH=${name}`)
  } else names.push(`APPENDLIMIT=${context.house.settings.appendLimit}`)
  return names.join(' ')
}
