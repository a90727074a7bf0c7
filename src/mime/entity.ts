/** An entity of MIME as the scanner finds it: a header, a body, and where they lie. RFC 2045 §2.4; RFC 2046 §5. */

import { latinFields, type LatinField } from './header.ts'
import type { MimeLimits } from './limits.ts'
import { parameter, parseParameterised, type ParameterisedValue } from './media-type.ts'

/** One structure in the two forms in which IMAP asks for it. RFC 9051 §9, `body`. */
export interface StructureForms {
  /** With extension data, for BODYSTRUCTURE. */
  readonly extended: string
  /** Without, for BODY. */
  readonly plain: string
}

/** One entity; offsets count from the first octet that was scanned. */
export interface Entity {
  readonly headerStart: number
  headerEnd: number
  bodyStart: number
  bodyEnd: number
  /** Line feeds in the body. */
  lines: number
  fields: readonly LatinField[]
  type: string
  subtype: string
  parameters: ParameterisedValue['parameters']
  /** Lower case. */
  encoding: string
  readonly depth: number
  /** Of a multipart; octets as text. */
  boundary: string | undefined
  /** Children of a multipart, or the one embedded message of a message/rfc822. */
  readonly children: Entity[]
  /** What an entity without Content-Type is. RFC 2046 §5.1.5. */
  readonly fallback: 'text/plain' | 'message/rfc822'
  /** Once it has ended, and until its parent has. */
  forms: StructureForms | undefined
}

/** An entity of which nothing is known yet. */
export function newEntity(headerStart: number, depth: number, fallback: Entity['fallback']): Entity {
  return {
    headerStart,
    headerEnd: headerStart,
    bodyStart: headerStart,
    bodyEnd: headerStart,
    lines: 0,
    fields: [],
    type: 'text',
    subtype: 'plain',
    parameters: [],
    encoding: '7bit',
    depth,
    boundary: undefined,
    children: [],
    fallback,
    forms: undefined,
  }
}

/** Fields that structure, envelope and search are made of. */
const TOLD: ReadonlySet<string> = new Set([
  'bcc',
  'cc',
  'content-description',
  'content-disposition',
  'content-id',
  'content-language',
  'content-location',
  'content-md5',
  'content-transfer-encoding',
  'content-type',
  'date',
  'from',
  'in-reply-to',
  'message-id',
  'references',
  'reply-to',
  'sender',
  'subject',
  'to',
])

/**
 * Fills in what the header says. At most `budget` octets of it are kept for telling; answers how many were: what parts
 * cost is bounded for the message as a whole (M1, M3).
 */
export function describe(entity: Entity, header: Uint8Array, limits: MimeLimits, budget: number): number {
  entity.fields = latinFields(header, limits.headerFields, TOLD)
  const told = entity.fields.reduce((sum, field) => sum + field.value.length, 0)
  interpret(entity)
  if (told <= budget) return told
  entity.fields = []
  entity.parameters = []
  if (entity.type.length + entity.subtype.length + entity.encoding.length > LONGEST_TYPE) {
    entity.type = 'application'
    entity.subtype = 'octet-stream'
    entity.encoding = '7bit'
    entity.boundary = undefined
  }
  return 0
}

/** RFC 6838 §4.2: 127 characters for a type and for a subtype each. */
const LONGEST_TYPE = 300

function interpret(entity: Entity): void {
  const given = fieldOf(entity.fields, 'content-type')
  const contentType = parseParameterised(given ?? entity.fallback)
  const slash = contentType.value.indexOf('/')
  if (slash > 0 && slash < contentType.value.length - 1) {
    entity.type = contentType.value.slice(0, slash)
    entity.subtype = contentType.value.slice(slash + 1)
    entity.parameters = contentType.parameters
  }
  const encoding = parseParameterised(fieldOf(entity.fields, 'content-transfer-encoding') ?? '').value
  if (encoding !== '') entity.encoding = encoding
  if (entity.type !== 'multipart') return
  const boundary = parameter(contentType, 'boundary')
  // RFC 2046 §5.1.1 allows 70 characters; more are met, without end are not.
  if (boundary !== undefined && boundary.length > 0 && boundary.length <= 250) entity.boundary = boundary
}

/** Whether the body is itself a message. RFC 2046 §5.2.1; RFC 6532 §3.7. */
export function holdsMessage(entity: Entity): boolean {
  return entity.type === 'message' && (entity.subtype === 'rfc822' || entity.subtype === 'global')
}

/** The first field of a name (in lower case). */
export function fieldOf(fields: readonly LatinField[], name: string): string | undefined {
  return fields.find(field => field.name === name)?.value
}
