/** What goes out stuffed with dots comes in as it was, however it is cut (RFC 5321 §4.5.2; S3). */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DotStuffer, Framer } from '../../src/bytes/index.ts'
import { seededRandom } from 'mailwright/testing'

const CASES = 100_000
const PIECES = ['.', '..', '.\r\n', '\r\n', '\r\n.', '\r\n..', '\r\n.\r\n', 'a', 'Subject: x', ' ', 'ü', '\u0080', '. ', '\r\n \r\n'].map(
  text => Buffer.from(text, 'latin1'),
)

test(`a clean message is the same after DATA: ${CASES} random ones, cut at random (RFC 5321 §4.5.2)`, { timeout: 60_000 }, t => {
  const random = seededRandom(3)
  const cut = (octets: Uint8Array): Uint8Array[] => {
    const parts: Uint8Array[] = []
    for (let at = 0; at < octets.length;) {
      const end = Math.min(octets.length, at + 1 + random.below(random.below(4) === 0 ? 2 : 40))
      parts.push(octets.subarray(at, end))
      at = end
    }
    return parts
  }
  const began = performance.now()
  let dots = 0
  for (let count = 0; count < CASES; count++) {
    const message = Buffer.concat([
      ...Array.from({ length: random.below(12) }, () => PIECES[random.below(PIECES.length)] ?? Buffer.of()),
      Buffer.from('\r\n'),
    ])
    const stuffer = new DotStuffer()
    const wire = Buffer.concat([...cut(message).flatMap(slice => stuffer.stuff(slice)), stuffer.end(), Buffer.from('QUIT\r\n')])
    dots += wire.length - message.length - 9
    const framer = new Framer({ maxLength: 512 })
    framer.dotData()
    const got: Uint8Array[] = []
    let ends = 0
    let after = ''
    for (const octets of cut(wire)) {
      framer.push(octets)
      for (let frame = framer.next(); frame !== undefined; frame = framer.next()) {
        if (frame.kind === 'data') got.push(Buffer.from(frame.bytes))
        else if (frame.kind === 'line') after += Buffer.from(frame.bytes).toString('latin1')
        else if (frame.kind === 'end' && frame.mode === 'dot-data') {
          ends++
          assert.deepEqual([frame.faults.bareCr, frame.faults.bareLf, frame.faults.nul], [0, 0, 0])
        } else assert.fail(frame.kind)
      }
    }
    if (!Buffer.concat(got).equals(message) || ends !== 1 || after !== 'QUIT') {
      assert.deepEqual(
        { message: Buffer.concat(got).toString('latin1'), ends, after },
        { message: message.toString('latin1'), ends: 1, after: 'QUIT' },
      )
    }
  }
  t.diagnostic(`${CASES} messages, ${dots} dots stuffed, ${(performance.now() - began).toFixed(0)} ms`)
  assert.ok(dots > CASES)
})
