/** Where the parts of a message lie, by the numbers that IMAP gives them. RFC 9051 §6.4.5.1. */

import { holdsMessage, type Entity } from './entity.ts'
import { parameter } from './media-type.ts'

/** Offsets in octets from the start of the stored message. */
export interface Extent {
  readonly headerStart: number
  /** Where the empty line after the header begins. */
  readonly headerEnd: number
  /** After the empty line. */
  readonly bodyStart: number
  readonly bodyEnd: number
}

/** A part: its own header and body. */
export interface PartLocation extends Extent {
  /** Lower case. */
  readonly type: string
  /** Lower case. */
  readonly subtype: string
  /** Lower case; `7bit` where none is given. */
  readonly encoding: string
  /** Of a text part; empty where none is given. */
  readonly charset: string
  readonly isMultipart: boolean
  /** The body is a message: {@link PartLocation.embedded} is where its header and body lie. */
  readonly isMessage: boolean
  readonly embedded?: Extent
  /** Line feeds in the body. */
  readonly lines: number
}

/** Part number and what is there; the path of the whole message is empty. */
export interface NumberedPart {
  readonly path: readonly number[]
  readonly location: PartLocation
}

/** All parts with their numbers, the message itself first. */
export function numberParts(root: Entity): readonly NumberedPart[] {
  const parts: NumberedPart[] = [{ path: [], location: locationOf(root) }]
  number(root, [], parts)
  return parts
}

/** Numbers what a message or multipart consists of; a message that is one part has it as number 1. */
function number(entity: Entity, path: readonly number[], parts: NumberedPart[]): void {
  if (entity.type !== 'multipart') {
    addPart(entity, [...path, 1], parts)
    return
  }
  for (const [index, child] of entity.children.entries()) addPart(child, [...path, index + 1], parts)
}

function addPart(entity: Entity, path: readonly number[], parts: NumberedPart[]): void {
  parts.push({ path, location: locationOf(entity) })
  if (entity.type === 'multipart') number(entity, path, parts)
  const embedded = holdsMessage(entity) ? entity.children[0] : undefined
  if (embedded !== undefined) number(embedded, path, parts)
}

function locationOf(entity: Entity): PartLocation {
  const embedded = holdsMessage(entity) ? entity.children[0] : undefined
  return {
    ...extentOf(entity),
    type: entity.type,
    subtype: entity.subtype,
    encoding: entity.encoding,
    charset: parameter({ value: '', parameters: entity.parameters }, 'charset') ?? '',
    isMultipart: entity.type === 'multipart',
    isMessage: embedded !== undefined,
    ...(embedded === undefined ? {} : { embedded: extentOf(embedded) }),
    lines: entity.lines,
  }
}

function extentOf(entity: Entity): Extent {
  return { headerStart: entity.headerStart, headerEnd: entity.headerEnd, bodyStart: entity.bodyStart, bodyEnd: entity.bodyEnd }
}
