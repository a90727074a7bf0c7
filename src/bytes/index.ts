/** The octet tools every engine stands on: framer, cursor, builder, modified UTF-7. RFC 5321 §2.3.8; RFC 3501 §5.1.3. */

export {
  asciiLowerCase,
  concatBytes,
  decodeBase64,
  encodeBase64,
  hasOctets,
  isAscii,
  latin1Bytes,
  latin1Text,
  sameBytes,
  startsWithFolded,
  strictUtf8Text,
  utf8Bytes,
  utf8Text,
} from './ascii.ts'
export { ByteBuilder } from './byte-builder.ts'
export { Cursor, octetSet, SyntaxFault } from './cursor.ts'
export type { DataFaults, DotDataOptions } from './dot-data.ts'
export { DotStuffer } from './dot-stuff.ts'
export { Framer } from './framer.ts'
export type { Frame, LineOptions } from './framer.ts'
export { decodeModifiedUtf7, encodeModifiedUtf7 } from './modified-utf7.ts'
