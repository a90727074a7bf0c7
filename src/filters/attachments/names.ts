/** What a file's name promises, and to whom: the names that a part goes by, and what opening one would do. RFC 2183 §2.3; RFC 2231 §3, §4. */

import { decodeCharset, decodeWords, headerFields, parameter, parseParameterised } from '../../mime/index.ts'
import type { ParameterisedValue } from '../../mime/index.ts'

/** Extensions of what a double click runs, or mounts to run from there. */
export const DANGEROUS_EXTENSIONS: readonly string[] = Object.freeze(
  (
    'ade adp apk app appref-ms appx appxbundle bat chm cmd com cpl desktop diagcab dll exe gadget hta img inf ins iso isp jar jnlp js jse ' +
    'ksh lnk mde msc msi msix msixbundle msp mst ocx one pif ps1 ps1xml ps2 psc1 psm1 pyz reg rgs scf scr sct settingcontent-ms shb shs ' +
    'theme url vb vbe vbs vhd vhdx vxd website wim ws wsc wsf wsh xll xbap'
  ).split(' '),
)

/** Extensions that look harmless in front of another one. */
const HARMLESS: ReadonlySet<string> = new Set(
  'pdf doc docx xls xlsx ppt pptx odt ods rtf txt csv jpg jpeg png gif bmp tif tiff mp3 mp4 avi mov htm html eml msg zip xml'.split(' '),
)
/** Turns the writing direction, or is not seen at all: what stands behind it is not what is read. */
const DECEPTIVE = /[\p{Bidi_Control}\p{Default_Ignorable_Code_Point}]/gu
const LONGEST = 1000

/** What is wrong with a name. */
export interface NameFault {
  /** Its extension is one of the dangerous. */
  readonly extension?: string
  /** It pretends to have another extension than it has. */
  readonly disguised?: string
}

/** Looks at a name as a file system would, and at how a reader would take it. */
export function nameFault(given: string, dangerous: ReadonlySet<string>): NameFault {
  const name = given.slice(-LONGEST).toLowerCase()
  const plain = name.replace(DECEPTIVE, '')
  const [file = ''] = plain.slice(Math.max(plain.lastIndexOf('/'), plain.lastIndexOf('\\')) + 1).split(':', 1)
  // Windows drops dots and blanks at the end, and what follows a colon names a stream of the same file.
  let end = file.length
  while (end > 0 && '. \t'.includes(file[end - 1] ?? '')) end--
  const parts = file.slice(0, end).split('.')
  const extension = (parts.length > 1 ? (parts.at(-1) ?? '') : '').trim()
  const before = parts.at(-2)?.trim() ?? ''
  const isDangerous = dangerous.has(extension)
  return {
    ...(isDangerous ? { extension } : {}),
    ...(plain !== name
      ? { disguised: 'characters that are not seen or turn the writing direction' }
      : isDangerous && parts.length > 2 && HARMLESS.has(before)
        ? { disguised: `the extension .${before} in front of .${extension}` }
        : isDangerous && / {5}/.test(file)
          ? { disguised: 'an extension far to the right' }
          : {}),
  }
}

/**
 * All names that a part may go by: clients differ in which of several they take, so each is looked at (M9).
 * `header` is the part's own.
 */
export function fileNames(header: Uint8Array): readonly string[] {
  const names = new Set<string>()
  for (const { name, value } of headerFields(header)) {
    const key = name.toLowerCase()
    if (key !== 'content-disposition' && key !== 'content-type') continue
    const parsed = parseParameterised(value.slice(0, 8192))
    for (const parameterName of ['filename', 'name']) {
      for (const found of parameterNames(parsed, parameterName)) if (found !== '') names.add(found.slice(0, LONGEST))
    }
  }
  return [...names].slice(0, 20)
}

function* parameterNames(value: ParameterisedValue, name: string): Generator<string> {
  for (const [key, plain] of value.parameters) if (key === name) yield decodeWords(plain)
  const extended = parameter(value, `${name}*`)
  if (extended !== undefined) yield extendedValue(extended)
  // RFC 2231 §3: parts are numbered; each may be encoded, the charset stands in the first.
  const pieces = value.parameters
    .map(([key, piece]) => ({ match: /^(.*)\*(\d{1,3})(\*?)$/.exec(key), piece }))
    .filter(({ match }) => match?.[1] === name)
    .sort((a, b) => Number(a.match?.[2]) - Number(b.match?.[2]))
  if (pieces.length === 0) return
  const isEncoded = pieces.some(({ match }) => match?.[3] === '*')
  const whole = pieces.map(({ piece }) => piece).join('')
  yield isEncoded ? extendedValue(whole) : decodeWords(whole)
}

/** `charset'language'percent-encoded`. RFC 2231 §4. */
function extendedValue(text: string): string {
  const [, charset = '', encoded = text] = /^([^']{0,40})'[^']{0,40}'(.*)$/s.exec(text) ?? []
  const octets: number[] = []
  for (let at = 0; at < encoded.length; at++) {
    const hex = encoded[at] === '%' ? /^[0-9a-f]{2}/i.exec(encoded.slice(at + 1, at + 3))?.[0] : undefined
    if (hex === undefined) octets.push(encoded.charCodeAt(at) & 0xff)
    else {
      octets.push(Number.parseInt(hex, 16))
      at += 2
    }
  }
  return decodeCharset(Uint8Array.from(octets), charset === '' ? 'utf-8' : charset)
}
