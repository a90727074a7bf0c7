/** What a client asks to be told of its message's way: RET and ENVID of MAIL, NOTIFY and ORCPT of RCPT. RFC 3461 §4; RFC 6533 §3. */

import type { NotifyCondition, RecipientParameters, Transaction } from '../contracts/index.ts'

/** RFC 3461 §4: xtext. */
const XTEXT = /^(?:[\u0021-\u002a\u002c-\u003c\u003e-\u007e]|\+[0-9A-F]{2})+$/
/** RFC 6533 §3: `utf-8-enc-addr`, in its three forms. */
const UTF8_ADDRESS = /^(?:[\u0021-\u002a\u002c-\u003c\u003e-\u005b\u005d-\u007e\u00a0-\u{10ffff}]|\\x\{[0-9A-F]{2,6}\})+$/u
const NOTIFY = /^(?:NEVER|(?:SUCCESS|FAILURE|DELAY)(?:,(?:SUCCESS|FAILURE|DELAY)){0,2})$/
const ADDRESS_TYPE = /^[\w-]{1,64}$/
/** RFC 3461 §4.4 and §4.2: before encoding, printable US-ASCII. The address type of RFC 6533 has more letters, but no controls either. */
const PRINTABLE = /^[\u0020-\u007e]+$/
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/
/** RFC 3461 §5.4. */
const MAX_ENVELOPE_ID = 100
const MAX_ORIGINAL_RECIPIENT = 500

type Value = string | true | undefined

/** How values came: as on the wire, or with xtext decoded already, as the `smtp-server` package gives them. */
export type Coding = 'xtext' | 'decoded'

/** Whether a value is xtext. RFC 3461 §4. */
export function isXtext(value: Value): boolean {
  return typeof value === 'string' && XTEXT.test(value)
}

/** The text a value stands for; `undefined` when it is no xtext, or stands for what may not be printed. */
function decoded(value: string, coding: Coding): string | undefined {
  if (coding === 'decoded') return PRINTABLE.test(value) ? value : undefined
  if (!XTEXT.test(value)) return undefined
  const text = value.replace(/\+([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
  return PRINTABLE.test(text) ? text : undefined
}

function utf8Decoded(value: string): string | undefined {
  if (!UTF8_ADDRESS.test(value)) return undefined
  let isSane = true
  const text = value.replace(/\\x\{([0-9A-F]+)\}/g, (_, hex: string) => {
    const point = Number.parseInt(hex, 16)
    const isScalar = point <= 0x10_ffff && (point < 0xd800 || point > 0xdfff)
    isSane &&= isScalar
    return isScalar ? String.fromCodePoint(point) : ''
  })
  return isSane && !CONTROL.test(text) ? text : undefined
}

/** RET and ENVID of a MAIL command; `undefined` for a syntax error. */
export function mailWishes(ret: Value, envid: Value, coding: Coding): Pick<Transaction, 'ret' | 'envelopeId'> | undefined {
  const what = typeof ret === 'string' ? ret.toUpperCase() : ret
  if (what !== undefined && what !== 'FULL' && what !== 'HDRS') return undefined
  if (envid === undefined) return what === undefined ? {} : { ret: what }
  const envelopeId = typeof envid === 'string' && envid.length <= MAX_ENVELOPE_ID ? decoded(envid, coding) : undefined
  if (envelopeId === undefined) return undefined
  return what === undefined ? { envelopeId } : { ret: what, envelopeId }
}

/** NOTIFY and ORCPT of a RCPT command; `undefined` for a syntax error. */
export function recipientWishes(notify: Value, orcpt: Value, coding: Coding): RecipientParameters | undefined {
  const wishes: { notify?: readonly NotifyCondition[]; originalRecipient?: string } = {}
  if (notify !== undefined) {
    const list = notify === true ? '' : notify.toUpperCase()
    if (!NOTIFY.test(list)) return undefined
    wishes.notify = [...new Set(list.split(','))] as NotifyCondition[]
  }
  if (orcpt !== undefined) {
    const original = orcpt === true ? undefined : originalRecipient(orcpt, coding)
    if (original === undefined) return undefined
    wishes.originalRecipient = original
  }
  return wishes
}

function originalRecipient(orcpt: string, coding: Coding): string | undefined {
  const semicolon = orcpt.indexOf(';')
  if (semicolon < 0 || orcpt.length > MAX_ORIGINAL_RECIPIENT) return undefined
  const type = orcpt.slice(0, semicolon)
  const address = orcpt.slice(semicolon + 1)
  const original = type.toLowerCase() === 'utf-8' ? utf8Decoded(address) : decoded(address, coding)
  return original === undefined || !ADDRESS_TYPE.test(type) ? undefined : `${type.toLowerCase()};${original}`
}
