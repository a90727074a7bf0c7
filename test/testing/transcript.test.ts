/** The runner is itself tested on a small engine that greets, echoes and obeys. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Engine } from 'mailwright/contracts'
import { fakeClock, transcript } from 'mailwright/testing'
import type { TranscriptSubject } from 'mailwright/testing'

const text = new TextDecoder()
const octets = new TextEncoder()

/** Answers each line with `you said <line>`; a few lines do more. */
function parrot(): Engine {
  return {
    protocol: 'pop3',
    async serve(transport, connection) {
      const say = (line: string): Promise<void> | undefined => transport.write(octets.encode(`${line}\r\n`))
      await say(`hello ${connection.remote.address}`)
      let buffered = ''
      for (;;) {
        const got = await transport.read(600_000)
        if (got === undefined) return transport.end()
        if (got === 'timeout') {
          await say('bye')
          return transport.end()
        }
        buffered += text.decode(got)
        for (let end = buffered.indexOf('\r\n'); end >= 0; end = buffered.indexOf('\r\n')) {
          const line = buffered.slice(0, end)
          buffered = buffered.slice(end + 2)
          await say(`you said ${line}`)
          if (line === 'crash') throw new Error('a bug')
          if (line === 'untagged') await say('* 1 EXISTS')
          if (line === 'tls') {
            await transport.startTls()
            buffered = ''
            await say(`now ${transport.tls?.version ?? 'nothing'}`)
          }
          if (line === 'quit') return transport.end()
        }
      }
    },
    shutdown() {},
  }
}

test('a dialogue that keeps to its script passes', () =>
  transcript(
    parrot,
    `
    S: hello 192.0.2.7
    C: one
    C: two
    # consecutive lines are pipelined
    S: you said one
    S: you * two
    C~ th\\x72ee\\r\\n
    S: you said three
    S: (nothing)
    C: quit
    S: ...
    S: you said quit
    S: (closed)
  `,
  ))

test('an untagged star stands for itself, every other star for any characters', () =>
  transcript(
    parrot,
    `
    S: *
    C: untagged
    S: you said *
    S: * 1 EXISTS
  `,
  ))

test('two clients take turns', () =>
  transcript(
    { engine: parrot(), remote: { address: '127.0.0.1' } },
    `
    A< hello 127.0.0.1
    B< hello 127.0.0.1
    A: from a
    B: from b
    B< you said from b
    A< you said from a
    A: (gone)
    B: (end)
    B< (closed)
    B: (connect)
    B< hello *
  `,
  ))

test('the clock moves, and the engine lets go of who says nothing', () =>
  transcript(
    { engine: parrot(), clock: fakeClock() },
    `
    S: hello *
    T: 9 minutes
    S: (nothing)
    T: 61 seconds
    S: bye
    S: (closed)
  `,
  ))

test('TLS begins when the engine has asked for it; what was sent before is lost', () =>
  transcript(
    parrot,
    `
    S: hello *
    C: tls
    C: injected
    S: you said tls
    C: (tls)
    S: now TLSv1.3
    C: after
    S: you said after
  `,
  ))

test('a host step runs between two lines, in a fresh world for each replay', async () => {
  let ran = 0
  const make = (): TranscriptSubject => ({ engine: parrot(), steps: { count: () => ran++ } })
  await transcript(
    make,
    `
    S: hello *
    H: count
    C: x
    S: you said x
  `,
  )
  assert.equal(ran, 3)
})

/** Scripts that must fail, and what the failure has to say. */
const wrong: readonly (readonly [string, string, RegExp])[] = [
  [
    'another line than expected',
    'S: hello *\nC: a\nS: you said b',
    /S: hello 192\.0\.2\.7\n +C: a\n +line 3 .*S: you said b\n +but the server said: you said a$/s,
  ],
  ['silence', 'S: hello *\nS: more', /should have said: S: more\n +but said nothing/],
  ['the end', 'S: hello *\nC: quit\nS: you said quit\nS: more', /ended the connection/],
  ['no end', 'S: hello *\nS: (closed)', /goes on/],
  ['a line too many', 'S: hello *\nC: a', /script is over.*said more.*you said a/s],
  ['a line that comes too early', 'S: hello *\nC: a\nS: (nothing)', /nothing to say.*you said a/s],
  ['an engine that rejects', 'S: hello *\nC: crash\nS: you said crash\nS: (closed)', /without ending the connection/],
  ['an engine that rejects when it ends', 'S: hello *\nC: crash\nS: you said crash', /rejected, which serve\(\) never may\nError: a bug/],
  ['TLS that nobody asked for', 'S: hello *\nC: (tls)', /has not begun TLS/],
  ['a step that does not exist', 'H: dance', /called "dance"/],
]
for (const [what, script, expected] of wrong) {
  test(`a transcript fails on ${what}`, async () => {
    await assert.rejects(transcript(parrot, script), (error: Error) => {
      assert.match(error.message, expected)
      assert.match(error.message, /^The dialogue left its script \(input whole\)/)
      return true
    })
  })
}

test('a script that is no script is refused', async () => {
  await assert.rejects(transcript(parrot, 'S hello'), /line 1 of the script is no step: S hello/)
  await assert.rejects(transcript(parrot, 'T: soon'), /no duration/)
})

test('what the host was told of fails the transcript', async () => {
  const subject = { engine: parrot(), errors: [new Error('disk on fire')] }
  await assert.rejects(transcript(subject, 'S: hello *'), /disk on fire/)
  await transcript({ ...subject, errorsExpected: true }, 'S: hello *')
})
