/** FETCH and SEARCH over many messages read summaries page by page; what they say is what is said of one message. */

import { test } from 'node:test'
import { transcript } from 'mailwright/testing'
import type { MailStore } from 'mailwright/contracts'
import { mail, world, wrapRecords } from './world.ts'

const SELECT = `
  S: * OK *
  C: a1 LOGIN ann secret
  S: a1 OK *
  C: a2 SELECT INBOX
  S: ...
  S: a2 OK *
`

const many = Array.from({ length: 40 }, (_, n) => mail(`m${n + 1}`))

function told(from: number, to: number, line: (n: number) => string): string {
  return Array.from({ length: to - from + 1 }, (_, n) => `  S: * ${line(from + n)}`).join('\n')
}

function envelope(n: number): string {
  return `ENVELOPE ("Thu, 1 Jan 2026 12:00:00 +0000" "m${n}" (("Bob" NIL "bob" "example.org")) *)`
}

const structure = 'BODYSTRUCTURE ("text" "plain" NIL NIL NIL "7bit" 7 1 NIL NIL NIL NIL)'

test('FETCH of ENVELOPE and BODYSTRUCTURE of all messages, and again (RFC 9051 §7.5.2)', () =>
  transcript(
    world({ messages: many }),
    `${SELECT}
  C: a3 FETCH 1:* (ENVELOPE BODYSTRUCTURE)
${told(1, 40, n => `${n} FETCH (${envelope(n)} ${structure})`)}
  S: a3 OK *
  C: a4 UID FETCH 3:38 (FLAGS BODYSTRUCTURE ENVELOPE)
${told(3, 38, n => `${n} FETCH (UID ${n} FLAGS () ${structure} ${envelope(n)})`)}
  S: a4 OK *
`,
  ))

test('a message that came after the others were fetched is fetched too, and one that went is not (RFC 9051 §6.4.5)', () =>
  transcript(
    world({ messages: many, steps: it => ({ delivery: () => it.append(mail('m41')) }) }),
    `${SELECT}
  C: a3 FETCH 1:* (ENVELOPE)
${told(1, 40, n => `${n} FETCH (${envelope(n)})`)}
  S: a3 OK *
  H: delivery
  C: a4 STORE 2 +FLAGS.SILENT (\\Deleted)
  S: * 41 EXISTS
  S: a4 OK *
  C: a5 EXPUNGE
  S: * 2 EXPUNGE
  S: a5 OK *
  C: a6 FETCH 1:* (UID ENVELOPE)
  S: * 1 FETCH (UID 1 ${envelope(1)})
${told(2, 40, n => `${n} FETCH (UID ${n + 1} ${envelope(n + 1)})`)}
  S: a6 OK *
`,
  ))

test('CHANGEDSINCE leaves out what did not change (RFC 7162 §3.1.4.1)', () =>
  transcript(
    world({ messages: many }),
    `${SELECT}
  C: a3 STORE 5 +FLAGS.SILENT (\\Seen)
  S: a3 OK *
  C: a4 FETCH 1:* (ENVELOPE) (CHANGEDSINCE 41)
  S: * OK [HIGHESTMODSEQ *
  S: * 5 FETCH (MODSEQ (*) ${envelope(5)})
  S: a4 OK *
`,
  ))

/** A store whose summaries are damaged for one message. */
function damaged(store: MailStore, uid: number): MailStore {
  return wrapRecords(store, record =>
    record.uid === uid && record.summary !== undefined ? { ...record, summary: new Uint8Array([9, 9]) } : record,
  )
}

test('a summary that cannot be read is made again from the message', () =>
  transcript(
    world({ messages: many, wrapStore: store => damaged(store, 7) }),
    `${SELECT}
  C: a3 FETCH 1:* (ENVELOPE)
${told(1, 40, n => `${n} FETCH (${envelope(n)})`)}
  S: a3 OK *
  C: a4 SEARCH SUBJECT m7
  S: * SEARCH 7
  S: a4 OK *
`,
  ))

test('SEARCH looks into the summaries of all messages (RFC 9051 §6.4.4)', () =>
  transcript(
    world({ messages: [...many, mail('=?utf-8?Q?Gr=C3=9C=C3=9Fe?= an alle')] }),
    `${SELECT}
  C: a3 SEARCH SUBJECT M4
  S: * SEARCH 4 40
  S: a3 OK *
  C: a4 UID SEARCH NOT SUBJECT m SENTON 1-Jan-2026
  S: * SEARCH 41
  S: a4 OK *
  C: a5 SEARCH CHARSET UTF-8 SUBJECT {7+}
  C: grüße
  S: * SEARCH 41
  S: a5 OK *
  C: a6 SEARCH OR FROM nobody TO ann@example.org 39:*
  S: * SEARCH 39 40 41
  S: a6 OK *
`,
  ))
