/** The part of a notification that programs write, read as liberally as it is met. RFC 3464 §2.2, §2.3; RFC 6533 §4.1. */

import { utf8Text } from '../../bytes/ascii.ts'
import { bounceClass } from './bounce-class.ts'
import { lineOf } from '../../mime/field-text.ts'
import type { BouncedRecipient, BounceReport } from './report.ts'
import { plain } from './utf8-address.ts'
import type { DeliveryAction } from './wishes.ts'

/** Recipients of one report that are told. */
const MOST_RECIPIENTS = 1000
const ACTIONS: ReadonlySet<string> = new Set<DeliveryAction>(['failed', 'delayed', 'delivered', 'relayed', 'expanded'])

/** Fields of one group: names in lower case, the first of each. */
export type FieldGroup = ReadonlyMap<string, string>

/** Groups of fields, parted by empty lines. Names that occur twice keep their first value; `many` collects all of some. */
export function fieldGroups(octets: Uint8Array, many?: ReadonlyMap<string, string[]>): readonly FieldGroup[] {
  const groups: Map<string, string>[] = []
  let group = new Map<string, string>()
  let name = ''
  let value = ''
  const keep = (): void => {
    if (name === '') return
    const whole = lineOf(value, 2000)
    if (!group.has(name)) group.set(name, whole)
    many?.get(name)?.push(whole)
    name = ''
  }
  for (const line of utf8Text(octets).split(/\r?\n/)) {
    if (line.trim() === '') {
      keep()
      if (group.size > 0) groups.push(group)
      if (groups.length > MOST_RECIPIENTS) return groups
      group = new Map()
    } else if (line.startsWith(' ') || line.startsWith('\t')) value += value.length < 4000 ? ` ${line.trim()}` : ''
    else {
      keep()
      const colon = line.indexOf(':')
      name = colon > 0 && colon < 100 ? line.slice(0, colon).trim().toLowerCase() : ''
      value = line.slice(colon + 1)
    }
  }
  keep()
  if (group.size > 0) groups.push(group)
  return groups
}

/** What the part tells; `undefined` when it names no recipient. */
export function readStatusPart(octets: Uint8Array): Pick<BounceReport, 'envelopeId' | 'reportingServer' | 'recipients'> | undefined {
  const groups = fieldGroups(octets)
  const recipients = groups
    .filter(group => group.has('final-recipient') || group.has('original-recipient'))
    .map(group => recipientOf(group))
  if (recipients.length === 0) return undefined
  const [first] = groups
  const envelopeId = first?.get('original-envelope-id')
  const reportingServer = typed(first?.get('reporting-mta'))?.value
  return {
    recipients,
    ...(envelopeId === undefined || envelopeId === '' ? {} : { envelopeId }),
    ...(reportingServer === undefined ? {} : { reportingServer }),
  }
}

function recipientOf(group: FieldGroup): BouncedRecipient {
  const address = addressOf(group.get('final-recipient'))
  const original = addressOf(group.get('original-recipient'))
  const [word = ''] = /^[a-z]+/i.exec(group.get('action') ?? '') ?? []
  const [status] = /^[245]\.\d{1,3}\.\d{1,3}/.exec(group.get('status') ?? '') ?? []
  const diagnostic = typed(group.get('diagnostic-code'))
  const text = diagnostic?.value
  const said = readReply(text)
  const remote = typed(group.get('remote-mta'))?.value
  const action = ACTIONS.has(word.toLowerCase()) ? (word.toLowerCase() as DeliveryAction) : actionOf(status)
  // "5.0.0" beside a diagnostic of "550 5.1.1": the server's own code says more.
  const code = status === undefined || (status.endsWith('.0.0') && said.status !== undefined) ? (said.status ?? status) : status
  return {
    ...(address === undefined ? {} : { address }),
    ...(original === undefined ? {} : { originalRecipient: original }),
    action,
    ...(code === undefined ? {} : { status: code }),
    ...(said.reply === undefined ? {} : { reply: said.reply }),
    ...(text === undefined ? {} : { text }),
    ...(remote === undefined ? {} : { remote }),
    ...(action === 'failed' || action === 'delayed' ? { reason: bounceClass(code, said.reply, text) } : {}),
    permanent: action === 'failed',
  }
}

function actionOf(status: string | undefined): DeliveryAction {
  return status?.startsWith('2') === true ? 'delivered' : status?.startsWith('4') === true ? 'delayed' : 'failed'
}

const REPLY = /(?:^|[\s:;#(<'"])(?:([45]\d\d)(?:[ #-]{1,3}([45]\.\d{1,3}\.\d{1,3}))?|([45]\.\d{1,3}\.\d{1,3}))(?=[\s:;,)>#-]|$)/

/** The first reply of SMTP, or enhanced code, in a text; neither where there is none. */
export function readReply(text: string | undefined): { readonly reply?: number; readonly status?: string } {
  const [, reply, behind, alone] = REPLY.exec((text ?? '').slice(0, 1000)) ?? []
  const status = behind ?? alone
  return { ...(reply === undefined ? {} : { reply: Number(reply) }), ...(status === undefined ? {} : { status }) }
}

/** `type; value`; without a type the value alone. */
function typed(field: string | undefined): { readonly type: string; readonly value: string } | undefined {
  if (field === undefined || field === '') return undefined
  const [, type = '', value = ''] = /^([\w-]{1,40})[ \t]{0,20};(.*)$/s.exec(field) ?? ['', '', field]
  return { type: type.toLowerCase(), value: value.trim() }
}

/** An address of a field, without brackets. */
export function addressOf(field: string | undefined): string | undefined {
  const read = typed(field)
  if (read === undefined) return undefined
  const value = read.value.replace(/^<(.*)>$/s, '$1').trim()
  if (value === '') return undefined
  return read.type === 'utf-8' ? plain(value) : value
}
