/**
 * Envelope and body structure in the grammar of RFC 9051 §9: the standard's own way of writing the structure of a message
 * down. Text of octets (each character one octet). Strings are quoted, or literals where they hold octets beyond ASCII.
 */

import { parseAddressList, type ListedAddress } from './address-list.ts'
import { fieldOf, holdsMessage, type Entity } from './entity.ts'
import type { LatinField } from './header.ts'
import { parseParameterised, type ParameterisedValue } from './media-type.ts'

/** No single string is longer than this in an envelope or structure. */
const LONGEST_STRING = 16_384

/** What stands between quotes as it is. */
const PLAIN = /^[ !#-[\]-~]*$/

/** RFC 9051 §9, `nstring`. */
function nstring(text: string | undefined): string {
  return text === undefined ? 'NIL' : string(text)
}

/** RFC 9051 §9, `string`. */
function string(text: string): string {
  if (text.length <= LONGEST_STRING && PLAIN.test(text)) return `"${text}"`
  const short = text.length > LONGEST_STRING ? text.slice(0, LONGEST_STRING) : text
  // What control characters there may be was unfolded away; those left are not for quoted strings.
  const clean = short.replace(/[\0\r\n]/g, '')
  if (/[^\u0001-\u007f]/.test(clean)) return `{${clean.length}}\r\n${clean}`
  return `"${clean.replace(/["\\]/g, '\\$&')}"`
}

/** RFC 9051 §9, `envelope`: date, subject, from, sender, reply-to, to, cc, bcc, in-reply-to, message-id. */
export function envelopeForm(fields: readonly LatinField[]): string {
  const from = addressesForm(fields, 'from')
  // RFC 9051 §7.5.2: "the server MUST set the field's envelope data to the From" where Sender or Reply-To are absent or empty.
  const orFrom = (name: string): string => {
    const own = addressesForm(fields, name)
    return own === 'NIL' ? from : own
  }
  const parts = [
    nstring(fieldOf(fields, 'date')),
    nstring(fieldOf(fields, 'subject')),
    from,
    orFrom('sender'),
    orFrom('reply-to'),
    addressesForm(fields, 'to'),
    addressesForm(fields, 'cc'),
    addressesForm(fields, 'bcc'),
    nstring(fieldOf(fields, 'in-reply-to')),
    nstring(fieldOf(fields, 'message-id')),
  ]
  return `(${parts.join(' ')})`
}

function addressesForm(fields: readonly LatinField[], name: string): string {
  const texts = fields.filter(field => field.name === name).map(field => field.value)
  if (texts.length === 0) return 'NIL'
  const addresses = parseAddressList(texts.join(', ').slice(0, 262_144))
  return addresses.length === 0 ? 'NIL' : `(${addresses.map(addressForm).join('')})`
}

function addressForm(address: ListedAddress): string {
  return `(${nstring(address.name)} ${nstring(address.route)} ${nstring(address.mailbox)} ${nstring(address.host)})`
}

/** RFC 9051 §9, `body`: with extension data for BODYSTRUCTURE, without for BODY. */
export function structureForm(entity: Entity, extended: boolean): string {
  if (entity.type === 'multipart') {
    const children = entity.children.map(child => structureForm(child, extended)).join('')
    const extension = extended
      ? ` ${parametersForm(entity.parameters)} ${dispositionForm(entity)} ${languageForm(entity)} ${nstring(fieldOf(entity.fields, 'content-location'))}`
      : ''
    return `(${children} ${string(entity.subtype)}${extension})`
  }
  const size = entity.bodyEnd - entity.bodyStart
  const basic = [
    string(entity.type),
    string(entity.subtype),
    parametersForm(entity.parameters),
    nstring(fieldOf(entity.fields, 'content-id')),
    nstring(fieldOf(entity.fields, 'content-description')),
    string(entity.encoding),
    String(size),
  ]
  const embedded = holdsMessage(entity) ? entity.children[0] : undefined
  if (embedded !== undefined) basic.push(envelopeForm(embedded.fields), structureForm(embedded, extended), String(entity.lines))
  else if (entity.type === 'text') basic.push(String(entity.lines))
  else if (holdsMessage(entity)) basic.push('(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)', emptyPart(extended), String(entity.lines))
  if (extended)
    basic.push(
      nstring(fieldOf(entity.fields, 'content-md5')),
      dispositionForm(entity),
      languageForm(entity),
      nstring(fieldOf(entity.fields, 'content-location')),
    )
  return `(${basic.join(' ')})`
}

/** What stands for a message too deep to be told. */
function emptyPart(extended: boolean): string {
  return `("text" "plain" NIL NIL NIL "7bit" 0 0${extended ? ' NIL NIL NIL NIL' : ''})`
}

function parametersForm(parameters: ParameterisedValue['parameters']): string {
  if (parameters.length === 0) return 'NIL'
  return `(${parameters.map(([name, value]) => `${string(name)} ${string(value)}`).join(' ')})`
}

function dispositionForm(entity: Entity): string {
  const text = fieldOf(entity.fields, 'content-disposition')
  if (text === undefined) return 'NIL'
  const disposition = parseParameterised(text)
  return disposition.value === '' ? 'NIL' : `(${string(disposition.value)} ${parametersForm(disposition.parameters)})`
}

function languageForm(entity: Entity): string {
  const text = fieldOf(entity.fields, 'content-language')
  if (text === undefined) return 'NIL'
  const tags = text
    .split(',')
    .map(tag => tag.trim())
    .filter(tag => tag !== '')
  if (tags.length === 0) return 'NIL'
  return tags.length === 1 ? string(tags[0] ?? '') : `(${tags.map(string).join(' ')})`
}
