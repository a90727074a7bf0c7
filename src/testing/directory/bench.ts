/** What the cases of the directory's conformance kit work with. */

import type { Authenticator, Directory, DirectoryAdmin, MailAddress, Resolution, Scope } from '../../contracts/index.ts'

/** A directory that can be set up, asked and logged in to. */
export type TestableDirectory = Directory & Authenticator & DirectoryAdmin

/** One promise and how it is proved. */
export interface DirectoryCase {
  /** One sentence. */
  readonly name: string
  readonly run: (directory: TestableDirectory) => Promise<void>
}

/** The address that a text stands for, as an engine hands it over. */
export function address(text: string): MailAddress {
  const at = text.lastIndexOf('@')
  return { local: text.slice(0, at), domain: text.slice(at + 1) }
}

/** What an address stands for, in one line. */
export async function stands(directory: TestableDirectory, text: string): Promise<string> {
  return resolutionText(await directory.resolve(address(text)))
}

function resolutionText(resolution: Resolution): string {
  if (resolution.kind === 'account')
    return `${resolution.account.address}${resolution.detail === undefined ? '' : ` detail ${resolution.detail}`}`
  if (resolution.kind === 'alias') return `alias of ${[...resolution.targets].sort().join(', ')}`
  return resolution.kind
}

/** The main address of whoever logs in like this, or `nobody`. */
export async function loginAs(directory: TestableDirectory, username: string, password: string, scope: Scope = 'imap'): Promise<string> {
  const principal = await directory.verify({ kind: 'password', username, password }, scope)
  return principal === undefined ? 'nobody' : principal.account.address
}

/** The password that the cases give. */
export const PASSWORD = 'correct horse battery'

/** Sets up a domain with accounts of this password. */
export async function populate(directory: TestableDirectory, ...addresses: readonly string[]): Promise<void> {
  for (const text of addresses) {
    await directory.addDomain(address(text).domain)
    await directory.addAccount({ address: text, password: PASSWORD })
  }
}
