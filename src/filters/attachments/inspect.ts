/** Looks through a whole message for what its attachments are. Runs in a thread of its own, within limits. RFC 2046; M5. */

import { gunzipSync } from 'node:zlib'
import { decodeTransfer, readSummary, summarise } from '../../mime/index.ts'
import type { PartLocation } from '../../mime/index.ts'
import { kindOf } from './magic.ts'
import type { ContentKind } from './magic.ts'
import { fileNames, nameFault } from './names.ts'
import { tarEntries } from './tar.ts'
import { endsAsZip, zipBeginning, zipContent, zipEntries, ZipFault } from './zip.ts'

/** Bounds of the inspection. */
export interface InspectionLimits {
  /** Archives within archives. */
  readonly depth: number
  /** Entries of all archives of a message. */
  readonly entries: number
  /** Octets that archives of a message are opened to, together. */
  readonly opened: number
  /** How many times larger than its octets an entry may become. */
  readonly ratio: number
}

/** What was found, by kind of fault. */
export type FindingKind = 'dangerous' | 'disguised' | 'encrypted' | 'macros' | 'unscannable'

/** One thing that speaks against a message. */
export interface Finding {
  readonly kind: FindingKind
  /** Where: `invoice.zip > invoice.pdf.exe`. */
  readonly where: string
  /** In words for an operator. */
  readonly what: string
}

/** Findings of one message; more say nothing new. */
const MOST_FINDINGS = 100
/** Entries of which the first octets are looked at. */
const MOST_PEEKS = 1000
const DISGUISABLE: ReadonlySet<ContentKind | undefined> = new Set<ContentKind>(['executable', 'shortcut', 'disk image'])
const ARCHIVE_NAME = /\.(?:zip|jar|tar|tgz|gz|docx|xlsx|pptx)$/i
/** Archives that are not opened. */
const CLOSED: ReadonlySet<ContentKind | undefined> = new Set<ContentKind>(['rar', '7z', 'xz', 'bzip2', 'cab'])

/** Inspects a message. Never throws for what is in it. */
export function inspectMessage(message: Uint8Array, dangerous: ReadonlySet<string>, limits: InspectionLimits): readonly Finding[] {
  const inspection = new Inspection(dangerous, limits)
  const summary = readSummary(summarise(message))
  for (const { location } of summary.parts.slice(1)) if (!location.isMultipart && !location.isMessage) inspection.part(message, location)
  return inspection.findings
}

class Inspection {
  readonly findings: Finding[] = []
  readonly #dangerous: ReadonlySet<string>
  readonly #limits: InspectionLimits
  #entries = 0
  #opened = 0
  #peeks = 0

  constructor(dangerous: ReadonlySet<string>, limits: InspectionLimits) {
    this.#dangerous = dangerous
    this.#limits = limits
  }

  part(message: Uint8Array, location: PartLocation): void {
    const names = fileNames(message.subarray(location.headerStart, location.headerEnd))
    const content = decodeTransfer(message.subarray(location.bodyStart, location.bodyEnd), location.encoding)
    const where = (names[0] ?? `a part of the type ${location.type}/${location.subtype}`).slice(0, 200)
    for (const name of names) this.#name(name, where)
    this.#content(content, where, 0)
  }

  #name(name: string, where: string): void {
    const { extension, disguised } = nameFault(name, this.#dangerous)
    if (extension !== undefined) this.#find('dangerous', where, `named .${extension}`)
    if (disguised !== undefined) this.#find('disguised', where, `its name has ${disguised}`)
  }

  #content(content: Uint8Array, where: string, depth: number): void {
    const begins = kindOf(content)
    this.#kind(begins, where)
    // Many readers look at the end of a file only: a picture, or a text, can be a zip file as well (M9).
    const kind = begins !== 'zip' && endsAsZip(content) ? 'zip' : begins
    if (CLOSED.has(kind)) {
      this.#find('unscannable', where, `a ${kind ?? ''} archive`)
      return
    }
    if (kind !== 'zip' && kind !== 'gzip' && kind !== 'tar') return
    if (depth >= this.#limits.depth) {
      this.#find('unscannable', where, `an archive ${depth} archives deep`)
      return
    }
    try {
      if (kind === 'zip') this.#zip(content, where, depth)
      else if (kind === 'tar') this.#tar(content, where, depth)
      else
        this.#content(
          this.#budgeted(content.length, most => gunzipSync(content, { maxOutputLength: most })),
          where,
          depth + 1,
        )
    } catch (error) {
      // Four octets that look like an end can stand in anything.
      if (begins !== kind && !ARCHIVE_NAME.test(where)) return
      this.#find('unscannable', where, error instanceof ZipFault ? error.message : `a ${kind} file that cannot be opened within limits`)
    }
  }

  #zip(file: Uint8Array, where: string, depth: number): void {
    for (const entry of zipEntries(file, this.#limits.entries - this.#entries)) {
      this.#entries++
      if (this.findings.length >= MOST_FINDINGS) return
      const place = `${where} > ${entry.name.slice(-200)}`
      this.#name(entry.name, place)
      if (/(?:^|\/)vbaproject\.bin$/i.test(entry.name)) this.#find('macros', place, 'macros')
      if (entry.isEncrypted) {
        this.#find('encrypted', where, `the entry ${entry.name.slice(-200)} is encrypted`)
        continue
      }
      if (entry.size === 0 && entry.compressed <= 2) continue
      if (entry.size > 1_048_576 && entry.size > entry.compressed * this.#limits.ratio) {
        this.#find('unscannable', place, `${entry.compressed} octets that become ${entry.size}`)
        continue
      }
      if (this.#peeks++ >= MOST_PEEKS) continue
      const kind = kindOf(zipBeginning(file, entry))
      const isArchive = kind === 'zip' || kind === 'gzip' || CLOSED.has(kind) || ARCHIVE_NAME.test(entry.name)
      if (isArchive)
        this.#content(
          this.#budgeted(entry.compressed, most => zipContent(file, entry, most)),
          place,
          depth + 1,
        )
      else this.#kind(kind, place)
    }
  }

  #tar(file: Uint8Array, where: string, depth: number): void {
    const { entries, isWhole } = tarEntries(file, this.#limits.entries - this.#entries)
    if (!isWhole) this.#find('unscannable', where, 'a tar file that goes on beyond what can be listed')
    for (const { name, content } of entries) {
      this.#entries++
      if (this.findings.length >= MOST_FINDINGS) return
      const place = `${where} > ${name.slice(-200)}`
      this.#name(name, place)
      this.#content(content, place, depth + 1)
    }
  }

  #kind(kind: ContentKind | undefined, where: string): void {
    if (kind === undefined || !DISGUISABLE.has(kind)) return
    this.#find('dangerous', where, kind === 'executable' ? 'a program' : `a ${kind}`)
  }

  /** Opens something within what is left, for the message and by the ratio. */
  #budgeted(octets: number, open: (most: number) => Uint8Array): Uint8Array {
    const left = Math.min(this.#limits.opened - this.#opened, Math.max(1_048_576, octets * this.#limits.ratio))
    if (left <= 0) throw new ZipFault('archives that become too large together')
    const content = open(left)
    this.#opened += content.length
    return content
  }

  #find(kind: FindingKind, where: string, what: string): void {
    if (this.findings.length < MOST_FINDINGS) this.findings.push({ kind, where, what })
  }
}
