/** Exchanges as tables: what the client sends, what comes of it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SaslDialogue, findMechanism, login, offeredMechanisms, plain } from 'mailwright/sasl'
import type { SaslMechanism, SaslTurn } from 'mailwright/sasl'

const octets = (text: string): Uint8Array => new TextEncoder().encode(text)
const base64 = (text: string): Uint8Array => octets(Buffer.from(text).toString('base64'))

/** Plays responses; the last turn is the answer. */
function play(mechanism: SaslMechanism, initial: Uint8Array | undefined, ...responses: Uint8Array[]): SaslTurn {
  const dialogue = new SaslDialogue(mechanism)
  return responses.reduce<SaslTurn>((_, response) => dialogue.respond(response), dialogue.start(initial))
}

const annsSecret = { kind: 'credentials', credentials: { kind: 'password', username: 'ann', password: 'secret' } }
const malformed = { kind: 'fault', fault: 'malformed' }
const badBase64 = { kind: 'fault', fault: 'bad-base64' }

test('PLAIN with the name and password of the RFC’s own example (RFC 4616 §4)', () => {
  assert.deepEqual(play(plain, base64('\0tim\0tanstaaftanstaaf')), {
    kind: 'credentials',
    credentials: { kind: 'password', username: 'tim', password: 'tanstaaftanstaaf' },
  })
  assert.deepEqual(play(plain, base64('Ursel\0Kurt\0xipj3plmq')), {
    kind: 'credentials',
    credentials: { kind: 'password', username: 'Kurt', password: 'xipj3plmq', authorizationId: 'Ursel' },
  })
})

test('PLAIN without an initial response asks with an empty challenge (RFC 4616 §2, RFC 4422 §5)', () => {
  assert.deepEqual(play(plain, undefined), { kind: 'challenge', text: '' })
  assert.deepEqual(play(plain, undefined, base64('\0ann\0secret')), annsSecret)
})

const plainFaults: readonly (readonly [string, string])[] = [
  ['nothing', ''],
  ['no NUL', 'ann'],
  ['one NUL', 'ann\0secret'],
  ['three NULs', '\0ann\0sec\0ret'],
  ['no name', '\0\0secret'],
  ['no password', '\0ann\0'],
  ['a control in the name', '\0an\tn\0secret'],
  ['a control in the password', '\0ann\0sec\nret'],
  ['a name that prepares to nothing', '\0\u200b\0secret'],
  ['a password beyond all measure', `\0ann\0${'x'.repeat(1025)}`],
  ['an authorization identity with a private-use character', '\ue000\0ann\0secret'],
]
for (const [what, message] of plainFaults) {
  test(`PLAIN with ${what} is malformed (RFC 4616 §2)`, () => {
    assert.deepEqual(play(plain, message === '' ? octets('=') : base64(message)), malformed)
  })
}

test('PLAIN takes 255 octets of each and more, and only UTF-8 (RFC 4616 §2)', () => {
  const long = 'ä'.repeat(500)
  const turn = play(plain, base64(`${long}\0${long}\0${long}`))
  assert.equal(turn.kind === 'credentials' && turn.credentials.kind === 'password' && turn.credentials.password, long)
  for (const bad of ['00 c0 80 00 78', '00 61 00 ff', '00 61 00 ed a0 80', '00 61 00 f4 90 80 80', '00 61 00 c3']) {
    const message = Buffer.from(bad.replaceAll(' ', ''), 'hex').toString('base64')
    assert.deepEqual(play(plain, octets(message)), malformed, bad)
  }
})

test('names and passwords are prepared: one spelling is one name (RFC 4013 §2)', () => {
  const turn = play(plain, base64('\0a\u0308nn\u00ad\0p\u00a0w\u2000x'))
  assert.deepEqual(turn, { kind: 'credentials', credentials: { kind: 'password', username: 'änn', password: 'p w x' } })
})

test('LOGIN asks for the name, then the password', () => {
  assert.deepEqual(play(login, undefined), { kind: 'challenge', text: 'VXNlcm5hbWU6' })
  assert.deepEqual(play(login, undefined, base64('ann')), { kind: 'challenge', text: 'UGFzc3dvcmQ6' })
  assert.deepEqual(play(login, undefined, base64('ann'), base64('secret')), annsSecret)
})

test('LOGIN takes the name as an initial response, as Outlook sends it', () => {
  assert.deepEqual(play(login, base64('ann'), base64('secret')), annsSecret)
})

test('LOGIN with an empty answer or a NUL is malformed, and stays over', () => {
  assert.deepEqual(play(login, undefined, octets('')), malformed)
  assert.deepEqual(play(login, undefined, base64('ann\0x')), malformed)
  assert.deepEqual(play(login, undefined, base64('ann'), octets('')), malformed)
  assert.deepEqual(play(login, undefined, octets(''), base64('ann')), { kind: 'fault', fault: 'unexpected' })
})

test('a response after the end is unexpected', () => {
  assert.deepEqual(play(plain, base64('\0ann\0secret'), base64('\0bob\0secret')), { kind: 'fault', fault: 'unexpected' })
  assert.deepEqual(play(login, base64('ann'), base64('secret'), base64('x')), { kind: 'fault', fault: 'unexpected' })
})

test('`*` cancels, wherever it is asked (RFC 4954 §4, S24)', () => {
  for (const mechanism of [plain, login]) assert.deepEqual(play(mechanism, undefined, octets('*')), { kind: 'cancelled' })
  assert.deepEqual(play(login, base64('ann'), octets('*')), { kind: 'cancelled' })
  // Only alone, and only as an answer: an initial response has nothing to cancel yet.
  assert.deepEqual(play(plain, octets('*')), badBase64)
  assert.deepEqual(play(plain, undefined, octets('**')), badBase64)
})

test('what is no canonical base64 is refused, never guessed at (RFC 4648 §3.5, S24)', () => {
  const good = 'AGFubgBzZWNyZXQ='
  for (const bad of [
    '',
    'A',
    'AGFubgBzZWNyZXQ',
    `${good}=`,
    `${good}A`,
    ` ${good}`,
    'AGFu\tgBzZWNyZXQ=',
    'AGFubgBzZWNyZXR=',
    '====',
    'AA==AAAA',
    'AGFubgBzZWN\u0000ZXQ=',
    'AGFubg-_ZWNy',
  ]) {
    assert.deepEqual(play(plain, octets(bad)), badBase64, JSON.stringify(bad))
  }
  assert.deepEqual(play(plain, octets(good)), annsSecret)
})

test('mechanisms that show the secret are offered only where secrets may pass (RFC 4616 §6, S24)', () => {
  assert.deepEqual(
    offeredMechanisms({ scope: 'imap', secretsAllowed: true }).map(mechanism => mechanism.name),
    ['PLAIN', 'LOGIN'],
  )
  assert.deepEqual(offeredMechanisms({ scope: 'imap', secretsAllowed: false }), [])
})

test('a further mechanism joins by a row of the table (RFC 4422 §3.1)', () => {
  const token: SaslMechanism = {
    name: 'X-TOKEN',
    rfc: 'none',
    secretInClear: false,
    scopes: ['smtp'],
    begin: () => ({
      start: () => ({ kind: 'fault', fault: 'unexpected' }),
      respond: () => ({ kind: 'fault', fault: 'unexpected' }),
    }),
  }
  const table = [plain, token]
  assert.equal(findMechanism('x-token', table), token)
  assert.equal(findMechanism('plain'), plain)
  assert.equal(findMechanism('X-TOKEN'), undefined)
  assert.deepEqual(offeredMechanisms({ scope: 'smtp', secretsAllowed: false }, table), [token])
  assert.deepEqual(offeredMechanisms({ scope: 'imap', secretsAllowed: true }, table), [plain])
})
