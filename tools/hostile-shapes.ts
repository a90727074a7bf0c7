/** Mail made to hurt: shapes that grow, each named after the threat it stands for. RFC 5322; RFC 2045; RFC 6376 §8. */
import { deflateRawSync } from 'node:zlib'
import { seededRandom } from 'mailwright/testing'
import type { SeededRandom } from 'mailwright/testing'

/** One message and what it is. */
export interface HostileMail {
  readonly name: string
  /** With CRLF; lines beginning with a dot are not yet doubled. */
  readonly octets: Uint8Array
}

/** Makes a message of about `octets` octets. `\n` stands for CRLF; texts are Latin-1. */
type Shape = (octets: number, random: SeededRandom) => string

const FROM = 'From: <bob@example.com>\n'
const HEAD = `${FROM}To: <ann@example.org>\nSubject: hello\nDate: Fri, 02 Jan 2026 03:00:00 +0000\nMessage-ID: <1@example.com>\n`
const REST = HEAD.slice(FROM.length)
const MIXED = `${HEAD}MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n`

/** A shape again and again, up to a size. */
function repeated(shape: string, octets: number): string {
  return shape.repeat(Math.max(1, Math.ceil(octets / shape.length)))
}

/** In lines that every server takes; a folded header has its blanks in front. */
function lines(text: string, blank: string = '', length: number = 900): string {
  return text.replaceAll(new RegExp(`[\\s\\S]{${length}}`, 'g'), `$&\n${blank}`)
}

/** As many as fit, each with its number. */
function numbered(octets: number, make: (n: number) => string): string {
  let text = ''
  for (let n = 0; text.length < octets; n++) text += make(n)
  return text
}

/** A signature that has to be looked at, and fails at its last step. */
function signature(n: number, canonicalization: string, more: string = ''): string {
  const b = Buffer.alloc(256, n & 255).toString('base64')
  const tags = `v=1; a=rsa-sha256; c=${canonicalization}; d=example.com; s=s1; h=From:Subject:Date:x${n};${more}`
  return `DKIM-Signature: ${tags}\n bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=;\n b=${lines(b, ' ', 76)}\n`
}

/** An archive entry of many zeros in an attachment. */
function bomb(octets: number): string {
  return lines(deflateRawSync(new Uint8Array(octets * 200)).toString('base64'), '', 76)
}

const shapes: Readonly<Record<string, Shape>> = {
  'M1: multiparts in multiparts': octets =>
    numbered(octets, n => `${n === 0 ? HEAD : ''}Content-Type: multipart/mixed; boundary=b${n}\n\n--b${n}\n`),
  'M1: messages in messages': octets => `${HEAD}${repeated('Content-Type: message/rfc822\n\n', octets)}`,
  'M1: a boundary that comes back inside': octets => MIXED + repeated('--b\nContent-Type: multipart/mixed; boundary=b\n\n', octets),
  'M2: parts': octets => MIXED + repeated('--b\n\nx\n', octets),
  'M2: attachments': octets => MIXED + numbered(octets, n => `--b\nContent-Disposition: attachment; filename=a${n}.exe\n\nx\n`),
  'M2: an empty boundary': octets => HEAD + `Content-Type: multipart/mixed; boundary=""\n\n` + repeated('--\n', octets),
  'M2: boundaries that begin alike': octets =>
    `${HEAD}Content-Type: multipart/mixed; boundary=${'b'.repeat(70)}\n\n${repeated(`--${'b'.repeat(69)}\n`, octets)}`,
  'M3: fields': octets => `${repeated('X-Many: x\n', Math.min(octets, 9000))}${HEAD}\nx`,
  'M3: more fields than are taken': octets => `${repeated('To: <a@example.org>\n', octets)}${HEAD}\nx`,
  'M3: addresses': octets => `To: ${lines(repeated('a@example.org, ', octets), ' ')}\n${FROM}\nx`,
  'M3: encoded-words': octets => `X-Words: ${lines(repeated('=?utf-8?Q?a?= ', octets), ' ')}\n${HEAD}\nx`,
  'M3: broken encoded-words': octets => `Subject: ${lines(repeated('=?', octets), ' ')}\n${FROM}\nx`,
  'M3: RFC 2231 parameters': octets => `${HEAD}Content-Type: application/x${numbered(octets, n => `;\n name*${n}*=%41`)}\n\nx`,
  'M4: base64 of nothing': octets => `${HEAD}Content-Transfer-Encoding: base64\n\n${lines(repeated('====', octets))}`,
  'M4: quoted-printable of nothing': octets => `${HEAD}Content-Transfer-Encoding: quoted-printable\n\n${lines(repeated('= \t', octets))}`,
  'M4: uuencode without an end': octets =>
    `${HEAD}Content-Transfer-Encoding: x-uuencode\n\nbegin 644 a\n${repeated(`M${'`'.repeat(60)}\n`, octets)}`,
  'M4: UTF-7': octets => `${HEAD}Content-Type: text/html; charset=utf-7\n\n${lines(repeated('+ADw-', octets))}`,
  'M4: a charset that is none': octets => `${HEAD}Content-Type: text/plain; charset=__proto__\n\n${lines(repeated('ab ', octets))}`,
  'M5: a bomb': octets =>
    `${MIXED}--b\nContent-Disposition: attachment; filename=a.gz\nContent-Transfer-Encoding: base64\n\n${bomb(octets)}\n--b--\n`,
  'M6: HTML of tags': octets => `${HEAD}Content-Type: text/html\n\n${lines(repeated('<a href="http://h.example/"', octets))}`,
  'M6: comments in an address': octets => `From: ${lines(repeated('(', octets), ' ')}\n${REST}\nx`,
  'S15: two authors': () => `${FROM}From: <eve@example.net>\n${REST}\nx`,
  'S15: two addresses of authors': () => `From: <bob@example.com>, <eve@example.net>\n${REST}\nx`,
  'S15: no author': () => `${REST}\nx`,
  'S15: a group as author': () => `From: bob@example.com:;\n${REST}\nx`,
  'S15: an author behind a NUL': () => `From: <bob@example.com\0@example.net>\n${REST}\nx`,
  'S15: an author in an encoded-word': () => `From: =?utf-8?Q?=3Cbob=40example.com=3E?= <eve@example.net>\n${REST}\nx`,
  'S15: authors in comments': octets => `From: ${lines(repeated('(x) ', octets), ' ')}<bob@example.com>\n${REST}\nx`,
  'S16: l= of nothing': octets => `${signature(1, 'relaxed/relaxed', ' l=0;')}${HEAD}\n${lines(repeated('x', octets))}`,
  'S17: signatures': octets => `${numbered(Math.min(octets, 120_000), n => signature(n, 'relaxed/relaxed'))}${HEAD}\nx`,
  'S17: signatures over a large body': octets =>
    `${numbered(9000, n => signature(n, n % 2 === 0 ? 'relaxed/relaxed' : 'simple/simple', ` l=${n + 1};`))}${HEAD}\n${lines(repeated('x ', octets))}`,
  'S17: a chain of seals': octets =>
    numbered(Math.min(octets, 40_000), n => `ARC-Seal: i=${n + 1}; a=rsa-sha256; cv=pass; d=example.com; s=s1; b=AAAA\n`) + `${HEAD}\nx`,
  'S18: a line': octets => `${signature(1, 'relaxed/relaxed')}${HEAD}\n${'x'.repeat(octets)}`,
  'S18: a line that is just taken': octets => `${signature(1, 'relaxed/relaxed')}${HEAD}\n${lines(repeated('x \t', octets), '', 65_000)}`,
  'S18: blanks': octets => `${signature(1, 'relaxed/relaxed')}${HEAD}\n${lines(repeated(' ', octets), '', 65_000)}`,
  'S18: tabs': octets => `${signature(1, 'simple/relaxed')}${HEAD}\n${lines(repeated('\t', octets), '', 65_000)}`,
  'S18: empty lines': octets => `${signature(1, 'relaxed/simple')}${HEAD}\n${'\n'.repeat(octets / 2)}`,
  noise: (octets, random) =>
    `${HEAD}\n${lines(
      Buffer.from(random.bytes(Math.min(octets, 300_000)))
        .toString('latin1')
        .replaceAll(/[\0\r\n]/g, ' '),
    )}`,
}

/** `count` messages, each shape in its turn, of sizes between 1 KB and `most`, the same for the same seed. */
export function* hostileMail(count: number, most: number, seed: number): Generator<HostileMail> {
  const random = seededRandom(seed)
  const all = Object.entries(shapes)
  for (let n = 0; n < count; n++) {
    const [name = '', shape = () => ''] = all[n % all.length] ?? []
    // Small ones as often as large ones; the first round is at full size.
    const octets = n < all.length ? most : Math.floor(1000 * (most / 1000) ** (random.below(1000) / 1000))
    const text = shape(octets, random).replaceAll(/\r?\n/g, '\r\n')
    yield { name, octets: Buffer.from(text.endsWith('\r\n') ? text : `${text}\r\n`, 'latin1') }
  }
}
