import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fc } from '../support/properties.ts'
import { Framer } from '../../src/bytes/index.ts'
import type { DotDataOptions, Frame, LineOptions } from '../../src/bytes/index.ts'
import { processorTime } from '../support/processor-time.ts'

const octets = (text: string): Uint8Array => Uint8Array.from(text, c => c.charCodeAt(0))
const text = (bytes: Uint8Array): string => String.fromCharCode(...bytes)

/** Feeds `input` cut at `cuts` and writes down what came out, data joined. */
function dialogue(
  input: string,
  cuts: readonly number[],
  options: LineOptions,
  onLine: (line: string, framer: Framer) => void = () => {},
): string[] {
  const framer = new Framer(options)
  const bytes = octets(input)
  const said: string[] = []
  let data = ''
  const drain = (): void => {
    for (let frame = framer.next(); frame !== undefined; frame = framer.next()) {
      if (frame.kind === 'data') data += text(frame.bytes)
      else {
        if (data !== '') said.push(`data ${JSON.stringify(data)}`)
        data = ''
        said.push(describe(frame))
        if (frame.kind === 'line') onLine(text(frame.bytes), framer)
      }
    }
  }
  let from = 0
  for (const cut of [...cuts, bytes.length]) {
    framer.push(bytes.subarray(from, cut))
    from = cut
    drain()
  }
  if (data !== '') said.push(`data ${JSON.stringify(data)}`)
  return said
}

function describe(frame: Frame): string {
  if (frame.kind === 'line') return `line ${text(frame.bytes)}`
  if (frame.kind === 'fault') return `fault ${frame.fault}`
  if (frame.kind === 'end' && frame.mode === 'dot-data') {
    const { bareCr, bareLf, nul, lineTooLong } = frame.faults
    return `end ${frame.octets} cr=${bareCr} lf=${bareLf} nul=${nul} long=${lineTooLong}`
  }
  return frame.kind === 'end' ? `end ${frame.octets}` : 'data'
}

/** The same dialogue whole, byte by byte, in threes, and cut once at every place. */
function everySplit(input: string, options: LineOptions, onLine?: (line: string, framer: Framer) => void): string[] {
  const whole = dialogue(input, [], options, onLine)
  const steps = (n: number): number[] => Array.from({ length: Math.ceil(input.length / n) - 1 }, (_, i) => (i + 1) * n)
  const splits = [steps(1), steps(3), ...steps(1).map(cut => [cut])]
  for (const cuts of splits) assert.deepEqual(dialogue(input, cuts, options, onLine), whole, `cut at ${cuts.slice(0, 5).join(',')}`)
  return whole
}

const dataAfter =
  (options: DotDataOptions = {}) =>
  (line: string, framer: Framer): void => {
    if (line === 'DATA') framer.dotData(options)
  }

test('only CRLF ends a command line (RFC 5321 §2.3.8)', () => {
  assert.deepEqual(everySplit('NOOP\r\n\r\nQUIT\r\n', {}), ['line NOOP', 'line ', 'line QUIT'])
  assert.deepEqual(everySplit('NOOP\nQUIT\r\nRSET\r\n', {}), ['fault bare-lf', 'line RSET'])
  assert.deepEqual(everySplit('NOOP\nQUIT\nRSET\r\n', {}), ['fault bare-lf', 'fault bare-lf'])
  assert.deepEqual(everySplit('NO\rOP\r\nRSET\r\n', {}), ['fault bare-cr', 'line RSET'])
  assert.deepEqual(everySplit('NOOP\r\r\nRSET\r\n', {}), ['fault bare-cr', 'line RSET'])
  assert.deepEqual(everySplit('NO\0OP\r\nRSET\r\n', {}), ['fault nul', 'line RSET'])
})

test('accept-lf takes a bare LF as a line end, never a bare CR (RFC 5321 §2.3.8)', () => {
  const options: LineOptions = { bareLineEnds: 'accept-lf' }
  assert.deepEqual(everySplit('NOOP\nQUIT\r\n', options), ['line NOOP', 'line QUIT'])
  assert.deepEqual(everySplit('NO\rOP\nQUIT\n', options), ['fault bare-cr', 'line QUIT'])
})

test('a line over the limit is refused once, dropped to its CRLF, and shows its start (RFC 5321 §4.5.3.1.4)', () => {
  assert.deepEqual(everySplit('NOOP 56\r\nNOOP 567\r\nNOOP\r\n', { maxLength: 9 }), ['line NOOP 56', 'fault line-too-long', 'line NOOP'])
  const framer = new Framer({ maxLength: 100 })
  framer.push(octets(`a1 LOGIN ${'x'.repeat(500)}`))
  const frame = framer.next()
  assert(frame?.kind === 'fault')
  assert.equal(text(frame.start).slice(0, 9), 'a1 LOGIN ')
  assert.equal(frame.start.length, 64)
  for (let i = 0; i < 1000; i++) framer.push(new Uint8Array(1000).fill(120))
  assert.equal(framer.next(), undefined)
  assert.equal(framer.buffered, 0)
})

test('lines and literals of one command share one budget (RFC 9051 §4.3)', () => {
  const framer = new Framer({ maxCommand: 20 })
  framer.push(octets('a {5}\r\nabcde b\r\n'))
  assert.equal(framer.next()?.kind, 'line')
  assert.equal(framer.commandBudget, 13)
  framer.literal(5)
  assert.deepEqual([framer.next()?.kind, framer.next()?.kind, framer.next()?.kind], ['data', 'end', 'line'])
  assert.equal(framer.commandBudget, 4)
  framer.push(octets('12345\r\n'))
  const over = framer.next()
  assert(over?.kind === 'fault' && over.fault === 'command-too-long')
  framer.beginCommand()
  framer.push(octets('NOOP\r\n'))
  assert.equal(framer.next()?.kind, 'line')
})

test('counted octets are handed on as they are, and lines follow (RFC 3030 §2, RFC 9051 §4.3)', () => {
  const onLine = (line: string, framer: Framer): void => {
    if (line.startsWith('BDAT ')) framer.chunk(Number(line.slice(5)))
  }
  assert.deepEqual(everySplit('BDAT 6\r\n\r\n.\r\n\0NOOP\r\n', {}, onLine), [
    'line BDAT 6',
    'data "\\r\\n.\\r\\n\\u0000"',
    'end 6',
    'line NOOP',
  ])
  assert.deepEqual(everySplit('BDAT 0\r\nNOOP\r\n', {}, onLine), ['line BDAT 0', 'end 0', 'line NOOP'])
  assert.throws(() => new Framer().literal(-1), RangeError)
  assert.throws(() => new Framer().chunk(2 ** 53), RangeError)
})

test('message data is un-stuffed and ends at CRLF.CRLF (RFC 5321 §4.5.2)', () => {
  assert.deepEqual(everySplit('DATA\r\n..a\r\nb.\r\n...\r\n.x\r\n.\r\nNOOP\r\n', {}, dataAfter()), [
    'line DATA',
    'data ".a\\r\\nb.\\r\\n..\\r\\nx\\r\\n"',
    'end 15 cr=0 lf=0 nul=0 long=0',
    'line NOOP',
  ])
  assert.deepEqual(everySplit('DATA\r\n.\r\nNOOP\r\n', {}, dataAfter()), ['line DATA', 'end 0 cr=0 lf=0 nul=0 long=0', 'line NOOP'])
})

test('18 would-be terminators stay content, 2 true ones end the data (RFC 5321 §4.1.1.4)', () => {
  const ends = ['\n', '\r', '\r\r\n', '\0\n', '\r\0\n', '\n\r']
  let held = 0
  for (const before of [...ends, '\r\n']) {
    for (const after of [...ends, '\r\n']) {
      if (before.endsWith('\r\n') && after === '\r\n') continue
      const input = `DATA\r\nx${before}.${after}MAIL FROM:<a@b>\r\n.\r\nNOOP\r\n`
      const said = everySplit(input, {}, dataAfter())
      assert.equal(said.length, 4, JSON.stringify([before, after]))
      assert.match(said[1] ?? '', /MAIL FROM/)
      assert.match(said[2] ?? '', /^end \d+ (?!cr=0 lf=0 nul=0)/, JSON.stringify([before, after, said[2]]))
      held++
    }
  }
  assert(held >= 18)
  assert.deepEqual(everySplit('DATA\r\nx\r\n.\r\nNOOP\r\n', {}, dataAfter()).length, 4)
  // CR CR LF holds a bare CR and then a true CRLF.
  assert.deepEqual(everySplit('DATA\r\nx\r\r\n.\r\nNOOP\r\n', {}, dataAfter())[2], 'end 4 cr=1 lf=0 nul=0 long=0')
})

test('normalise makes CRLF of bare CR and bare LF and still counts them (RFC 5321 §2.3.8)', () => {
  const said = everySplit('DATA\r\na\nb\rc\r\r\nd\n.\r\n..e\n..f\r\n.\r\n', {}, dataAfter({ normalise: true }))
  assert.deepEqual(said, [
    'line DATA',
    'data "a\\r\\nb\\r\\nc\\r\\n\\r\\nd\\r\\n.\\r\\n.e\\r\\n..f\\r\\n"',
    'end 26 cr=2 lf=3 nul=0 long=0',
  ])
})

test('the longest line is measured, its stuffed dot not counted (RFC 5321 §4.5.3.1.6)', () => {
  const onLine = dataAfter({ maxLineLength: 10 })
  for (const [line, long] of [
    ['12345678', 0],
    ['123456789', 1],
    ['..2345678', 0],
  ] as const) {
    assert.equal(
      everySplit(`DATA\r\n${line}\r\nx\r\n.\r\n`, {}, onLine).at(-1),
      `end ${line.replace('..', '.').length + 5} cr=0 lf=0 nul=0 long=${long}`,
    )
  }
  const framer = new Framer()
  framer.dotData()
  framer.push(octets('x'.repeat(5000)))
  framer.push(octets('y\r\n.\r\n'))
  let last: Frame | undefined
  for (let frame = framer.next(); frame !== undefined; frame = framer.next()) last = frame
  assert(last?.kind === 'end' && last.mode === 'dot-data')
  assert.equal(last.faults.longestLine, 5003)
})

test('the line feeds told are those handed on, whatever ends the lines and wherever they are cut (RFC 5321 §2.3.8)', () => {
  const pieces = fc.array(fc.constantFrom('a', '.', '\r', '\n', '\r\n', '\r\n.x', '\0'), { maxLength: 30 })
  fc.assert(
    fc.property(pieces, fc.boolean(), fc.integer({ min: 1, max: 9 }), (body, normalise, step) => {
      const wire = octets(`${body.join('')}\r\n.\r\n`)
      const framer = new Framer()
      framer.dotData({ normalise })
      let handed = ''
      for (let at = 0; at < wire.length; at += step) framer.push(wire.subarray(at, at + step))
      for (let frame = framer.next(); frame !== undefined; frame = framer.next()) {
        if (frame.kind === 'data') handed += Buffer.from(frame.bytes).toString('latin1')
        if (frame.kind !== 'end' || frame.mode !== 'dot-data') continue
        assert.equal(frame.faults.lineFeeds, handed.split('\n').length - 1)
        return
      }
      assert.fail('the data did not end')
    }),
  )
})

test('stuffing and un-stuffing are inverse for any CRLF-clean message (RFC 5321 §4.5.2)', () => {
  const lines = fc.array(fc.string({ unit: fc.constantFrom('.', 'a', ' ', '\t'), maxLength: 6 }), { maxLength: 20 })
  fc.assert(
    fc.property(lines, fc.array(fc.nat(200), { maxLength: 8 }), (body, at) => {
      const clean = body.map(line => `${line}\r\n`).join('')
      const wire = `DATA\r\n${clean.replace(/^\./gm, '..')}.\r\n`
      const cuts = at.map(n => n % wire.length).sort((a, b) => a - b)
      const said = dialogue(wire, cuts, {}, dataAfter())
      assert.deepEqual(said, [
        'line DATA',
        ...(clean === '' ? [] : [`data ${JSON.stringify(clean)}`]),
        `end ${clean.length} cr=0 lf=0 nul=0 long=0`,
      ])
    }),
    { numRuns: 2000 },
  )
})

test('any octets give the same frames however they are cut (RFC 5321 §2.3.8)', () => {
  const unit = fc.constantFrom('\r', '\n', '.', '\0', 'a', '\r\n', '\r\n.\r\n', 'DATA\r\n')
  fc.assert(
    fc.property(fc.string({ unit, maxLength: 40 }), fc.boolean(), fc.array(fc.nat(100), { maxLength: 6 }), (tail, normalise, at) => {
      const wire = `DATA\r\n${tail}`
      const cuts = at.map(n => n % wire.length).sort((a, b) => a - b)
      assert.deepEqual(
        dialogue(wire, cuts, { maxLength: 30 }, dataAfter({ normalise })),
        dialogue(wire, [], { maxLength: 30 }, dataAfter({ normalise })),
      )
    }),
    { numRuns: 5000 },
  )
})

test('dropBuffered forgets what came before TLS (RFC 3207 §4.2)', () => {
  const framer = new Framer()
  framer.push(octets('STARTTLS\r\nMAIL FROM:<x@y>\r\nRC'))
  assert.equal(framer.next()?.kind, 'line')
  assert.equal(framer.buffered, 19)
  assert.equal(framer.dropBuffered(), 19)
  assert.equal(framer.buffered, 0)
  framer.push(octets('EHLO a\r\n'))
  const frame = framer.next()
  assert(frame?.kind === 'line')
  assert.equal(text(frame.bytes), 'EHLO a')
})

test('a plain body is handed on as views of what was pushed (RFC 5321 §4.5.2)', () => {
  const framer = new Framer()
  framer.dotData()
  const chunk = octets('Subject: x\r\n\r\nhello\r\n'.repeat(100))
  framer.push(chunk)
  const frame = framer.next()
  assert(frame?.kind === 'data')
  assert.equal(frame.bytes.buffer, chunk.buffer)
  assert.equal(frame.bytes.length, chunk.length)
})

test('8 MB of dot-stuffed lines, of CR, of LF and of NUL are read in linear time (S3)', () => {
  for (const line of ['..\r\n', '.\r\r\n', '\r', '\n', '\0', '.x\r\n', 'x'.repeat(70) + '\r\n']) {
    const piece = octets(line.repeat(Math.ceil(65_536 / line.length)))
    const framer = new Framer()
    framer.dotData()
    const began = processorTime()
    let seen = 0
    for (let fed = 0; fed < 8_388_608; fed += piece.length) {
      framer.push(piece)
      for (let frame = framer.next(); frame !== undefined; frame = framer.next()) if (frame.kind === 'data') seen += frame.bytes.length
    }
    const took = processorTime() - began
    assert(seen > 4_000_000)
    assert(took < 1000, `${JSON.stringify(line.slice(0, 5))}: ${took.toFixed(0)} ms`)
    console.log(`8 MB of ${JSON.stringify(line.slice(0, 5))}: ${took.toFixed(0)} ms`)
  }
})
