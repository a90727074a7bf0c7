/**
 * Envelope and body structure in the grammar of RFC 9051 §9: the standard's own way of writing the structure of a message
 * down. Text of octets (each character one octet). Strings are quoted, or literals where they hold octets beyond ASCII.
 */

import { parseAddressList, type ListedAddress } from './address-list.ts'
import { fieldOf, holdsMessage, type Entity, type StructureForms } from './entity.ts'
import { valuesOf, type LatinField } from './header.ts'
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
  const texts = valuesOf(fields, name)
  if (texts === undefined) return 'NIL'
  const addresses = parseAddressList(texts.join(', ').slice(0, 262_144))
  return addresses.length === 0 ? 'NIL' : `(${addresses.map(addressForm).join('')})`
}

function addressForm(address: ListedAddress): string {
  return `(${nstring(address.name)} ${nstring(address.route)} ${nstring(address.mailbox)} ${nstring(address.host)})`
}

/**
 * RFC 9051 §9, `body`, in both forms. Made of the forms of the children where they are there: telling parts one by one as they end spreads
 * over a message's arrival what would take long at its end, with ten thousand of them (M2).
 */
export function structureForms(entity: Entity): StructureForms {
  const { parameters, fields } = entity
  if (entity.type === 'multipart') {
    const children = entity.children.map(child => child.forms ?? structureForms(child))
    const subtype = string(entity.subtype)
    const [extended, plain] = [children.map(child => child.extended).join(''), children.map(child => child.plain).join('')]
    return { extended: `(${extended} ${subtype} ${parametersForm(parameters)}${extensionForm(entity)})`, plain: `(${plain} ${subtype})` }
  }
  const kind = `${string(entity.type)} ${string(entity.subtype)} ${parametersForm(parameters)}`
  const about = `${nstring(fieldOf(fields, 'content-id'))} ${nstring(fieldOf(fields, 'content-description'))}`
  const basic = `(${kind} ${about} ${string(entity.encoding)} ${entity.bodyEnd - entity.bodyStart}`
  const extension = ` ${nstring(fieldOf(fields, 'content-md5'))}${extensionForm(entity)})`
  if (!holdsMessage(entity)) {
    const own = entity.type === 'text' ? `${basic} ${entity.lines}` : basic
    return { extended: own + extension, plain: `${own})` }
  }
  const embedded = entity.children[0]
  const start = `${basic} ${embedded === undefined ? EMPTY_ENVELOPE : envelopeForm(embedded.fields)}`
  const inner = embedded === undefined ? EMPTY_PART : (embedded.forms ?? structureForms(embedded))
  return { extended: `${start} ${inner.extended} ${entity.lines}${extension}`, plain: `${start} ${inner.plain} ${entity.lines})` }
}

/** RFC 9051 §9: disposition, language, location. */
function extensionForm(entity: Entity): string {
  return ` ${dispositionForm(entity)} ${languageForm(entity)} ${nstring(fieldOf(entity.fields, 'content-location'))}`
}

/** What stands for a message too deep to be told. */
const EMPTY_ENVELOPE = '(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)'
const EMPTY_PART: StructureForms = {
  extended: '("text" "plain" NIL NIL NIL "7bit" 0 0 NIL NIL NIL NIL)',
  plain: '("text" "plain" NIL NIL NIL "7bit" 0 0)',
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
