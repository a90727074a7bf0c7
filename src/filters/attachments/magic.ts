/** What octets are, whatever they are called: by the first of them. */

/** Kinds that are told apart. */
export type ContentKind =
  | 'executable'
  | 'script'
  | 'shortcut'
  | 'disk image'
  | 'zip'
  | 'gzip'
  | 'tar'
  | 'rar'
  | '7z'
  | 'xz'
  | 'bzip2'
  | 'cab'
  | 'ole'
  | 'pdf'
  | 'image'

type Signature = readonly [kind: ContentKind, at: number, octets: readonly number[]]

const text = (characters: string): number[] => Array.from(characters, character => character.codePointAt(0) ?? 0)

const SIGNATURES: readonly Signature[] = [
  ['executable', 0, [0x7f, ...text('ELF')]],
  ['executable', 0, [0xfe, 0xed, 0xfa, 0xce]],
  ['executable', 0, [0xfe, 0xed, 0xfa, 0xcf]],
  ['executable', 0, [0xce, 0xfa, 0xed, 0xfe]],
  ['executable', 0, [0xcf, 0xfa, 0xed, 0xfe]],
  // Mach-O for several processors, and Java classes.
  ['executable', 0, [0xca, 0xfe, 0xba, 0xbe]],
  ['script', 0, text('#!/')],
  ['shortcut', 0, [0x4c, 0, 0, 0, 0x01, 0x14, 0x02, 0]],
  ['disk image', 0x8001, text('CD001')],
  ['disk image', 0, text('vhdxfile')],
  ['zip', 0, [0x50, 0x4b, 0x03, 0x04]],
  ['zip', 0, [0x50, 0x4b, 0x05, 0x06]],
  ['gzip', 0, [0x1f, 0x8b, 0x08]],
  ['tar', 257, text('ustar')],
  ['rar', 0, text('Rar!\u001a\u0007')],
  ['7z', 0, [0x37, 0x7a, 0xbc, 0xaf, 0x27, 0x1c]],
  ['xz', 0, [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0]],
  ['bzip2', 4, [0x31, 0x41, 0x59, 0x26, 0x53, 0x59]],
  ['cab', 0, [...text('MSCF'), 0, 0, 0, 0]],
  ['ole', 0, [0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1]],
  ['pdf', 0, text('%PDF-')],
  ['image', 0, [0x89, ...text('PNG')]],
  ['image', 0, [0xff, 0xd8, 0xff]],
  ['image', 0, text('GIF8')],
]

/** The kind of some octets; `undefined` for what is not known. */
export function kindOf(octets: Uint8Array): ContentKind | undefined {
  // A program of DOS or Windows; a text that begins with these letters has no NUL.
  if (octets[0] === 0x4d && octets[1] === 0x5a && octets.subarray(0, 64).includes(0)) return 'executable'
  return SIGNATURES.find(([, at, signature]) => signature.every((octet, index) => octets[at + index] === octet))?.[0]
}
