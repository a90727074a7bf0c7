/** FETCH that asks for the same octets over and over (P7; RFC 9051 §6.4.5). */

import { test } from 'node:test'
import { transcript } from 'mailwright/testing'
import { mail, world } from '../imap/world.ts'

const LOGIN = `
  S: * OK *
  C: a1 LOGIN ann secret
  S: a1 OK *
  C: a2 SELECT INBOX
  S: ...
  S: a2 OK *
`

test('an item that is asked for a hundred times is told once, and two thousand and one items are too many (RFC 9051 §6.4.5)', () =>
  transcript(
    world({ messages: [mail('one')] }),
    `${LOGIN}
  C: a3 FETCH 1 (${'BODY.PEEK[TEXT] body.peek[text] '.repeat(50).trimEnd()})
  S: * 1 FETCH (BODY[TEXT] {7}
  S: Hello
  S: )
  S: a3 OK *
  C: a4 FETCH 1 (${'BODY.PEEK[TEXT]<0.2> BODY.PEEK[TEXT]<1.2> '.repeat(50).trimEnd()})
  S: * 1 FETCH (BODY[TEXT]<0> {2}
  S: He BODY[TEXT]<1> {2}
  S: el)
  S: a4 OK *
  C: a5 FETCH 1 (${'UID '.repeat(2001).trimEnd()})
  S: a5 BAD *
`,
  ))
