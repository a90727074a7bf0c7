/** Whose addresses a login may send under, in the envelope and in the header alike. RFC 6409 §6.1, §6.3. */

import type { Directory, MailAddress, Principal } from '../contracts/directory.ts'
import { printedAddress } from './addresses.ts'
import { resolveRecipient } from './recipients.ts'

/**
 * Whether a login may name this address as an author, though it is none of its own. Asked for each address in `From` and `Sender` that is
 * not; what it allows is signed for, too.
 */
export type AuthorRight = (principal: Principal, author: MailAddress) => boolean | Promise<boolean>

/** How mail is taken from those who log in. */
export interface SubmissionOptions {
  /**
   * Whom a submitted message may name in `From` and `Sender`. `own` (default): the addresses that lead to the account of the login and to
   * nobody else, aliases and detail (`ann+lists@`) included, and those of {@link Principal.senders}. A function allows others beside these.
   * `any`: the header is not looked at, as befits a server behind that passes on what others wrote; then mail whose author is not the
   * login's own is not signed with the author's domain. The envelope sender is always held to `own`.
   */
  readonly authors?: 'own' | 'any' | AuthorRight
}

/** An address, or a whole domain. */
function covers(allowed: string, sender: MailAddress): boolean {
  const wanted = allowed.toLowerCase()
  return wanted === `@${sender.domain}` || wanted === printedAddress(sender).toLowerCase()
}

/**
 * Whether the address is the login's own: one of its `senders`, or an address that leads to its account and to nobody else. A member of a
 * group is not the group. Throws what the directory throws.
 */
export async function isOwnAddress(
  directory: Directory,
  principal: Principal,
  address: MailAddress,
  options: { readonly signal: AbortSignal },
): Promise<boolean> {
  if (principal.senders?.some(allowed => covers(allowed, address)) === true) return true
  const { targets, remotes } = await resolveRecipient(directory, address, options)
  return targets.length === 1 && remotes.length === 0 && targets[0]?.account.id === principal.account.id
}
