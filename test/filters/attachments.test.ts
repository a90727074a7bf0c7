import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import type { TraceEntry } from 'mailwright/contracts'
import { attachments, DANGEROUS_EXTENSIONS } from 'mailwright/filters/attachments'
import type { AttachmentOptions } from 'mailwright/filters/attachments'
import { fakeClock } from 'mailwright/testing'
import { inspectMessage } from '../../src/filters/attachments/inspect.ts'
import { Inspector } from '../../src/filters/attachments/inspector.ts'
import { fileNames, nameFault } from '../../src/filters/attachments/names.ts'
import { zipEntries } from '../../src/filters/attachments/zip.ts'
import { address, connectionOf, houseOf, mailOf, person, spooled } from '../pipeline/house.ts'
import { letterWith, PROGRAM, tar, zip } from './archives.ts'
import { processorTime } from '../support/processor-time.ts'

const encoder = new TextEncoder()
const LIMITS = { depth: 3, entries: 10_000, opened: 67_108_864, ratio: 100 }
const DANGEROUS = new Set(DANGEROUS_EXTENSIONS)
const TEXT = encoder.encode('a text, and nothing but a text\n'.repeat(20))
const EVERYTHING_REFUSED = { encrypted: 'reject', macros: 'reject', unscannable: 'reject' } as const

/** What is found in a message with one attachment. */
function findings(content: Uint8Array, name: string = 'file.dat', head?: string, limits: Partial<typeof LIMITS> = {}): string[] {
  const letter = encoder.encode(letterWith(content, name, head).replaceAll('\n', '\r\n'))
  return inspectMessage(letter, DANGEROUS, { ...LIMITS, ...limits }).map(({ kind, where, what }) => `${kind}: ${where}: ${what}`)
}

async function send(
  letter: string,
  options: AttachmentOptions,
  login: boolean = false,
): Promise<{ outcome: string; junk: string; symbols: string[]; notes: string[] }> {
  const house = houseOf({ middleware: [attachments(options)] })
  const principal = { account: person('ann'), username: 'ann', scopes: ['smtp' as const], credential: 'password' }
  const { reception } = await house.host.receive(connectionOf('smtp', login ? { principal } : {}), {
    sender: address(login ? 'ann@example.org' : 'bob@example.com'),
  })
  await reception.recipient(address('ann@example.org'))
  const { outcomes } = await reception.message(spooled(letter))
  const [first] = outcomes
  const entry = ((house.told('message')[0]?.['trace'] ?? []) as readonly TraceEntry[]).find(
    ({ middleware }) => middleware === 'attachments',
  )
  return {
    outcome: first === undefined ? '' : 'code' in first ? `${first.kind} ${first.code} ${first.text}` : first.kind,
    junk: (await mailOf(house.store, 'ann', 'Junk')).join(),
    symbols: (entry?.symbols ?? []).map(({ name }) => name),
    notes: [...(entry?.evidence ?? [])],
  }
}

test('a text goes by, and a picture; a program does not', async () => {
  assert.equal((await send('From: <bob@example.com>\nSubject: hello\n\nMZ is how this text begins\n', {})).outcome, 'accept')
  assert.equal((await send(letterWith(TEXT, 'notes.txt'), EVERYTHING_REFUSED)).outcome, 'accept')
  const { outcome, symbols, notes } = await send(letterWith(PROGRAM, 'setup.exe'), {})
  assert.equal(outcome, 'reject 5.7.1 Attachments that can be run are not taken here')
  assert.deepEqual(symbols, ['ATTACHMENT_DANGEROUS'])
  assert.deepEqual(notes, ['dangerous: setup.exe: named .exe', 'dangerous: setup.exe: a program'])
})

test('what becomes of a finding is an option', async () => {
  const letter = letterWith(PROGRAM, 'setup.exe')
  const aside = await send(letter, { dangerous: 'quarantine' })
  assert.equal(aside.outcome, 'accept')
  assert.match(aside.junk, /see the file/)
  const weighed = await send(letter, { dangerous: 'weigh' })
  assert.equal(weighed.outcome, 'accept')
  assert.equal(weighed.junk, '')
  assert.deepEqual(weighed.symbols, ['ATTACHMENT_DANGEROUS'])
  assert.throws(() => attachments({ dangerous: 'explode' as never }), { code: 'MW_ATTACHMENTS_ACTION' })
})

test('those who have logged in may send what they like, unless that is not wanted', async () => {
  const letter = letterWith(PROGRAM, 'setup.exe').replace('bob@example.com', 'ann@example.org')
  assert.equal((await send(letter, {}, true)).outcome, 'accept')
  assert.match((await send(letter, { principals: true }, true)).outcome, /^reject/)
})

test('names: what a double click would run, and what only looks harmless (RFC 2183 §2.3)', () => {
  const table: Readonly<Record<string, string>> = {
    'report.pdf': '',
    'archive.tar.gz': '',
    'version 1.2.3 of it.txt': '',
    README: '',
    '.profile': '',
    'setup.exe': 'exe',
    'SETUP.EXE': 'exe',
    'setup.exe.': 'exe',
    'setup.exe  ': 'exe',
    'setup.exe::$DATA': 'exe',
    'dir/../setup.exe': 'exe',
    'dir\\setup.scr': 'scr',
    'invoice.pdf.exe': 'exe, the extension .pdf in front of .exe',
    'invoice.pdf                                     .exe': 'exe, the extension .pdf in front of .exe',
    'invoice\u202efdp.exe': 'exe, characters that are not seen or turn the writing direction',
    'exe.\u202efdp': ', characters that are not seen or turn the writing direction',
    'setup.e\u200bxe': 'exe, characters that are not seen or turn the writing direction',
    'photo                         .scr': 'scr, an extension far to the right',
  }
  for (const [name, expected] of Object.entries(table)) {
    const { extension, disguised } = nameFault(name, DANGEROUS)
    assert.equal([extension ?? '', disguised].filter(part => part !== undefined).join(', '), expected, JSON.stringify(name))
  }
})

test('M6: names without end are looked at in linear time', () => {
  for (const shape of ['.', ' ', '/', '\\', 'a', '. x', '\u202e', 'a.', ':']) {
    const began = processorTime()
    for (let n = 0; n < 1000; n++) nameFault(`${shape.repeat(1000)}x`, DANGEROUS)
    assert.ok(processorTime() - began < 1000, JSON.stringify(shape))
  }
})

test('M9: every name that some client would take is looked at (RFC 2231 §3, §4; RFC 2047)', () => {
  const table: readonly (readonly [string, readonly string[]])[] = [
    ['Content-Disposition: attachment; filename="a.txt"\r\nContent-Type: x/y; name="b.exe"', ['a.txt', 'b.exe']],
    [`Content-Disposition: attachment; filename="a.txt"; filename*=utf-8''b.exe`, ['a.txt', 'b.exe']],
    ['Content-Disposition: attachment; filename=a.txt; filename=b.exe', ['a.txt', 'b.exe']],
    ['Content-Disposition: attachment; filename*0="in"; filename*1="voice.exe"', ['invoice.exe']],
    [`Content-Disposition: attachment; filename*1*="%65xe"; filename*0*=utf-8'en'f%2E`, ['f.exe']],
    ['Content-Disposition: attachment; filename="=?utf-8?B?Zi5leGU=?="', ['f.exe']],
    ['Content-Disposition: attachment;\r\n filename="f.exe"', ['f.exe']],
    ['CONTENT-DISPOSITION: attachment; FILENAME=f.exe', ['f.exe']],
  ]
  for (const [header, names] of table) assert.deepEqual(fileNames(encoder.encode(`${header}\r\n`)), names, header)
})

test('what it is counts, whatever it is called', () => {
  assert.deepEqual(findings(PROGRAM, 'holiday.jpg'), ['dangerous: holiday.jpg: a program'])
  assert.deepEqual(findings(encoder.encode('\u007fELF and so on')), ['dangerous: file.dat: a program'])
  assert.deepEqual(findings(PROGRAM, '', 'X-No-Name: at all'), ['dangerous: a part of the type application/octet-stream: a program'])
})

test('zip archives are listed, and those within them', () => {
  const inner = zip([
    { name: 'run.js', content: TEXT },
    { name: 'picture.jpg', content: PROGRAM },
  ])
  assert.deepEqual(
    findings(
      zip([
        { name: 'doc/notes.txt', content: TEXT },
        { name: 'inner.zip', content: inner },
      ]),
      'all.zip',
    ),
    ['dangerous: all.zip > inner.zip > run.js: named .js', 'dangerous: all.zip > inner.zip > picture.jpg: a program'],
  )
  assert.deepEqual(findings(zip([{ name: 'inner.dat', content: inner }]), 'all.zip').length, 2, 'whatever it is called')
  assert.deepEqual(findings(zip([{ name: 'notes.txt', content: TEXT }], 'a comment'), 'all.zip'), [])
  assert.deepEqual(findings(zip([]), 'empty.zip'), [])
  assert.deepEqual(findings(Buffer.concat([TEXT, zip([{ name: 'a.exe', content: TEXT }])]), 'picture.jpg'), [
    'dangerous: picture.jpg > a.exe: named .exe',
  ])
})

test('so are tar and gzip', () => {
  const archive = tar([
    { name: 'notes.txt', content: TEXT },
    { name: 'tool/run.bat', content: TEXT },
    { name: 'picture.png', content: PROGRAM },
  ])
  const expected = [' > tool/run.bat: named .bat', ' > picture.png: a program']
  assert.deepEqual(
    findings(archive, 'all.tar'),
    expected.map(end => `dangerous: all.tar${end}`),
  )
  assert.deepEqual(
    findings(gzipSync(archive), 'all.tgz'),
    expected.map(end => `dangerous: all.tgz${end}`),
  )
  assert.deepEqual(findings(gzipSync(PROGRAM), 'a.gz'), ['dangerous: a.gz: a program'])
})

test('encrypted archives and macros are told', () => {
  assert.deepEqual(findings(zip([{ name: 'secret.pdf', content: TEXT, encrypted: true }]), 'a.zip'), [
    'encrypted: a.zip: the entry secret.pdf is encrypted',
  ])
  const document = zip([
    { name: '[Content_Types].xml', content: TEXT },
    { name: 'word/vbaProject.bin', content: TEXT },
  ])
  assert.deepEqual(findings(document, 'letter.docm'), ['macros: letter.docm > word/vbaProject.bin: macros'])
})

test('M5: what explodes, nests, or is too much is unscannable, in no time and no memory', () => {
  const zeros = new Uint8Array(40_000_000)
  let nested: Uint8Array = zip([{ name: 'deep.txt', content: TEXT }])
  for (let depth = 0; depth < 20; depth++) nested = zip([{ name: 'in.zip', content: nested }])
  const crowd = zip(Array.from({ length: 20_000 }, (_, n) => ({ name: `${n}.txt`, content: TEXT.subarray(0, 1), stored: true })))
  const table: readonly (readonly [string, Uint8Array, RegExp])[] = [
    ['a bomb', zip([{ name: 'zeros.zip', content: zeros }]), /\d+ octets that become 40000000/],
    ['a bomb that says it is small', zip([{ name: 'zeros.zip', content: zeros, claims: 10 }]), /cannot be opened within limits/],
    ['a gzip bomb', gzipSync(zeros), /cannot be opened within limits/],
    ['archives in archives', nested, /an archive 3 archives deep/],
    ['a crowd', crowd, /20000 entries/],
    [
      'many that are large together',
      zip(
        Array.from({ length: 9 }, (_, n) => ({
          name: `${n}.zip`,
          content: zip([{ name: 'x', content: crypto.getRandomValues(new Uint8Array(65_536)) }]),
        })),
      ),
      /too large together|within limits/,
    ],
  ]
  for (const [name, file, expected] of table) {
    const began = processorTime()
    const [finding] = findings(file, 'x.zip', undefined, name.startsWith('many') ? { opened: 100_000 } : {})
    assert.match(finding ?? 'nothing', expected, name)
    assert.ok(processorTime() - began < 2000, name)
  }
})

test('M9: archives that two readers would read differently are unscannable', () => {
  const two = zip([{ name: 'good.txt', otherName: 'evil.exe', content: TEXT }])
  assert.match(findings(two, 'a.zip')[0] ?? '', /^unscannable: a.zip: an entry with two names/)
  const whole = zip([{ name: 'a.txt', content: TEXT }])
  for (const cut of [4, 22, 40, 60])
    assert.match(findings(whole.subarray(0, whole.length - cut), 'a.zip')[0] ?? '', /^unscannable/, `cut by ${cut}`)
  for (let at = 0; at < whole.length; at++) {
    const broken = Uint8Array.from(whole)
    broken[at] = (broken[at] ?? 0) ^ 0xff
    findings(broken, 'a.zip')
  }
  assert.deepEqual(findings(encoder.encode(`a PK\u0005\u0006${'x'.repeat(30)}`), 'notes.txt'), [], 'what only looks like an end')
  assert.throws(() => zipEntries(new Uint8Array(22), 10), { name: 'ZipFault' })
})

test('archives of kinds that are not opened are told', () => {
  assert.deepEqual(findings(encoder.encode('Rar!\u001a\u0007\u0000 and so on'), 'a.rar'), ['unscannable: a.rar: a rar archive'])
})

test('M1, M2: a thousand attachments and a hundred levels are looked through in bounded time', () => {
  const parts = Array.from({ length: 2000 }, (_, n) => `--b\r\nContent-Disposition: attachment; filename=${n}.exe\r\n\r\nx\r\n`).join('')
  const many = encoder.encode(`Content-Type: multipart/mixed; boundary=b\r\n\r\n${parts}--b--\r\n`)
  assert.equal(inspectMessage(many, DANGEROUS, LIMITS).length, 100)
  const deep = encoder.encode(
    Array.from({ length: 300 }, (_, n) => `Content-Type: multipart/mixed; boundary=b${n}\r\n\r\n--b${n}\r\n`).join('') + 'x',
  )
  assert.deepEqual(inspectMessage(deep, DANGEROUS, LIMITS), [])
})

test('M8: a message that takes too long is unscannable, and the next one is none the worse', async () => {
  const clock = fakeClock()
  const inspector = new Inspector({ dangerous: [...DANGEROUS], limits: LIMITS, within: 5000, waiting: 2, clock })
  const letter = encoder.encode(letterWith(PROGRAM, 'setup.exe').replaceAll('\n', '\r\n'))
  const slow = inspector.inspect(letter)
  const waits = [inspector.inspect(letter), inspector.inspect(letter)]
  assert.equal(await inspector.inspect(letter), 'too many messages wait to be looked through')
  clock.advance(5000)
  assert.equal(await slow, 'not looked through within 5000 ms')
  for (const outcome of await Promise.all(waits)) assert.equal(typeof outcome === 'string' ? outcome : outcome.length, 2)
  clock.advance(60_000)
  assert.equal(clock.pending, 0, 'the idle process was let go')
  assert.notEqual(typeof (await inspector.inspect(letter)), 'string', 'and another one begins')
  clock.advance(60_000)
})

test('a message too large to be looked through says so', async () => {
  const { outcome, notes } = await send(letterWith(TEXT, 'a.txt'), { octets: 100, unscannable: 'quarantine' })
  assert.equal(outcome, 'accept')
  assert.match(notes[0] ?? '', /^unscannable: the message: \d+ octets are more than the 100 that are looked through/)
})

/** The processes that this one has begun. */
function children(): readonly number[] {
  return readFileSync(`/proc/self/task/${process.pid}/children`, 'latin1').trim().split(' ').filter(Boolean).map(Number)
}

test('M5, M8: the process that is killed over a message loses that verdict only', { skip: process.platform !== 'linux' }, async () => {
  const inspector = new Inspector({ dangerous: [...DANGEROUS], limits: LIMITS, within: 5000, waiting: 2, clock: fakeClock() })
  const letter = encoder.encode(letterWith(PROGRAM, 'setup.exe').replaceAll('\n', '\r\n'))
  const before = children()
  const outcome = inspector.inspect(letter)
  const [child] = children().filter(pid => !before.includes(pid))
  assert.ok(child !== undefined, 'it is a process of its own')
  process.kill(child, 'SIGKILL')
  assert.equal(await outcome, 'looking through it failed: the process ended with SIGKILL')
  assert.notEqual(typeof (await inspector.inspect(letter)), 'string')
})
