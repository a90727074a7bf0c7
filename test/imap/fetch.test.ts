import { test } from 'node:test'
import { MailError, type MailStore } from 'mailwright/contracts'
import { transcript } from 'mailwright/testing'
import { lines, mail, world, wrapRecords } from './world.ts'

const SELECT = `
  S: * OK *
  C: a1 LOGIN ann secret
  S: a1 OK *
  C: a2 SELECT INBOX
  S: ...
  S: a2 OK *
`

const parts = lines(
  'From: Bob <bob@example.org>',
  'To: ann@example.org',
  'Subject: parts',
  'Date: Thu, 1 Jan 2026 12:00:00 +0000',
  'Message-ID: <1@example.org>',
  'MIME-Version: 1.0',
  'Content-Type: multipart/mixed; boundary=x',
  '',
  'preamble',
  '--x',
  'Content-Type: text/plain; charset=utf-8',
  'Content-Transfer-Encoding: base64',
  '',
  'SGVsbG8sIHdvcmxk',
  '--x',
  'Content-Type: message/rfc822',
  '',
  'Subject: inner',
  'From: carl@example.org',
  '',
  'inner text',
  '--x--',
)

test('FETCH of ENVELOPE, BODY and BODYSTRUCTURE (RFC 9051 §7.5.2)', () =>
  transcript(
    world({ messages: [parts] }),
    `${SELECT}
  C: a3 FETCH 1 (ENVELOPE)
  S: * 1 FETCH (ENVELOPE ("Thu, 1 Jan 2026 12:00:00 +0000" "parts" (("Bob" NIL "bob" "example.org")) (("Bob" NIL "bob" "example.org")) (("Bob" NIL "bob" "example.org")) ((NIL NIL "ann" "example.org")) NIL NIL NIL "<1@example.org>"))
  S: a3 OK *
  C: a4 FETCH 1 BODY
  S: * 1 FETCH (BODY (("text" "plain" ("charset" "utf-8") NIL NIL "base64" 16 *)("message" "rfc822" *) "mixed"))
  S: a4 OK *
  C: a5 FETCH 1 BODYSTRUCTURE
  S: * 1 FETCH (BODYSTRUCTURE (("text" "plain" *)("message" "rfc822" *) "mixed" ("boundary" "x") NIL NIL NIL))
  S: a5 OK *
`,
  ))

test('FETCH of sections: parts, their MIME headers, the message within (RFC 9051 §6.4.5.1)', () =>
  transcript(
    world({ messages: [parts] }),
    `${SELECT}
  C: a3 FETCH 1 (BODY.PEEK[1] BODY.PEEK[1.MIME] BODY.PEEK[2.HEADER] BODY.PEEK[2.TEXT] BODY.PEEK[2.1] BODY.PEEK[3])
  S: * 1 FETCH (BODY[1] {16}
  S: SGVsbG8sIHdvcmxk BODY[1.MIME] {*}
  S: Content-Type: text/plain; charset=utf-8
  S: Content-Transfer-Encoding: base64
  S:
  S:  BODY[2.HEADER] {42}
  S: Subject: inner
  S: From: carl@example.org
  S:
  S:  BODY[2.TEXT] {10}
  S: inner text BODY[2.1] {10}
  S: inner text BODY[3] NIL)
  S: a3 OK *
`,
  ))

test('FETCH of BINARY decodes, BINARY.SIZE counts what was decoded (RFC 9051 §6.4.5; RFC 3516 §4)', () =>
  transcript(
    world({ messages: [parts] }),
    `${SELECT}
  C: a3 FETCH 1 (BINARY.PEEK[1] BINARY.SIZE[1] BINARY.PEEK[1]<7.3>)
  S: * 1 FETCH (BINARY[1] {12}
  S: Hello, world BINARY.SIZE[1] 12 BINARY[1]<7> {3}
  S: wor)
  S: a3 OK *
`,
  ))

test('FETCH of BODY[] sets \\Seen and tells it, BODY.PEEK[] does not (RFC 9051 §6.4.5)', () =>
  transcript(
    world({ messages: [mail('one', 'x')] }),
    `${SELECT}
  C: a3 FETCH 1 BODY.PEEK[TEXT]
  S: * 1 FETCH (BODY[TEXT] {3}
  S: x
  S: )
  S: a3 OK *
  C: a4 FETCH 1 BODY[TEXT]<0.1>
  S: * 1 FETCH (FLAGS (\\Seen) BODY[TEXT]<0> {1}
  S: x)
  S: a4 OK *
  C: a5 FETCH 1 (BODY[TEXT]<9.1> FLAGS)
  S: * 1 FETCH (FLAGS (\\Seen) BODY[TEXT]<9> {0}
  S: )
  S: a5 OK *
  C: a6 EXAMINE INBOX
  S: ...
  S: a6 OK [READ-ONLY] *
`,
  ))

/** A store whose messages can be copied; the second is damaged, the third gone. */
function copying(store: MailStore): MailStore {
  return wrapRecords(store, record => {
    const { source } = record
    if (source === undefined) return record
    const copyTo = (target: Uint8Array, at: number): void => {
      if (record.uid === 2) throw new MailError('corrupt', 'not what was written')
      if (record.uid === 3) throw new MailError('no-such-message', 'gone')
      target.set(source.read(0, source.size) as Uint8Array, at)
    }
    return { ...record, source: { size: source.size, read: (start, end) => source.read(start, end), copyTo } }
  })
}

test('whole messages are copied from the store; what is damaged or gone is left out (RFC 9051 §6.4.5)', () =>
  transcript(
    world({
      messages: ['one', 'two', 'three', 'four'].map(subject => lines(`Subject: ${subject}`, '', 'x')),
      wrapStore: copying,
      errorsExpected: true,
    }),
    `${SELECT}
  C: a3 FETCH 1:4 (UID BODY.PEEK[])
  S: * 1 FETCH (UID 1 BODY[] {19}
  S: Subject: one
  S:
  S: x
  S: )
  S: * 4 FETCH (UID 4 BODY[] {20}
  S: Subject: four
  S:
  S: x
  S: )
  S: a3 NO *
  C: a4 FETCH 4 (BODY[])
  S: * 4 FETCH (FLAGS (\\Seen) BODY[] {20}
  S: Subject: four
  S:
  S: x
  S: )
  S: a4 OK *
  C: a5 FETCH 1 (BINARY.PEEK[] BODY.PEEK[HEADER])
  S: * 1 FETCH (BINARY[] {19}
  S: Subject: one
  S:
  S: x
  S:  BODY[HEADER] {16}
  S: Subject: one
  S:
  S: )
  S: a5 OK *
`,
  ))
