/** Tests that look for text: in the summary where it has the field, else in the message. RFC 9051 §6.4.4. */

import { utf8Bytes } from '../../bytes/ascii.ts'
import type { SummaryField } from '../../mime/index.ts'
import type { Answer, Candidate, Test } from './candidate.ts'
import { finderOf, type Finder } from './finder.ts'

const SUMMARY_FIELDS: readonly SummaryField[] = ['subject', 'from', 'to', 'cc', 'bcc', 'message-id', 'in-reply-to', 'references']

/** BODY and TEXT. `needle` is folded. */
export function textTest(place: 'BODY' | 'TEXT', needle: string): Test {
  const has = finderOf(needle)
  return place === 'BODY' ? candidate => bodyHas(candidate, has) : candidate => textHas(candidate, has)
}

/** Whether a summary is enough to look for such a text in such a field. An empty field and none at all look the same there. */
export function summaryTells(name: string, needle: string): boolean {
  return needle !== '' && SUMMARY_FIELDS.some(known => known === name)
}

/** HEADER, and BCC, CC, FROM, SUBJECT, TO. `needle` is folded. RFC 9051 §6.4.4: with an empty text, any message that has the field at all. */
export function headerTest(name: string, needle: string): Test {
  const field = SUMMARY_FIELDS.find(known => known === name)
  if (field !== undefined && needle !== '') {
    const octets = utf8Bytes(needle)
    return ({ summary }) => summary?.fieldHas(field, octets)
  }
  const has = finderOf(needle)
  return ({ text }) => text?.fields.some(each => each.name === name && has(each.value))
}

function bodyHas({ text }: Candidate, has: Finder): Answer {
  return text?.body?.some(part => has(part))
}

function textHas(candidate: Candidate, has: Finder): Answer {
  const { text } = candidate
  if (text === undefined) return undefined
  return text.fields.some(({ name, value }) => has(`${name}: ${value}`)) || bodyHas(candidate, has)
}
