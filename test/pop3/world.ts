/** A world for POP3 transcripts: Ann, her inbox, and an engine before it. */
import type { Authenticator, Directory, MailAccount, MailStore, Mailbox, Middleware, Uid } from 'mailwright/contracts'
import { memoryDirectory } from 'mailwright/directories/memory'
import { pop3Engine } from 'mailwright/pop3'
import type { Pop3Options } from 'mailwright/pop3'
import { memoryStore } from 'mailwright/stores/memory'
import { FAKE_TLS, testHost } from 'mailwright/testing'
import type { TestHost, TranscriptSubject } from 'mailwright/testing'

/** What can be different in a world. */
export interface WorldOptions {
  readonly messages?: readonly string[]
  readonly pop3?: Pop3Options
  readonly middleware?: readonly Middleware[]
  readonly directory?: Directory & Authenticator
  /** Puts something between the host and its store. */
  readonly wrapStore?: (store: MailStore) => MailStore
  /** Connections are not encrypted at first. */
  readonly clear?: boolean
  readonly remote?: string
  readonly canStartTls?: boolean
  readonly errorsExpected?: boolean
  readonly steps?: (world: World) => Readonly<Record<string, () => unknown>>
}

/** A world, ready for a transcript. */
export interface World extends TranscriptSubject {
  readonly test: TestHost
  readonly inbox: Mailbox
}

/** Makes a world, under TLS unless told otherwise. */
export async function makeWorld(options: WorldOptions = {}): Promise<World> {
  const directory =
    options.directory ??
    memoryDirectory({
      accounts: { 'ann@example.org': 'correct horse', 'ben@example.org': 'correct horse' },
      hashCost: { memory: 8, passes: 1 },
    })
  const store = memoryStore({ firstUidValidity: 7 })
  const test = testHost({
    hostname: 'mx.example.org',
    directory,
    store: options.wrapStore?.(store) ?? store,
    ...(options.middleware === undefined ? {} : { middleware: options.middleware }),
  })
  const { inbox } = await inboxOf({ ...test, store })
  if ((options.messages ?? []).length > 0) await append(inbox, ...(options.messages ?? []))
  const world: World = {
    test,
    inbox,
    host: test.host,
    errors: test.errors,
    engine: pop3Engine(test.host, options.pop3),
    ...(options.clear === true ? {} : { tls: FAKE_TLS }),
    ...(options.remote === undefined ? {} : { remote: { address: options.remote } }),
    ...(options.canStartTls === undefined ? {} : { canStartTls: options.canStartTls }),
    ...(options.errorsExpected === undefined ? {} : { errorsExpected: options.errorsExpected }),
  }
  return { ...world, ...(options.steps === undefined ? {} : { steps: options.steps(world) }) }
}

/** A maker of worlds, one for each replay. */
export function world(options: WorldOptions = {}): () => Promise<World> {
  return () => makeWorld(options)
}

/** Ann's mail. */
export async function inboxOf(
  test: Pick<TestHost, 'directory' | 'store'>,
): Promise<{ readonly account: MailAccount; readonly inbox: Mailbox }> {
  const resolution = await test.directory.resolve({ local: 'ann', domain: 'example.org' })
  if (resolution.kind !== 'account') throw new Error('Ann has no account')
  const account = await test.store.open(resolution.account.id)
  const info = (await account.mailboxes()).find(({ name }) => name === 'INBOX')
  return { account, inbox: account.mailbox(info?.id ?? '') }
}

/** Puts messages into a mailbox. */
export async function append(inbox: Mailbox, ...messages: readonly string[]): Promise<readonly Uid[]> {
  const { uids } = await inbox.append(
    messages.map(message => {
      const octets = new TextEncoder().encode(message)
      return {
        content: { size: octets.length, read: (start: number, end: number) => octets.subarray(start, end) },
        summary: new Uint8Array(0),
        flags: [],
        internalDate: 1_700_000_000_000,
      }
    }),
  )
  return uids
}

/** A message of exactly `size` octets: one header field, an empty line, one line of text. */
export function mailOf(size: number): string {
  const start = 'Subject: hello\r\n\r\n'
  return `${start}${'x'.repeat(size - start.length - 2)}\r\n`
}

/** A message of these lines. */
export function lines(...text: readonly string[]): string {
  return text.map(line => `${line}\r\n`).join('')
}

/** Base64 of a text in UTF-8. */
export function base64(text: string): string {
  return Buffer.from(text).toString('base64')
}

/** The lines with which Ann logs in. */
export const LOGIN = `
  S: +OK mx.example.org POP3 server ready
  C: USER ann@example.org
  S: +OK Now the password
  C: PASS correct horse
  S: +OK The maildrop has *
`
